package kernel

import (
	"math"
	"slices"
	"testing"
)

func TestSoftmax(t *testing.T) {
	r := newRand(21)
	eachSet(t, func(t *testing.T, s Set) {
		for _, n := range lengths {
			x, dy := normal(r, n), normal(r, n)
			for i := range x {
				x[i] = 5*x[i] + 100 // a large mean must not matter
			}
			X, DY := wide(x), wide(dy)
			const scale = .7
			sum, top := 0.0, slices.Max(X)
			for _, v := range X {
				sum += math.Exp((v - top) * scale)
			}
			want := apply(n, func(i int) float64 { return math.Exp((X[i]-top)*scale) / sum })
			y := make([]float32, n)
			lse := s.Softmax(y, x, scale)
			near(t, "Softmax", y, want, 2e-6)
			near(t, "its logarithm", []float32{lse}, []float64{top*scale + math.Log(sum)}, 1e-6)
			dot := 0.0
			for i := range want {
				dot += want[i] * DY[i]
			}
			s.SoftmaxBwd(dy, dy, y, scale)
			near(t, "SoftmaxBwd", dy, apply(n, func(i int) float64 { return scale * want[i] * (DY[i] - dot) }), 2e-6)
			lse = s.LogSumExp(x)
			sum = 0
			for _, v := range X {
				sum += math.Exp(v - top)
			}
			near(t, "LogSumExp", []float32{lse}, []float64{top + math.Log(sum)}, 1e-6)
			s.ExpShift(y, x, 1, lse)
			near(t, "ExpShift", y, apply(n, func(i int) float64 { return math.Exp(X[i]-top) / sum }), 2e-5)
		}
	})
}

// TestNorms checks against float64; the gradients are checked by differences in package tensor.
func TestNorms(t *testing.T) {
	r := newRand(22)
	eachSet(t, func(t *testing.T, s Set) {
		for _, n := range lengths[3:] {
			x, g, c := normal(r, n), normal(r, n), normal(r, n)
			for i := range x {
				x[i] += 50 // |mean| ≫ deviation
			}
			X, G, C := wide(x), wide(g), wide(c)
			mean, variance, square := 0.0, 0.0, 0.0
			for _, v := range X {
				mean += v / float64(n)
				square += v * v / float64(n)
			}
			for _, v := range X {
				variance += (v - mean) * (v - mean) / float64(n)
			}
			y := make([]float32, n)
			s.LayerNorm(y, x, g, c, 1e-5)
			near(t, "LayerNorm", y, apply(n, func(i int) float64 { return (X[i]-mean)/math.Sqrt(variance+1e-5)*G[i] + C[i] }), 1e-4)
			s.RMSNorm(y, x, g, 1e-5)
			near(t, "RMSNorm", y, apply(n, func(i int) float64 { return X[i] / math.Sqrt(square+1e-5) * G[i] }), 1e-6)
		}
	})
}

func TestCrossEntropy(t *testing.T) {
	r := newRand(23)
	eachSet(t, func(t *testing.T, s Set) {
		for _, n := range lengths[2:] {
			z := normal(r, n)
			Z := wide(z)
			target, eps := n/2, .1
			sum, mean := 0.0, 0.0
			for _, v := range Z {
				sum += math.Exp(v)
				mean += v / float64(n)
			}
			loss, lse := s.CrossEntropy(z, target, float32(eps))
			near(t, "loss", []float32{loss}, []float64{math.Log(sum) - (1-eps)*Z[target] - eps*mean}, 1e-6)
			s.CrossEntropyBwd(z, z, target, float32(eps), lse, 2)
			near(t, "gradient", z, apply(n, func(i int) float64 {
				d := math.Exp(Z[i])/sum - eps/float64(n)
				if i == target {
					d -= 1 - eps
				}
				return 2 * d
			}), 1e-6)
		}
	})
}

// TestAdamW runs five steps against the formula in float64.
func TestAdamW(t *testing.T) {
	r := newRand(24)
	o := AdamW{LR: 1e-2, Beta1: .9, Beta2: .95, Eps: 1e-8, Decay: .1}
	eachSet(t, func(t *testing.T, s Set) {
		for _, n := range []int{1, 7, 16, 33} {
			w, m, v := normal(r, n), make([]float32, n), make([]float32, n)
			W, M, V := wide(w), make([]float64, n), make([]float64, n)
			for step := 1; step <= 5; step++ {
				g := normal(r, n)
				o.Step(s, w, g, m, v, .5, step)
				for i := range g {
					d := .5 * float64(g[i])
					M[i] = .9*M[i] + .1*d
					V[i] = .95*V[i] + .05*d*d
					W[i] = W[i]*(1-o.LR*o.Decay) - o.LR*M[i]/(1-math.Pow(.9, float64(step)))/(math.Sqrt(V[i]/(1-math.Pow(.95, float64(step))))+o.Eps)
				}
			}
			near(t, "weights", w, W, 1e-6)
			near(t, "first moments", m, M, 1e-6)
			near(t, "second moments", v, V, 1e-6)
		}
	})
}

// TestRope by hand: a quarter turn takes the pair (1, 2) to (-2, 1); turning back gives it again.
func TestRope(t *testing.T) {
	eachSet(t, func(t *testing.T, s Set) {
		x := []float32{1, 5, 2, 6}
		y := make([]float32, 4)
		s.Rope(y, x, []float32{0, 1}, []float32{1, 0})
		if !slices.Equal(y, []float32{-2, 5, 1, 6}) {
			t.Errorf("turned to %v", y)
		}
		s.Rope(y, y, []float32{0, 1}, []float32{-1, 0})
		if !slices.Equal(y, x) {
			t.Errorf("turned back to %v", y)
		}
	})
}

// TestSumRows: the same bits for any number of threads, and the right sum.
func TestSumRows(t *testing.T) {
	r := newRand(25)
	eachSet(t, func(t *testing.T, s Set) {
		const rows, n = 333, 37
		x := normal(r, rows*n)
		want := make([]float64, n)
		for i, v := range x {
			want[i%n] += float64(v)
		}
		one := make([]float32, n)
		NewTeam(s, 1).SumRows(one, x, rows, n)
		near(t, "SumRows", one, want, 1e-5)
		for threads := 2; threads < 6; threads++ {
			many := make([]float32, n)
			NewTeam(s, threads).SumRows(many, x, rows, n)
			if !slices.Equal(one, many) {
				t.Fatalf("%d threads give other bits", threads)
			}
		}
	})
}
