package mix

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/schemas"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func sizes(steps int64, repeats float64, n ...int64) Env {
	e := Env{Steps: steps, Batch: 1, Repeats: repeats}
	for i, v := range n {
		e.Domains = append(e.Domains, Domain{Name: string(rune('a' + i)), Examples: v, Tokens: 100 * v})
	}
	return e
}

func mustOpen(t testing.TB, m Mixer, env Env) {
	t.Helper()
	if err := Open(m, env); err != nil {
		t.Fatal(err)
	}
}

func TestEveryMixerHasItsFiles(t *testing.T) {
	for _, name := range Catalog.Names() {
		for _, path := range []string{name + ".go", "../../testdata/mix/" + name + ".txtar"} {
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
	}
}

// prepared gives a mixer with what it cannot do without.
func prepared(name string) Mixer {
	m := short(name)()
	switch m := m.(type) {
	case *Fixed:
		m.Shares = map[string]float64{"cart": 1, "noise": 2, "tide": 3}
	case *DSIR:
		m.Target, m.Words = "tide", 10
	case *RegMix:
		m.Simulate, m.Best, m.Runs = 2000, 20, lawfulRuns(9)
	case *Law:
		m.Runs = lawfulRuns(9)
	case *ADO:
		m.Every = 60
	case *Aioli:
		m.Every, m.Steps = 60, 3
	}
	return m
}

// lawfulRuns are proxy runs of three domains whose losses follow mixing laws: each falls with its own share, the second not at all.
func lawfulRuns(n int) (runs []Run) {
	for _, s := range Design(n, []float64{1. / 3, 1. / 3, 1. / 3}, 4) {
		runs = append(runs, Run{s, []float64{1 + math.Exp(-2*s[0]), 4, 1.5 + .5*math.Exp(-1*s[2])}})
	}
	return runs
}

// Laws of every mixer, in a training: weights sum to 1 and none is negative, the floor of those that have one holds, nothing but picks and losses
// counts, and a mixer that is saved and restored after any step goes on as if nothing had been.
func TestMixers(t *testing.T) {
	const steps = 150
	for _, name := range Catalog.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := own()
			env := w.env(steps, 3)
			env.Batch = 4
			m, again := prepared(name), prepared(name)
			mustOpen(t, m, env)
			mustOpen(t, again, env)
			trace, twin := "", ""
			for step := range int64(steps) {
				a, b := one(m, env, step), one(again, env, step)
				trace, twin = trace+a, twin+b
				sum := 0.
				for i, p := range m.Weights() {
					sum += p
					if p < 0 || math.IsNaN(p) {
						t.Fatalf("step %d: domain %d has the weight %v", step, i, p)
					}
					if name == "ado" && p < adoFloor-1e-12 || strings.HasPrefix(name, "odm") && p < exploration(3, step)-1e-12 {
						t.Fatalf("step %d: domain %d has the weight %v, below the floor", step, i, p)
					}
				}
				if math.Abs(sum-1) > 1e-9 {
					t.Fatalf("step %d: the weights sum to %v", step, sum)
				}
				if step%7 == 3 { // the twin is killed and restored
					state, err := again.MarshalBinary()
					if err != nil {
						t.Fatal(err)
					}
					again = prepared(name)
					mustOpen(t, again, env)
					if err := again.UnmarshalBinary(state); err != nil {
						t.Fatal(err)
					}
					back, err := again.MarshalBinary()
					if err != nil || !slices.Equal(state, back) {
						t.Fatalf("step %d: the state changes when it is restored (%v)", step, err)
					}
					if err := prepared2(t, name, env).UnmarshalBinary(state[:len(state)-1]); err == nil {
						t.Fatal("a state cut short is no error")
					}
				}
			}
			if trace != twin {
				t.Error("a restored mixer picks other domains")
			}
		})
	}
}

func prepared2(t testing.TB, name string, env Env) Mixer {
	m := prepared(name)
	mustOpen(t, m, env)
	return m
}

