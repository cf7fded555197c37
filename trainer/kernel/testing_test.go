package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// eachSet runs f for every set of this machine.
func eachSet(t *testing.T, f func(t *testing.T, s Set)) {
	for _, s := range Available() {
		t.Run(s.String(), func(t *testing.T) { f(t, s) })
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// normal gives n standard normal numbers.
func normal(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// wide makes a float64 copy.
func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// near fails unless |got-want| ≤ tol·(1 + |want|) everywhere.
func near(t *testing.T, what string, got []float32, want []float64, tol float64) {
	t.Helper()
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tol*(1+math.Abs(w))) {
			t.Fatalf("%s: element %d of %d is %g, want %g (off by %.3g)", what, i, len(want), got[i], w, d)
		}
	}
}
