package pipeline

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// simulate runs the plan against a world in which each visit makes two candidates that are accepted with probability yield.
func simulate(t *testing.T, p *plan, spec *TargetSpec, yield map[string]float64, batch int64) (batches int64, made int64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	var out []settled
	for n := int64(0); n < 10_000; n++ {
		for len(p.Flight) >= lag {
			p.settle(out[0], spec)
			out = out[1:]
		}
		if p.Stop != "" || p.deficit() == 0 {
			return n, made
		}
		room, visits := batch, map[string]int64{}
		s := settled{N: n, Accepted: map[string]int64{}}
		want := p.ask(spec, 2)
		for _, c := range slices.Sorted(maps.Keys(want)) {
			v := min(want[c], room)
			room -= v
			visits[c] = v
			for range 2 * v {
				s.Made++
				made++
				if rng.Float64() < yield[c] {
					s.Accepted[c]++
				} else {
					s.Duplicates++
				}
			}
		}
		p.Flight = append(p.Flight, batchPlan{N: n, Visits: visits})
		out = append(out, s)
	}
	t.Fatal("the plan never ends")
	return 0, 0
}

func newPlan(q map[string]int64) *plan {
	p := &plan{Labels: map[string]*labelPlan{}}
	p.aim(q, &TargetSpec{})
	return p
}

func TestPlanReachesItsTarget(t *testing.T) {
	spec := &TargetSpec{Accepted: 3000, MinYield: .2, MaxDuplicates: .9}
	p := newPlan(map[string]int64{"a": 1000, "b": 1000, "c": 1000})
	_, made := simulate(t, p, spec, map[string]float64{"a": .9, "b": .5, "c": .3}, 64)
	if p.Stop != "" || p.deficit() != 0 {
		t.Fatalf("stopped by %q with %d missing", p.Stop, p.deficit())
	}
	// 1000/.9 + 1000/.5 + 1000/.3 = 6,444 candidates are needed: more than 12 % on top would be waste.
	if made > 7217 {
		t.Errorf("%d candidates for 3,000 rows", made)
	}
}

func TestPlanStopRules(t *testing.T) {
	for name, c := range map[string]struct {
		spec  TargetSpec
		yield float64
		want  string
	}{
		"yield":      {TargetSpec{MinYield: .2, MaxDuplicates: 1}, .1, "yield below 20 % twice"},
		"duplicates": {TargetSpec{MinYield: .2, MaxDuplicates: .5}, .4, "duplicates above 50 %"},
		"candidates": {TargetSpec{MinYield: .2, MaxDuplicates: 1, MaxCandidates: 500}, .5, "max_candidates: 500 of 500 made"},
	} {
		p := newPlan(map[string]int64{"": 2000})
		_, made := simulate(t, p, &c.spec, map[string]float64{"": c.yield}, 64)
		if len(p.Stop) < len(c.want) || p.Stop[:len(c.want)] != c.want {
			t.Errorf("%s: stopped by %q", name, p.Stop)
		}
		if m := c.spec.MaxCandidates; m > 0 && made > m {
			t.Errorf("%s: %d candidates, at most %d allowed", name, made, m)
		}
	}
}

func TestQuotas(t *testing.T) {
	labels := []string{"a", "b", "c"}
	counts := map[string]int64{"a": 5, "b": 2, "c": 3}
	for _, c := range []struct {
		mode string
		n    int64
		want map[string]int64
	}{
		{"", 10, map[string]int64{"": 10}},
		{PerLabelBalanced, 10, map[string]int64{"a": 4, "b": 3, "c": 3}},
		{PerLabelLevel, 4, map[string]int64{"b": 3, "c": 1}},
		{PerLabelLevel, 5, map[string]int64{"b": 3, "c": 2}},
		{PerLabelLevel, 9, map[string]int64{"a": 1, "b": 5, "c": 3}},
	} {
		q, err := quotas(&TargetSpec{Accepted: c.n, PerLabel: PerLabel{Mode: c.mode}}, labels, counts)
		maps.DeleteFunc(q, func(_ string, n int64) bool { return n == 0 })
		if err != nil || !maps.Equal(q, c.want) {
			t.Errorf("%q of %d: %v, want %v (%v)", c.mode, c.n, q, c.want, err)
		}
	}
}