// one makes a step: picks, losses that depend on domain and step alone, validation where it is asked for.
func one(m Mixer, env Env, step int64) string {
	var n [3]int
	for i := range env.Batch {
		n[m.Pick(step, rand.New(rand.NewPCG(uint64(step), uint64(i))))]++
	}
	loss := func(i int) float64 {
		return []float64{2 + 2*math.Pow(float64(step+1), -.3), 4.2, 1 + math.Pow(float64(step+1), -.5)}[i]
	}
	var all []float64
	for i, k := range n {
		if k > 0 {
			m.Learn(step, i, loss(i))
		}
		all = append(all, loss(i))
	}
	if v, ok := m.(Validator); ok && v.Due(step+1) {
		v.Validate(step+1, all)
	}
	return fmt.Sprint(n)
}

// No mixer repeats a domain more often than allowed, and all examples are dealt out.
func TestCapOnRepetition(t *testing.T) {
	for _, name := range Catalog.Names() {
		w := own()
		env := w.env(300, 3)
		env.Domains[0].Examples, env.Domains[1].Examples, env.Domains[2].Examples, env.Repeats = 10, 60, 90, 2
		m := prepared(name)
		mustOpen(t, m, env)
		n := [3]float64{}
		for step := range int64(300) {
			i := m.Pick(step, rand.New(rand.NewPCG(1, uint64(step))))
			n[i]++
			m.Learn(step, i, 2)
		}
		for i, d := range env.Domains {
			if n[i] > 2*float64(d.Examples) {
				t.Errorf("%s gives %v picks of %d examples, at most twice", name, n[i], d.Examples)
			}
		}
	}
	if err := Open(&Progress{}, sizes(100, 2, 10, 20)); err == nil || !strings.Contains(err.Error(), "repeats") {
		t.Errorf("100 examples of 60 are refused with %v", err)
	}
	if err := Open(&Progress{}, sizes(100, 0, 10, 0)); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty domain is refused with %v", err)
	}
}

func texts(domains ...[]string) func(int) iter.Seq2[*schemas.Record, error] {
	return func(i int) iter.Seq2[*schemas.Record, error] {
		return func(yield func(*schemas.Record, error) bool) {
			for n, s := range domains[i] {
				if !yield(&schemas.Record{Text: s, Scores: map[string]float64{"q": float64(i+1) * .3, "odd": float64(n)}}, nil) {
					return
				}
			}
		}
	}
}

func TestFixedSharesWorkedExamples(t *testing.T) {
	// UniMax: 600 examples of 10, 100 and 1000, at most 4 epochs: 40, 280, 280.
	u := &UniMax{Epochs: 4}
	mustOpen(t, u, sizes(600, 0, 10, 100, 1000))
	if w := u.Weights(); !near(w[0], 40./600) || !near(w[1], 280./600) || !near(w[2], 280./600) {
		t.Errorf("unimax %v, want 40, 280, 280 of 600", w)
	}
	// Quality: means .3 and .6 with 100 examples each, 160 wanted: shares 1 : 2.
	q := &Quality{Score: "q", Power: 1, Epochs: 4}
	env := sizes(160, 0, 100, 100)
	env.Records = texts([]string{"x"}, []string{"y"})
	mustOpen(t, q, env)
	if w := q.Weights(); !near(w[0], 1./3) || !near(w[1], 2./3) {
		t.Errorf("quality %v, want 1/3 and 2/3", w)
	}
	// With 1.2 epochs at most the second ends at 120 of 180, and the first takes the rest.
	q = &Quality{Score: "q", Power: 3, Epochs: 1.2}
	env.Steps = 180
	mustOpen(t, q, env)
	if w := q.Weights(); !near(w[0], 1./3) || !near(w[1], 2./3) {
		t.Errorf("capped quality %v, want 60 and 120 of 180", w)
	}
	if err := Open(&Quality{Score: "none", Power: 1, Epochs: 4}, env); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("an unknown score gives %v", err)
	}
	// Distinct: {x y}, {X  y}, {z w}: .25 .25 .5; repeating inside a domain changes nothing.
	d := &Distinct{}
	env = sizes(100, 0, 2, 2, 2)
	env.Records = texts([]string{"x", "y"}, []string{"X", " y", "y"}, []string{"z", "w"})
	mustOpen(t, d, env)
	if w := d.Weights(); !near(w[0], .25) || !near(w[1], .25) || !near(w[2], .5) {
		t.Errorf("distinct %v, want .25 .25 .5", w)
	}
	f := &Fixed{Shares: map[string]float64{"a": 1, "b": 3}}
	mustOpen(t, f, sizes(10, 0, 5, 5))
	if w := f.Weights(); !near(w[1], .75) {
		t.Errorf("fixed %v", w)
	}
	for _, bad := range []map[string]float64{nil, {"a": 1}, {"a": 0, "b": 0}, {"a": 1, "b": 1, "c": 1}, {"a": -1, "b": 2}} {
		if err := Open(&Fixed{Shares: bad}, sizes(10, 0, 5, 5)); err == nil {
			t.Errorf("fixed shares %v are no error", bad)
		}
	}
}

