package mix

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// The smoother keeps a cubic as it is, ends included, and halves noise at least.
func TestSmoother(t *testing.T) {
	var y, noisy []float64
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 300 {
		x := float64(i) / 100
		y = append(y, 1-2*x+.5*x*x-.1*x*x*x)
		noisy = append(noisy, y[i]+.1*rng.NormFloat64())
	}
	sum := 0.
	for i := range y {
		if got := smooth(y, i, 101); math.Abs(got-y[i]) > 1e-8 {
			t.Fatalf("point %d: %v becomes %v", i, y[i], got)
		}
		d := smooth(noisy, i, 101) - y[i]
		sum += d * d
	}
	if rms := math.Sqrt(sum / 300); rms > .05 {
		t.Errorf("noise of .1 is left as %.3f", rms)
	}
	if got := smooth([]float64{1, 2, 9}, 2, 101); got != 9 {
		t.Errorf("three points are smoothed to %v", got)
	}
}

// A planted scaling law is found again: at the published bounds, and below them.
func TestScalingLaw(t *testing.T) {
	for _, c := range []struct{ e, b, alpha float64 }{{2, 6, .4}, {1.1, 3, .3}, {3, 40, .6}} {
		rng := rand.New(rand.NewPCG(2, 2))
		var n, loss []float64
		for i := range 1500 {
			n = append(n, float64(4*(i+1)))
			loss = append(loss, (c.e+c.b*math.Pow(n[i], -c.alpha))*(1+.003*rng.NormFloat64()))
		}
		e, b, alpha, ok := fitLaw(n, loss)
		if !ok || math.Abs(e/c.e-1) > .05 || math.Abs(alpha/c.alpha-1) > .2 {
			t.Errorf("fitted E %.3f, B %.2f, α %.3f; planted %v", e, b, alpha, c)
		}
	}
	if _, _, _, ok := fitLaw([]float64{1, 2}, []float64{3, 2}); ok {
		t.Error("two points are a law")
	}
}

// ADO by hand, from given laws: sizes 30 and 10, both seen 100 times, α .4 and .2, B 2 and 1.
func TestADOWorkedExample(t *testing.T) {
	m := &ADO{Every: 10}
	mustOpen(t, m, sizes(100, 0, 30, 10))
	m.law = []float64{1, 2, .4, 3, 1, .2}
	m.seen = []int64{100, 100}
	m.h = []float64{.64, .36}
	m.prefer()
	a := .75 * .8 * .4 * 2 * math.Pow(100, -.4) / 100
	b := .25 * .6 * .2 * 1 * math.Pow(100, -.2) / 100
	rho := a / (a + b)
	if want := .9*.75 + .1*rho; !near(m.p[0], want) {
		t.Errorf("p = %v, want %v", m.p[0], want)
	}
	if want := .75*.5 + rho*.5; !near(m.avg[0], want) {
		t.Errorf("avg = %v, want %v", m.avg[0], want)
	}
	p := []float64{.05, .35, .6}
	raise(p, .1)
	if !near(p[0], .1) || !near(p[1], .1+.25*(1-.05/.75)) || !near(p[2], .1+.5*(1-.05/.75)) {
		t.Errorf("raised to %v", p)
	}
}

// ADO moves towards the domain that still improves: a's loss has ended at its floor, b's still falls.
func TestADOPrefersWhatStillFalls(t *testing.T) {
	m := &ADO{Every: 200}
	env := sizes(1000, 0, 50, 50)
	env.Batch = 4
	mustOpen(t, m, env)
	rng := rand.New(rand.NewPCG(4, 4))
	for step := range int64(1000) {
		for range 4 {
			m.Pick(step, rng)
		}
		m.Learn(step, 0, 2+20/float64(m.seen[0]+10)+.01*rng.NormFloat64())
		m.Learn(step, 1, 2+4*math.Pow(float64(m.seen[1]+10), -.25)+.01*rng.NormFloat64())
	}
	if m.p[1] < .65 {
		t.Errorf("the domain that still falls has %.3f", m.p[1])
	}
}

