package trainer

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"sluice/trainer/mix"
)

// The five tests that tell mixers apart, with real trainings on the planted worlds: one seed in short, five with SLUICE_LONG=1, paired against uniform mixing
// with the same seeds.

func long() bool { return os.Getenv("SLUICE_LONG") != "" }

func worldSeeds() int {
	if long() {
		return 5
	}
	return 1
}

// fit gives a mixer with periods that fit so short a training.
func fit(name string) mix.Mixer {
	switch name {
	case "ado":
		return &mix.ADO{Every: 70}
	case "aioli":
		return &mix.Aioli{Every: 50, Sweeps: 2, Steps: 2, Focus: .6, Eta: .3, Keep: .3}
	}
	return mix.Catalog[name]()
}

func (w *plantedWorld) runs(t testing.TB, name string, domains ...string) (all []course) {
	for seed := range worldSeeds() {
		all = append(all, w.train(t, w.config(uint64(seed), name, fit(name), domains...)))
	}
	return all
}

// meanShare is the mean share of domains over courses.
func meanShare(all []course, domains ...string) (mean float64) {
	for _, c := range all {
		for _, d := range domains {
			mean += c.shares[d] / float64(len(all))
		}
	}
	return mean
}

// A mixer that chases loss gives noise more than its share; the default and the reward for progress do not.
func TestNoiseWorldTrained(t *testing.T) {
	w := planted(t, "noise")
	w.kinds = nil // shares alone are asked for
	for _, c := range []struct {
		name      string
		low, high float64
	}{{"uniform", 0, .25}, {"progress", 0, .2505}, {"odm_paper", .252, 1}, {"odm_code", .35, 1}} {
		got := meanShare(w.runs(t, c.name, w.names...), "noise")
		t.Logf("%s gives noise %.4f", c.name, got)
		if got < c.low || got > c.high+1e-9 {
			t.Errorf("%s gives noise %.4f, want %.4f to %.4f", c.name, got, c.low, c.high)
		}
	}
}

// A copy is not new data: with distinct, a domain and its copy get together what the domain alone would get.
func TestRedundantWorldTrained(t *testing.T) {
	w := planted(t, "redundant")
	var single []string
	for _, n := range w.names {
		if n != "bank2" {
			single = append(single, n)
		}
	}
	w.kinds = nil // shares alone are asked for
	names := []string{"distinct", "uniform"}
	if long() {
		names = append(names, "progress")
	}
	for _, name := range names {
		ratio := meanShare(w.runs(t, name, w.names...), "bank", "bank2") / meanShare(w.runs(t, name, single...), "bank")
		t.Logf("%s: bank and its copy have %.3f times the share of bank alone", name, ratio)
		if name == "distinct" && ratio > 1.2 {
			t.Errorf("distinct: %.3f times the single share, want at most 1.2", ratio)
		}
		if name == "uniform" && ratio < 1.4 {
			t.Errorf("uniform: %.3f times the single share: the world tells nothing", ratio)
		}
	}
}