// pick lets a mixer pick once.
func pick(m Mixer, step int64) { m.Pick(step, rand.New(rand.NewPCG(9, uint64(step)))) }

// The formulas of the three ODMs and of progress, by hand: K = 2, one pick a step, so that L/p stands undivided.
func TestBanditsWorkedExamples(t *testing.T) {
	env := sizes(1000, 0, 50, 50)
	force := func(q *policy, domain int) { // as if domain had been drawn
		clear(q.drawn)
		q.drawn[domain] = 1
	}
	eps := func(n float64) float64 { return min(.5, math.Sqrt(math.Ln2/(2*n))) }

	p := &ODMPaper{Decay: .9}
	mustOpen(t, p, env)
	pick(p, 0)
	force(&p.policy, 1)
	p.Learn(0, 1, 3)
	if !near(p.reward[1], .1*3/.5) || p.reward[0] != 0 {
		t.Errorf("paper: R = %v, want 0 and .6", p.reward)
	}
	p.turns = 5 // as if five turns were over: the sixth is now, the seventh begins
	pick(p, 1)
	t7, t6 := eps(6), eps(5)
	soft := math.Exp(t6*.6) / (1 + math.Exp(t6*.6))
	if want := (1-2*t7)*soft + t7; !near(p.p[1], want) {
		t.Errorf("paper: p = %v, want %v", p.p[1], want)
	}
	force(&p.policy, 1)
	p.Learn(1, 1, 2)
	if want := .9*.6 + .1*2/p.chance[1]; !near(p.reward[1], want) {
		t.Errorf("paper: R = %v after the second loss, want %v", p.reward[1], want)
	}

	c := &ODMCode{Decay: .9}
	mustOpen(t, c, env)
	pick(c, 0)
	c.Learn(0, 0, 1)
	c.Learn(0, 1, 2)
	if !near(c.reward[0], .1*math.E) || !near(c.reward[1], .1*math.E*math.E) {
		t.Errorf("code: R = %v, want .1e and .1e²", c.reward)
	}
	c.turns = 7
	pick(c, 1)
	if want := (1-2*eps(8))*math.E/(1+math.E) + eps(8); !near(c.p[1], want) {
		t.Errorf("code: p = %v, want %v", c.p[1], want)
	}

	x := &ODMExp3{}
	mustOpen(t, x, env)
	pick(x, 0)
	force(&x.policy, 0)
	x.Learn(0, 0, 3)
	x.Learn(0, 0, 3)
	if !near(x.reward[0], 2*.3/.5) {
		t.Errorf("exp3: R = %v, want 1.2", x.reward)
	}

	g := &Progress{Decay: .9, Smooth: 0}
	mustOpen(t, g, env)
	pick(g, 0)
	force(&g.policy, 0)
	for i, l := range []float64{3, 2.5, 2.6} {
		g.Learn(0, 0, l)
		if want := []float64{0, .1 * .5 / .5, .9*.1 - .1*.1/.5}[i]; !near(g.reward[0], want) {
			t.Errorf("progress: R = %v after loss %v, want %v", g.reward[0], l, want)
		}
	}
	g.Learn(0, 0, math.NaN())
	g.Learn(0, 0, -100) // a fall of a hundred counts as one
	if r := g.reward[0]; math.IsNaN(r) || r > .9*.07+.1/.5+1e-9 {
		t.Errorf("progress: R = %v", r)
	}
	// A batch of several: the estimate is the same on average as with one pick.
	p.drawn, p.chance = []int64{1, 3}, []float64{.5, .5}
	if got := p.unbiased(1, 2); !near(got, 2*.75/.5) {
		t.Errorf("unbiased = %v, want 3", got)
	}
}