// Aioli by hand: two domains, focus .75. D = A·Wᵀ with A = [[2 0] [1 1]] is [[1.5 .5] [1 1]]; A's sum is 4, so A = [[.5 0] [.25 .25]], the columns help
// .75 and .25, and q ∝ .5·e^(.75η), .5·e^(.25η).
func TestAioliWorkedExample(t *testing.T) {
	m := &Aioli{Every: 100, Sweeps: 1, Steps: 4, Focus: .75, Eta: .4, Keep: .2}
	mustOpen(t, m, sizes(1000, 0, 50, 50))
	m.drop = []float64{1.5, .5, 1, 1}
	m.visits = []int64{1, 1}
	m.move()
	q := math.Exp(.3) / (math.Exp(.3) + math.Exp(.1))
	if want := .2*.5 + .8*q; math.Abs(m.mix[0]-want) > 1e-9 {
		t.Errorf("p = %v, want %v", m.mix[0], want)
	}
	// Negative help is shifted away: A = [[-1 1]]-like rows give a largest weight to the helper.
	m.drop, m.visits = []float64{-.5, .5, -.5, .5}, []int64{1, 1}
	before := m.mix[1]
	m.move()
	if m.mix[1] <= before {
		t.Errorf("the domain that helps falls from %v to %v", before, m.mix[1])
	}
	for _, bad := range []Aioli{{}, {Every: 10, Sweeps: 4, Steps: 5, Focus: .6, Eta: .1}, {Every: 100, Sweeps: 1, Steps: 1, Focus: .4, Eta: .1},
		{Every: 100, Sweeps: 1, Steps: 1, Focus: .6}} {
		if err := bad.Open(sizes(100, 0, 5, 5)); err == nil {
			t.Errorf("%+v is no error", bad)
		}
	}
}

// In a world where training on a lowers both losses and training on b none, Aioli finds a.
func TestAioliFindsTheHelper(t *testing.T) {
	m := &Aioli{Every: 50, Sweeps: 2, Steps: 5, Focus: .6, Eta: .5, Keep: .3}
	env := sizes(500, 0, 50, 50, 50)
	mustOpen(t, m, env)
	rng := rand.New(rand.NewPCG(5, 5))
	loss := []float64{5, 5, 5}
	for step := range int64(500) {
		for range 8 {
			if m.Pick(step, rng) == 0 {
				for i := range loss {
					loss[i] *= .9995
				}
			}
		}
		if m.Due(step + 1) {
			m.Validate(step+1, loss)
		}
	}
	if m.mix[0] < .45 {
		t.Errorf("the only domain that helps has %v", m.mix)
	}
}

// Proxy runs that follow the laws give the laws back, and the best mixture of a grid.
func TestMixingLawAndRegression(t *testing.T) {
	env := sizes(900, 0, 300, 300, 300)
	truth := func(s []float64) float64 { return 1 + math.Exp(-2*s[0]) + 4 + 1.5 + .5*math.Exp(-s[2]) }
	best, at := math.Inf(1), [3]float64{}
	for i := 0.; i <= 100; i++ {
		for j := 0.; i+j <= 100; j++ {
			if s := []float64{i / 100, 1 - (i+j)/100, j / 100}; truth(s) < best {
				best, at = truth(s), [3]float64(s)
			}
		}
	}
	l := &Law{Runs: lawfulRuns(15)}
	mustOpen(t, l, env)
	if got := truth(l.Weights()); got > best+.002 {
		t.Errorf("law chooses %v with %.4f, the best is %v with %.4f", l.Weights(), got, at, best)
	}
	if v, _ := lawAt(l.laws[0], []float64{.2, .3, .5}); math.Abs(v-(1+math.Exp(-.4))) > .01 {
		t.Errorf("the law of the first domain gives %.4f between the runs, want %.4f", v, 1+math.Exp(-.4))
	}
	r := &RegMix{Runs: lawfulRuns(15), Simulate: 20000, Best: 100}
	mustOpen(t, r, env)
	even := truth([]float64{1. / 3, 1. / 3, 1. / 3})
	if got := truth(r.Weights()); got > best+.3*(even-best) {
		t.Errorf("regmix chooses %v with %.4f; uniform has %.4f, the best %.4f", r.Weights(), got, even, best)
	}
	// A target, and a cap that binds: a may give at most 300 of 900.
	env.Repeats = 1
	c := &Law{Runs: lawfulRuns(15), Target: map[string]float64{"a": 1}}
	env.Domains[1].Examples, env.Domains[2].Examples = 600, 600
	mustOpen(t, c, env)
	if w := c.Weights(); math.Abs(w[0]-1./3) > 1e-3 {
		t.Errorf("capped at a third, the target has %v", w)
	}
	for _, bad := range [][]Run{nil, lawfulRuns(15)[:4], {{[]float64{1}, []float64{1}}}} {
		if err := Open(&Law{Runs: bad}, env); err == nil || !strings.Contains(err.Error(), "runs") {
			t.Errorf("%d runs are refused with %v", len(bad), err)
		}
	}
	if err := Open(&Law{Runs: lawfulRuns(15), Target: map[string]float64{"zebra": 1}}, env); err == nil {
		t.Error("an unknown target is no error")
	}
}