// DSIR finds the target: nine tenths of the training and more are of its kind, and held-out rows of it are learned better than under uniform mixing.
func TestTargetWorldTrained(t *testing.T) {
	w := planted(t, "target")
	// The target is a domain of its own: rows that show what is wanted.
	if err := os.Rename(w.file("goal", "valid"), w.file("goal", "train")); err != nil {
		t.Fatal(err)
	}
	w.rows["goal"], w.kinds = 200, []string{"held_out"}
	domains := append([]string{"goal"}, w.names...)
	var dsir, uniform []course
	for seed := range worldSeeds() {
		m := &mix.DSIR{Target: "goal", Take: .1, Words: 100}
		c := w.config(uint64(seed), "dsir", m, domains...)
		if seed == 0 {
			p, err := PlanMix(t.Context(), c, Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			right, all := 0., 0.
			for _, d := range p.Mixers[0].Domains {
				var drawn float64
				if _, err := fmt.Sscanf(d.Why, "%f %% of its records", &drawn); err != nil {
					t.Fatal(d.Why)
				}
				n := drawn / 100 * float64(w.rows[d.Name])
				if all += n; d.Name == "goal" || d.Name == "maths" {
					right += n
				}
			}
			t.Logf("of %.0f records drawn, %.0f are of the target's kind", all, right)
			if right < .9*all {
				t.Errorf("of %.0f records drawn, %.0f are of the target's kind; want 108 of 120", all, right)
			}
		}
		dsir = append(dsir, w.train(t, c))
		uniform = append(uniform, w.train(t, w.config(uint64(seed), "uniform", &mix.Uniform{}, domains...)))
	}
	got := meanShare(dsir, "goal", "maths")
	mean, half := 0., math.NaN()
	if mean = dsir[0].losses["held_out"]/uniform[0].losses["held_out"] - 1; long() {
		mean, half = excess(dsir, uniform, "held_out")
	}
	t.Logf("share of the target's kind %.3f, held-out loss %+.2f ± %.2f %% against uniform mixing", got, 100*mean, 100*half)
	if got < .9 || mean > -.01 {
		t.Errorf("share of the target's kind %.3f, held-out loss %+.2f %% against uniform mixing: want .9, and a gain", got, 100*mean)
	}
}

// No mixer under the guard is more than 1 % worse than uniform mixing. A guarded training ends in the bytes of the bare one or of the uniform one, whichever
// its verdict says (TestGuardInTraining), so that trials tell the rest.
func TestNeverWorseThanUniform(t *testing.T) {
	if !long() {
		t.Skip("SLUICE_LONG=1 trains some 150 models")
	}
	for _, world := range []string{"noise", "redundant", "same"} {
		t.Run(world, func(t *testing.T) { neverWorse(t, world) })
	}
}

func neverWorse(t *testing.T, world string) {
	w := planted(t, world)
	judged := w.kinds
	if world == "noise" {
		judged = []string{"plays", "bank", "maths"}
	}
	uniform := w.runs(t, "uniform", w.names...)
	for _, name := range []string{"odm_code", "progress", "odm_paper", "aioli", "ado", "distinct", "odm_exp3", "proportional"} {
		bare := w.runs(t, name, w.names...)
		mean, half := excess(bare, uniform, judged...)
		guarded, said := mean, "not asked"
		if mean > .005 {
			var kept []course
			said = ""
			for seed := range worldSeeds() {
				v := w.verdict(t, uint64(seed), name)
				if said += v.String() + "; "; v.Keep {
					kept = append(kept, bare[seed])
				} else {
					kept = append(kept, uniform[seed])
				}
			}
			guarded, _ = excess(kept, uniform, judged...)
		}
		t.Logf("%-12s bare %+.2f ± %.2f %%, guarded %+.2f %% (guard: %s)", name, 100*mean, 100*half, 100*guarded, strings.TrimSuffix(said, "; "))
		if guarded > .01 {
			t.Errorf("%s: %.2f %% worse than uniform mixing behind the guard", name, 100*guarded)
		}
	}
}

// verdict asks the guard alone.
func (w *plantedWorld) verdict(t testing.TB, seed uint64, name string) mix.Verdict {
	t.Helper()
	c := w.config(seed, name, fit(name), w.names...)
	c.Guard.Guard = mix.Guard{Share: 1, Seeds: 2, Worse: .005}
	r, err := prepare(t.Context(), c, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := r.decide(t.Context()); err != nil {
		t.Fatal(err)
	}
	return *r.decision.Verdict
}

// When a domain is added to a mixture that is known, freezing the known part takes at most 40 % of the proxy runs and costs at most 2 % of the loss.
func TestMixtureReuse(t *testing.T) {
	if !long() {
		t.Skip("SLUICE_LONG=1 makes 33 proxy runs for either mixer")
	}
	w := planted(t, "target")
	w.kinds = nil
	known := []string{"bank", "maths", "plays"}
	all := append(known[:3:3], "sms")
	for _, name := range []string{"regmix", "law"} {
		learn := func(m mix.Mixer, domains ...string) *Report {
			c := w.config(1, name, m, domains...)
			c.Proxy.Steps = 50
			return train(t, c, Options{Dir: t.TempDir()})
		}
		first := learn(mix.Catalog[name](), known...)
		frozen := map[string]float64{}
		for _, d := range first.Data {
			frozen[d.Name] = d.Share
		}
		var reusing mix.Mixer = &mix.Law{Frozen: frozen}
		if name == "regmix" {
			m := mix.Catalog[name]().(*mix.RegMix)
			m.Frozen = frozen
			reusing = m
		}
		full, reused := learn(mix.Catalog[name](), all...), learn(reusing, all...)
		mean := 0.
		for _, d := range all {
			mean += (reused.Validation.Domains[d].Loss/full.Validation.Domains[d].Loss - 1) / float64(len(all))
		}
		part := float64(len(reused.Decision.Runs)) / float64(len(full.Decision.Runs))
		var shares []string
		for i := range all {
			shares = append(shares, fmt.Sprintf("%s %.3f %.3f", all[i], full.Data[i].Share, reused.Data[i].Share))
		}
		t.Logf("%s: %d proxy runs instead of %d (%.1f %%), loss %+.2f %%; shares in full and reused: %s", name, len(reused.Decision.Runs), len(full.Decision.Runs),
			100*part, 100*mean, strings.Join(shares, ", "))
		if part > .4 || mean > .02 {
			t.Errorf("%s: %.0f %% of the runs, %.2f %% more loss; want at most 40 %% and 2 %%", name, 100*part, 100*mean)
		}
	}
}
