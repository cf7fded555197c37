package kernel

import (
	"math"
	"slices"
	"testing"
)

// A matrix lays rows×cols numbers out, plain or transposed, with ld-cols spare floats behind each stored row.
func matrix(x []float32, rows, cols int, turned bool, spare int) (m []float32, ld int) {
	if turned {
		t := make([]float32, len(x))
		for i := range rows {
			for j := range cols {
				t[j*rows+i] = x[i*cols+j]
			}
		}
		x, rows, cols = t, cols, rows
	}
	ld = cols + spare
	m = make([]float32, rows*ld)
	for i := range m {
		m[i] = float32(math.NaN()) // a spare float that is read shows
	}
	for i := range rows {
		copy(m[i*ld:], x[i*cols:(i+1)*cols])
	}
	return m, ld
}

// product64 is A·B in float64.
func product64(a, b []float32, m, n, k int) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		for p := range k {
			v := float64(a[i*k+p])
			for j, u := range b[p*n : (p+1)*n] {
				c[i*n+j] += v * float64(u)
			}
		}
	}
	return c
}

// checkGemm runs one shape in all layouts, with and without acc, against float64.
func checkGemm(t *testing.T, w *Worker, m, n, k, spare int) {
	t.Helper()
	r := newRand(uint64(m*1000_000 + n*1000 + k))
	a, b, c0 := normal(r, m*k), normal(r, k*n), normal(r, m*n)
	want := product64(a, b, m, n, k)
	for _, lay := range []Layout{NN, NT, TN} {
		ma, lda := matrix(a, m, k, lay == TN, spare)
		mb, ldb := matrix(b, k, n, lay == NT, spare)
		for _, acc := range []bool{false, true} {
			c, ldc := matrix(c0, m, n, false, spare)
			w.Gemm(lay, m, n, k, ma, lda, mb, ldb, acc, c, ldc)
			for i := range m {
				for j := range n {
					x := want[i*n+j]
					if acc {
						x += float64(c0[i*n+j])
					}
					if d := math.Abs(float64(c[i*ldc+j]) - x); !(d <= 2e-6*float64(k+4)) {
						t.Fatalf("layout %d m=%d n=%d k=%d acc=%v: C[%d,%d] = %g, want %g", lay, m, n, k, acc, i, j, c[i*ldc+j], x)
					}
				}
				for j := n; j < ldc; j++ {
					if c[i*ldc+j] == c[i*ldc+j] {
						t.Fatalf("layout %d m=%d n=%d k=%d: wrote behind row %d", lay, m, n, k, i)
					}
				}
			}
		}
	}
}

func TestGemm(t *testing.T) {
	eachSet(t, func(t *testing.T, s Set) {
		w := NewTeam(s, 1).workers[0]
		kc := s.geometry().kc
		for m := 1; m <= 15; m++ {
			for n := 1; n <= 33; n++ {
				for k := range 4 {
					checkGemm(t, w, m, n, k, n%3)
				}
			}
			for _, n := range []int{1, 7, 12, 15, 16, 17, 31, 32, 33} {
				for _, k := range []int{kc - 1, kc, kc + 1} {
					if testing.Short() && m%5 != 0 {
						continue
					}
					checkGemm(t, w, m, n, k, 0)
				}
			}
		}
		g := s.geometry()
		checkGemm(t, w, 2*g.mr+1, g.nc+g.nr+3, 2*kc+5, 1)
		checkGemm(t, w, 9, 40, 1024, 0) // rows 4 KiB apart
		checkGemm(t, w, 1024, 9, 70, 0)
	})
}

func TestGemmByHand(t *testing.T) {
	eachSet(t, func(t *testing.T, s Set) {
		c := []float32{0, 0}
		NewTeam(s, 1).Gemm(NN, 1, 2, 2, []float32{1, 2}, 2, []float32{3, 4, 5, 6}, 2, false, c, 2)
		if !slices.Equal(c, []float32{13, 16}) {
			t.Fatalf("[1 2]·[[3 4] [5 6]] = %v", c)
		}
	})
}

// TestGemmThreads: any number of threads gives the same bits, also for shapes that split badly.
func TestGemmThreads(t *testing.T) {
	r := newRand(5)
	eachSet(t, func(t *testing.T, s Set) {
		one := NewTeam(s, 1)
		for _, d := range [][3]int{{200, 100, 300}, {90, 500, 70}, {2, 3000, 90}, {1, 4096, 100}, {64, 64, 600}} {
			m, n, k := d[0], d[1], d[2]
			a, b := normal(r, m*k), normal(r, k*n)
			for _, lay := range []Layout{NN, NT, TN} {
				lda, ldb := k, n
				if lay == NT {
					ldb = k
				}
				if lay == TN {
					lda = m
				}
				want := make([]float32, m*n)
				one.Gemm(lay, m, n, k, a, lda, b, ldb, false, want, n)
				for _, threads := range []int{2, 3, 7} {
					got := make([]float32, m*n)
					NewTeam(s, threads).Gemm(lay, m, n, k, a, lda, b, ldb, false, got, n)
					if !slices.Equal(got, want) {
						t.Fatalf("%v layout %d: %d threads give other bits", d, lay, threads)
					}
				}
			}
		}
	})
}

// TestGemmNaN: a NaN in either operand spreads along its row or column, and nowhere else.
func TestGemmNaN(t *testing.T) {
	eachSet(t, func(t *testing.T, s Set) {
		const n = 40
		a, b, c := normal(newRand(1), n*n), normal(newRand(2), n*n), make([]float32, n*n)
		a[3*n+5] = float32(math.NaN())
		NewTeam(s, 1).Gemm(NN, n, n, n, a, n, b, n, false, c, n)
		for i, v := range c {
			if (v != v) != (i/n == 3) {
				t.Fatalf("C[%d,%d] = %g", i/n, i%n, v)
			}
		}
	})
}