func TestDesign(t *testing.T) {
	prior := []float64{.5, .3, .2}
	all := Design(200, prior, 1)
	mean, extreme := make([]float64, 3), 0
	for n, s := range all {
		sum := 0.
		for i, v := range s {
			sum += v
			if v > .95 {
				extreme++
			}
			if n > 3 {
				mean[i] += v / float64(len(all)-4)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("mixture %d sums to %v", n, sum)
		}
	}
	if !near(all[0][0], .5) || !near(all[1][0], .75) || !near(all[3][2], .6) {
		t.Errorf("the prior and its corners are %v", all[:4])
	}
	for i, m := range mean {
		if math.Abs(m-prior[i]) > .08 {
			t.Errorf("mean %v, want about the prior %v", mean, prior)
		}
	}
	if extreme < 10 {
		t.Errorf("only %d of 200 mixtures reach a corner", extreme)
	}
}

func TestTry(t *testing.T) {
	env := sizes(10, 0, 5, 5)
	trial := func(_ context.Context, m Mixer, steps int64, _ uint64) ([]float64, error) {
		if err := Open(m, env); err != nil {
			return nil, err
		}
		if m.Weights()[0] > .8 {
			return nil, errors.New("no")
		}
		return []float64{m.Weights()[0], float64(steps)}, nil
	}
	runs, err := Try(t.Context(), trial, env, [][]float64{{.5, .5}, {.25, .75}}, 7)
	if err != nil || len(runs) != 2 || !near(runs[1].Losses[0], .25) || runs[1].Losses[1] != 7 {
		t.Errorf("runs %v, %v", runs, err)
	}
	if _, err = Try(t.Context(), trial, env, [][]float64{{.9, .1}}, 7); err == nil || !strings.Contains(err.Error(), "proxy run 1 of 1: no") {
		t.Errorf("error %v", err)
	}
}

func TestGuardDecides(t *testing.T) {
	g := DefaultGuard()
	v := g.Decide([]float64{.01, .02, .03})
	if half := 2.92 * .01 / math.Sqrt(3); v.Keep || !near(v.Excess, .02) || math.Abs(v.Up-.02-half) > 1e-9 {
		t.Errorf("%+v", v)
	}
	for _, c := range []struct {
		pairs []float64
		keep  bool
	}{{[]float64{-.01, -.012, -.011}, true}, {[]float64{.001, .002, .0015}, true}, {[]float64{-.05, .05, 0}, false}, {[]float64{math.NaN(), 0, 0}, false}} {
		if v := g.Decide(c.pairs); v.Keep != c.keep {
			t.Errorf("%v: %v", c.pairs, v)
		}
	}
	if s := v.String(); !strings.Contains(s, "+2.00 %") || !strings.Contains(s, "uniform mixing takes its place") {
		t.Error(s)
	}
	for f, want := range map[int]float64{1: 6.314, 4: 2.132, 20: 1.725, 60: 1.671} {
		if got := student95(f); math.Abs(got-want) > .003 {
			t.Errorf("t(.95, %d) = %.3f, want %.3f", f, got, want)
		}
	}
}

// A guard that has said no leaves uniform mixing, before and after a resume.
func TestGuardedFallsBack(t *testing.T) {
	env := sizes(100, 0, 90, 10)
	open := func() *Guarded {
		g := &Guarded{Mixer: &Proportional{}}
		mustOpen(t, g, env)
		return g
	}
	g := open()
	if !near(g.Weights()[0], .9) {
		t.Errorf("kept: %v", g.Weights())
	}
	g.Heed(Verdict{Keep: false})
	g.Pick(0, nil)
	b, err := g.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	h := open()
	if err := h.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if !near(g.Weights()[0], .5) || !near(h.Weights()[0], .5) || g.Pick(1, nil) != h.Pick(1, nil) {
		t.Errorf("turned down: %v, restored %v", g.Weights(), h.Weights())
	}
	if err := h.UnmarshalBinary([]byte{7}); err == nil {
		t.Error("a strange state is no error")
	}
}

func TestPlan(t *testing.T) {
	c, err := Plan("unimax", &UniMax{Epochs: 4}, sizes(600, 3, 10, 100, 1000))
	if err != nil {
		t.Fatal(err)
	}
	// The cap of 3 epochs is tighter than the mixer's 4: 30, and the others share 570.
	d := c.Domains
	if !near(d[0].Picks, 30) || !near(d[1].Picks, 285) || !near(d[2].Picks, 285) || !d[0].Capped || d[2].Capped {
		t.Errorf("%+v", d)
	}
	s := c.String()
	for _, want := range []string{"| a | 10 | 1000 | 5.0 % | 30 | 3.00 | 7.40 × its share by size; wants 6.7 %, ends after 3 epochs |", "| c | 1000 | 100000 | 47.5 % | 285 | 0.28 | 0.52 ×"} {
		if !strings.Contains(s, want) {
			t.Errorf("%q is not in\n%s", want, s)
		}
	}
	if c, err = Plan("progress", &Progress{}, sizes(600, 0, 50, 1000)); err != nil || len(c.Notes) != 2 {
		t.Errorf("%v, notes %q: want one on 6 epochs of a and one on moving shares", err, c.Notes)
	}
	if _, err := Plan("uniform", &Uniform{}, Env{}); err == nil {
		t.Error("no domain is no error")
	}
}
