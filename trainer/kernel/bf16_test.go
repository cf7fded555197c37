package kernel

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
)

func TestBF16Rounding(t *testing.T) {
	for _, c := range []struct {
		in   float32
		want uint16
	}{
		{0, 0}, {float32(math.Copysign(0, -1)), 0x8000}, {1, 0x3F80}, {1 + 1.0/256, 0x3F80}, {1 + 3.0/256, 0x3F82}, {1 + 1.01/256, 0x3F81},
		{float32(math.Inf(1)), 0x7F80}, {float32(math.Inf(-1)), 0xFF80}, {math.MaxFloat32, 0x7F80}, {1e-40, 0}, {-1e-40, 0x8000},
	} {
		if got := BF16(c.in); got != c.want {
			t.Errorf("BF16(%g) = %04X, want %04X", c.in, got, c.want)
		}
	}
	if f := FromBF16(BF16(float32(math.NaN()))); f == f {
		t.Error("NaN became a number")
	}
	for h := range 1 << 16 { // every bfloat16 but subnormals and signalling NaNs is its own rounding
		if f := FromBF16(uint16(h)); f == f && (h&0x7F80 != 0) && BF16(f) != uint16(h) {
			t.Fatalf("%04X rounds to %04X", h, BF16(f))
		}
	}
}

// TestBF16Pairs: the conversion of a set rounds as the twin does, in both directions of k and for odd sizes.
func TestBF16Pairs(t *testing.T) {
	r := newRand(31)
	eachSet(t, func(t *testing.T, s Set) {
		for _, n := range lengths {
			x, y := normal(r, n), normal(r, n)
			x[0], y[0] = float32(math.NaN()), 1e-41
			got, want := make([]uint32, (n+1)/2), make([]uint32, (n+1)/2)
			s.bf16Row(got, x)
			bf16RowGo(want, x)
			if !slices.Equal(got, want) {
				t.Fatalf("row of %d: %x, want %x", n, got, want)
			}
			got, want = make([]uint32, n), make([]uint32, n)
			s.bf16Rows(got, x, y)
			bf16RowsGo(want, x, y)
			if !slices.Equal(got, want) {
				t.Fatalf("rows of %d: %x, want %x", n, got, want)
			}
		}
	})
	words := make([]uint32, 2)
	bf16RowGo(words, []float32{1, 2, -1})
	if want := []uint32{0x4000_3F80, 0x0000_BF80}; !slices.Equal(words, want) {
		t.Errorf("1 2 -1 is %x, want %x", words, want)
	}
}

// A halfProduct is a way to compute GemmBF16.
type halfProduct struct {
	name string
	run  func(t *Team, lay Layout, m, n, k int, a []float32, lda int, b []float32, ldb int, acc bool, c []float32, ldc int)
}

// halfProducts are the ways that this machine has: with a matrix unit, the product of vectors is the other one.
var halfProducts = []halfProduct{{"GemmBF16", (*Team).GemmBF16}, {"halfVectors",
	func(t *Team, lay Layout, m, n, k int, a []float32, lda int, b []float32, ldb int, acc bool, c []float32, ldc int) {
		t.halfVectors(product{lay, m, n, k, a, lda, b, ldb, acc, c, ldc, nil, false})
	}}}

// TestGemmBF16 compares with the product of rounded operands in float64: tails in every direction, and more than a block of k and of columns.
func TestGemmBF16(t *testing.T) {
	r := newRand(32)
	eachSet(t, func(t *testing.T, s Set) {
		t.Logf("matrix unit: %v", s.matrixUnit())
		team := NewTeam(s, 2)
		for _, d := range [][3]int{{1, 1, 1}, {3, 5, 7}, {15, 33, 64}, {16, 16, 32}, {17, 47, 33}, {32, 32, 31}, {33, 64, 65}, {40, 70, 601},
			{64, 96, 2*tiledK + 3}, {tiledM + 40, 35, 20}, {5, tiledN + 50, 9}} {
			m, n, k := d[0], d[1], d[2]
			a, b := normal(r, m*k), normal(r, k*n)
			ra, rb := slices.Clone(a), slices.Clone(b)
			for _, x := range [][]float32{ra, rb} {
				for i, v := range x {
					x[i] = FromBF16(BF16(v))
				}
			}
			want := product64(ra, rb, m, n, k)
			for _, lay := range []Layout{NN, NT, TN} {
				ma, lda := matrix(a, m, k, lay == TN, 1)
				mb, ldb := matrix(b, k, n, lay == NT, 2)
				for _, p := range halfProducts {
					c := make([]float32, m*n)
					p.run(team, lay, m, n, k, ma, lda, mb, ldb, false, c, n)
					near(t, p.name, c, want, 1e-6*float64(k+4))
					p.run(team, lay, m, n, k, ma, lda, mb, ldb, true, c, n)
					near(t, p.name+" twice", c, apply(m*n, func(i int) float64 { return 2 * want[i] }), 2e-6*float64(k+4))
				}
			}
		}
		c := []float32{1, 2}
		if team.GemmBF16(NN, 1, 2, 0, nil, 0, nil, 2, true, c, 2); !slices.Equal(c, []float32{1, 2}) {
			t.Errorf("nothing added gives %v", c)
		}
		if team.GemmBF16(NN, 1, 2, 0, nil, 0, nil, 2, false, c, 2); !slices.Equal(c, []float32{0, 0}) {
			t.Errorf("the product without inner dimension is %v", c)
		}
		some := make([]float32, 8)
		for _, lay := range []Layout{NN, NT, TN} { // no row, no column: nothing to do, and no panic
			team.GemmBF16(lay, 0, 2, 4, nil, 4, some, 4, false, nil, 2)
			team.GemmBF16(lay, 2, 0, 4, some, 4, nil, 4, false, nil, 2)
		}
	})
}

