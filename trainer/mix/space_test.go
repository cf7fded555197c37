package mix

import (
	"math"
	"strings"
	"testing"
)

// The worked example: a and c are frozen as 3 to 1, b is free.
func TestSpaceExample(t *testing.T) {
	env := sizes(100, 0, 300, 500, 100)
	names := []string{env.Domains[0].Name, env.Domains[1].Name, env.Domains[2].Name}
	frozen := map[string]float64{names[0]: 3, names[2]: 1}
	s, err := newSpace(frozen, env)
	if err != nil {
		t.Fatal(err)
	}
	at := s.expand([]float64{.8, .2})
	for i, want := range []float64{.6, .2, .2} {
		if !near(at[i], want) {
			t.Errorf("%v, want .6 .2 .2", at)
			break
		}
	}
	all, err := (&Law{Frozen: frozen}).Design(env, 0)
	if err != nil || len(all) != 6 {
		t.Fatalf("%d mixtures (%v), want 6", len(all), err)
	}
	free, err := (&Law{}).Design(env, 0)
	if err != nil || len(free) != 11 {
		t.Errorf("%d mixtures (%v), want 11", len(free), err)
	}
	var runs []Run
	for _, m := range all {
		if math.Abs(m[0]-3*m[2]) > 1e-9 || !near(m[0]+m[1]+m[2], 1) {
			t.Errorf("mixture %v does not keep 3 to 1", m)
		}
		runs = append(runs, Run{m, []float64{1 + math.Exp(-m[0]), 2 + math.Exp(-3*m[1]), 3}})
	}
	for _, m := range []Prober{&Law{Frozen: frozen}, &RegMix{Frozen: frozen, Simulate: 2000, Best: 20}} {
		m.Take(runs)
		mustOpen(t, m, env)
		if w := m.Weights(); math.Abs(w[0]-3*w[2]) > 1e-9 || w[1] < .3 {
			t.Errorf("%T chooses %v", m, w)
		}
	}
	runs[2].Shares = []float64{.2, .2, .6}
	for text, m := range map[string]Mixer{
		"does not keep the frozen proportions": &Law{Frozen: frozen, Runs: runs},
		"there is no domain zebra":             &Law{Frozen: map[string]float64{"zebra": 1}},
		"all shares are 0":                     &RegMix{Simulate: 9, Best: 1, Frozen: map[string]float64{names[1]: 0}},
	} {
		if err := Open(m, env); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want an error with %q", err, text)
		}
	}
}

// Mixtures to try keep within the cap on repetition, and losses may be of other data than the domains.
func TestDesignUnderCapsJudgedByOthers(t *testing.T) {
	env := sizes(100, 2, 30, 500, 100)
	env.Judged = []string{"held_out"}
	all, err := (&RegMix{}).Design(env, 20)
	if err != nil {
		t.Fatal(err)
	}
	top, runs := most(env), []Run(nil)
	for _, m := range all {
		for i := range m {
			if m[i] > top[i]+1e-9 {
				t.Errorf("mixture %v exceeds the caps %v", m, top)
			}
		}
		runs = append(runs, Run{m, []float64{3 - m[2]}})
	}
	r := &RegMix{Simulate: 5000, Best: 50}
	r.Take(runs)
	mustOpen(t, r, env)
	if w := r.Weights(); w[2] < .4 || !strings.Contains(r.Explain(0), "held_out is predicted") {
		t.Errorf("%v, %s", w, r.Explain(0))
	}
}

func TestReacts(t *testing.T) {
	env := sizes(100, 0, 30, 50)
	g := &Guarded{Mixer: Catalog["progress"]()}
	mustOpen(t, g, env)
	if !Reacts(g) || Reacts(&Uniform{}) {
		t.Error("progress reacts, uniform does not")
	}
	if g.Heed(Verdict{}); Reacts(g) {
		t.Error("a mixer that was turned down does not react")
	}
}
