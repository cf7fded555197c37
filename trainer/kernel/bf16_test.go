package kernel

import (
	"math"
	"slices"
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

// TestGemmBF16 compares with the product of rounded operands in float64.
func TestGemmBF16(t *testing.T) {
	r := newRand(32)
	eachSet(t, func(t *testing.T, s Set) {
		team := NewTeam(s, 2)
		for _, d := range [][3]int{{1, 1, 1}, {3, 5, 7}, {15, 33, 64}, {40, 70, 601}} {
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
				c := make([]float32, m*n)
				team.GemmBF16(lay, m, n, k, ma, lda, mb, ldb, false, c, n)
				near(t, "GemmBF16", c, want, 1e-6*float64(k+4))
				team.GemmBF16(lay, m, n, k, ma, lda, mb, ldb, true, c, n)
				near(t, "GemmBF16 twice", c, apply(m*n, func(i int) float64 { return 2 * want[i] }), 2e-6*float64(k+4))
			}
		}
	})
}
