package linear

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"sluice/trainer/kernel"
)

// tiny makes a random problem of 150 rows, so that row parts and padding are crossed.
func tiny(t testing.TB, classes int, multi bool) *problem {
	t.Helper()
	set, err := kernel.Default()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	x := &sparse{start: []int{0}}
	var weight []float32
	var one softmax
	var many logistic
	for range 150 {
		for c := range 30 {
			if rng.IntN(5) == 0 {
				x.col, x.val = append(x.col, uint32(c)), append(x.val, float32(rng.Float64()))
			}
		}
		x.start = append(x.start, len(x.col))
		weight = append(weight, float32(.2+rng.Float64()))
		one = append(one, int32(rng.IntN(classes)))
		many = append(many, []int32{int32(rng.IntN(classes))}[:rng.IntN(2)])
	}
	var l loss = one
	if multi {
		l = many
	}
	p := newProblem(kernel.NewTeam(set, 2), x, 30, classes, weight, l)
	p.penalise(3)
	return p
}

// value computes f(θ) in float64 from its definition.
func (p *problem) value(theta []float32) float64 {
	f := 0.0
	for _, w := range theta[:p.cols*p.stride] {
		f += float64(w) * float64(w) / 2
	}
	for i := range p.x.rows() {
		z := make([]float64, p.classes)
		for k := range z {
			z[k] = float64(theta[p.cols*p.stride+k] * p.scale)
			col, val := p.x.row(i)
			for e, c := range col {
				z[k] += float64(val[e]) * float64(theta[int(c)*p.stride+k])
			}
		}
		l := 0.0
		switch t := p.loss.(type) {
		case softmax:
			for _, v := range z {
				l += math.Exp(v)
			}
			l = math.Log(l) - z[t[i]]
		case logistic:
			for _, v := range z {
				l += math.Log1p(math.Exp(v))
			}
			for _, k := range t[i] {
				l -= z[k]
			}
		}
		f += p.c * float64(p.weight[i]) * l
	}
	return f
}