// TestGemmBF16Threads: any number of threads gives the same bits.
func TestGemmBF16Threads(t *testing.T) {
	r := newRand(33)
	eachSet(t, func(t *testing.T, s Set) {
		for _, d := range [][3]int{{130, 100, 200}, {90, 300, 70}, {100, 33, tiledK + 9}, {1, 4200, 20}} {
			m, n, k := d[0], d[1], d[2]
			a, b := normal(r, m*k), normal(r, k*n)
			for _, lay := range []Layout{NN, NT, TN} {
				ma, lda := matrix(a, m, k, lay == TN, 0)
				mb, ldb := matrix(b, k, n, lay == NT, 0)
				for _, p := range halfProducts {
					want := make([]float32, m*n)
					p.run(NewTeam(s, 1), lay, m, n, k, ma, lda, mb, ldb, false, want, n)
					for _, threads := range []int{2, 5} {
						got := make([]float32, m*n)
						p.run(NewTeam(s, threads), lay, m, n, k, ma, lda, mb, ldb, false, got, n)
						if !slices.Equal(got, want) {
							t.Fatalf("%s %v layout %d: %d threads give other bits", p.name, d, lay, threads)
						}
					}
				}
			}
		}
	})
}

// TestGemmBF16NaN: a NaN spreads along its row and nowhere else, also past a block of zeros that fills a tile up.
func TestGemmBF16NaN(t *testing.T) {
	eachSet(t, func(t *testing.T, s Set) {
		const n = 43
		a, b := normal(newRand(1), n*n), normal(newRand(2), n*n)
		a[3*n+n-1] = float32(math.NaN())
		for _, p := range halfProducts {
			c := make([]float32, n*n)
			p.run(NewTeam(s, 1), NN, n, n, n, a, n, b, n, false, c, n)
			for i, v := range c {
				if (v != v) != (i/n == 3) {
					t.Fatalf("%s: C[%d,%d] = %g", p.name, i/n, i%n, v)
				}
			}
		}
	})
}

// TestGemmBF16AmongGoroutines: the tiles' state survives switches of threads, garbage collections and their signals.
func TestGemmBF16AmongGoroutines(t *testing.T) {
	const n = 96
	s := Available()[0]
	a, b := normal(newRand(3), n*n), normal(newRand(4), n*n)
	want := make([]float32, n*n)
	NewTeam(s, 1).GemmBF16(NT, n, n, n, a, n, b, n, false, want, n)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			team, c := NewTeam(s, 2), make([]float32, n*n)
			for i := range 60 {
				team.GemmBF16(NT, n, n, n, a, n, b, n, false, c, n)
				if !slices.Equal(c, want) {
					t.Errorf("round %d gives other bits", i)
					return
				}
				if i%20 == 0 {
					runtime.GC()
				}
			}
		})
	}
	wg.Wait()
}

// TestGemmBias: rows begin as the bias, in every layout, path and block.
func TestGemmBias(t *testing.T) {
	r := newRand(34)
	eachSet(t, func(t *testing.T, s Set) {
		team := NewTeam(s, 2)
		for _, d := range [][3]int{{1, 5, 3}, {2, 40, 0}, {33, 50, 7}, {64, 96, 40}, {40, 64, tiledK + 40}} {
			m, n, k := d[0], d[1], d[2]
			a, b, bias := normal(r, m*k), normal(r, k*n), normal(r, n)
			for _, x := range [][]float32{a, b} {
				for i, v := range x {
					x[i] = FromBF16(BF16(v)) // so that both precisions have the same operands
				}
			}
			want := product64(a, b, m, n, k)
			for i := range want {
				want[i] += float64(bias[i%n])
			}
			for _, lay := range []Layout{NN, NT, TN} {
				ma, lda := matrix(a, m, k, lay == TN, 0)
				mb, ldb := matrix(b, k, n, lay == NT, 0)
				for _, bf16 := range []bool{false, true} {
					c := normal(r, m*n)
					team.GemmBias(bf16, lay, m, n, k, ma, lda, mb, ldb, bias, c, n)
					near(t, "GemmBias", c, want, 1e-6*float64(k+4))
				}
			}
		}
	})
}