// The gradient agrees with differences of the definition, and so does the slope on a line.
func TestGradient(t *testing.T) {
	for _, c := range []struct {
		name    string
		classes int
		multi   bool
	}{{"softmax", 3, false}, {"softmax, padded", 21, false}, {"logistic", 4, true}, {"logistic, padded", 17, true}} {
		p := tiny(t, c.classes, c.multi)
		rng := rand.New(rand.NewPCG(1, 2))
		theta, dir, g := make([]float32, p.size()), make([]float32, p.size()), make([]float32, p.size())
		for i := range theta {
			if i%p.stride < p.classes {
				theta[i], dir[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
			}
		}
		p.logits(p.z, theta)
		p.logits(p.zd, dir)
		const alpha, h = .25, 1e-2
		_, slope := p.along(alpha)
		p.gradient(g, theta, dir, alpha) // theta is at the point now
		var want, dot float64
		for i, v := range g {
			dot += float64(v) * float64(dir[i])
			if i < p.cols*p.stride {
				slope += float64(theta[i]) * float64(dir[i])
			}
		}
		ahead, back := make([]float32, len(theta)), make([]float32, len(theta))
		for i := range theta {
			ahead[i], back[i] = theta[i]+h*dir[i], theta[i]-h*dir[i]
		}
		want = (p.value(ahead) - p.value(back)) / (2 * h)
		if math.Abs(dot-want) > 2e-3*math.Abs(want) || math.Abs(slope-dot) > 1e-3*math.Abs(dot) {
			t.Errorf("%s: g·d = %.5f, slope on the line %.5f, differences give %.5f", c.name, dot, slope, want)
		}
		for k := p.classes; k < p.stride; k++ {
			if g[5*p.stride+k] != 0 {
				t.Errorf("%s: padding has a gradient", c.name)
			}
		}
	}
}

// L-BFGS ends where plain gradient descent ends.
func TestMinimum(t *testing.T) {
	for _, multi := range []bool{false, true} {
		p := tiny(t, 5, multi)
		theta := make([]float32, p.size())
		f, err := minimise(t.Context(), p, theta, 200, 1e-6)
		if err != nil || !f.Converged {
			t.Fatalf("%+v, %v", f, err)
		}
		if v := p.value(theta); math.Abs(v-f.Objective) > 1e-4*v {
			t.Errorf("objective is reported as %.5f and is %.5f", f.Objective, v)
		}
		slow, g, none := make([]float32, p.size()), make([]float32, p.size()), make([]float32, p.size())
		for range 4000 {
			p.logits(p.z, slow)
			clear(p.zd)
			p.along(0)
			p.gradient(g, slow, none, 0)
			for i := range slow {
				slow[i] -= .01 * g[i]
			}
		}
		if v, w := p.value(theta), p.value(slow); v > w*(1+1e-5) {
			t.Errorf("multi %v: L-BFGS ends at %.6f, gradient descent at %.6f", multi, v, w)
		}
	}
}

// Two rows with one feature each, one of either class: by symmetry W = ±u and b = 0, and f = 2u² + 2C·ln(1+e^(-2u)) is least where
// u = C·σ(-2u).
func TestWorkedExample(t *testing.T) {
	c := Config{Bits: 12, Words: 1, C: 4, Folds: 2, Iterations: 100, Tolerance: 1e-7}
	m, _ := mustTrain(t, []Row{{Text: "yes", Labels: []string{"p"}}, {Text: "no", Labels: []string{"n"}}}, c)
	lo, hi := 0.0, 4.0
	for range 60 {
		if u := (lo + hi) / 2; u < c.C/(1+math.Exp(2*u)) {
			lo = u
		} else {
			hi = u
		}
	}
	want := 1 / (1 + math.Exp(-2*lo))
	if got := float64(m.Predict([]string{"yes"}).Row(0)[1]); math.Abs(got-want) > 1e-5 {
		t.Errorf("p = %.6f, want σ(2u) = %.6f", got, want)
	}
}

// A weight of 2 is the row twice.
func TestWeightIsRepetition(t *testing.T) {
	a := tiny(t, 4, false)
	b := tiny(t, 4, false)
	for i := range a.weight {
		a.weight[i] = float32(1 + i%2)
	}
	x, one := &sparse{start: []int{0}}, softmax{}
	for i := range a.x.rows() {
		for range 1 + i%2 {
			col, val := b.x.row(i)
			x.col, x.val = append(x.col, col...), append(x.val, val...)
			x.start = append(x.start, len(x.col))
			one = append(one, b.loss.(softmax)[i])
		}
	}
	weight := make([]float32, x.rows())
	for i := range weight {
		weight[i] = 1
	}
	b = newProblem(b.team, x, 30, 4, weight, one)
	a.total = b.total
	a.penalise(3)
	b.penalise(3)
	ta, tb := make([]float32, a.size()), make([]float32, b.size())
	fa, _ := minimise(t.Context(), a, ta, 200, 1e-6)
	fb, _ := minimise(t.Context(), b, tb, 200, 1e-6)
	if math.Abs(fa.Objective-fb.Objective) > 1e-5*fb.Objective {
		t.Errorf("weighted %.6f, repeated %.6f", fa.Objective, fb.Objective)
	}
}

func TestStops(t *testing.T) {
	p := tiny(t, 3, false)
	if f, err := minimise(t.Context(), p, make([]float32, p.size()), 2, 1e-9); err != nil || f.Iterations != 2 || f.Converged {
		t.Errorf("after two iterations: %+v, %v", f, err)
	}
	// Asked for more than float32 can give, it ends by itself and does not claim to have converged.
	if f, err := minimise(t.Context(), p, make([]float32, p.size()), 2000, 1e-30); err != nil || f.Converged || f.Gradient > 1e-5 {
		t.Errorf("at the end of precision: %+v, %v", f, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := minimise(ctx, p, make([]float32, p.size()), 10, 1e-9); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled fit gives %v", err)
	}
}
