package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"sluice/trainer/mix"
)

// three are three domains: two grammars and one that is half the first.
func three(t testing.TB, c Config) Config {
	t.Helper()
	dir := t.TempDir()
	c.Data = nil
	for i, rows := range [][]map[string]any{sentences(120, 1), labeled(90, 2), sentences(60, 3)} {
		name := []string{"talk", "colours", "more"}[i]
		c.Data = append(c.Data, Data{Name: name, Path: jsonl(t, filepath.Join(dir, name+".jsonl"), rows...)})
	}
	return c
}

// mixed is a small training of three domains.
func mixed(t testing.TB, name string, m mix.Mixer) Config {
	t.Helper()
	c := three(t, tiny(t, Causal, sentences(1, 1)))
	c.Model = ModelConfig{Layers: 1, Heads: 2, Dim: 16}
	c.Context, c.Batch, c.Steps, c.Validation.Share = 16, 6, 24, .2
	c.Eval.Every, c.Checkpoint.Every = 8, 5
	c.Mix = Mixing{name, m}
	return c
}

// reactive are the mixers whose shares depend on training, with periods that fit two dozen steps.
func reactive() map[string]mix.Mixer {
	out := map[string]mix.Mixer{"ado": &mix.ADO{Every: 70}, "aioli": &mix.Aioli{Every: 10, Sweeps: 2, Steps: 1, Focus: .6, Eta: .3, Keep: .3}}
	for _, n := range []string{"odm_paper", "odm_code", "odm_exp3", "progress"} {
		out[n] = mix.Catalog[n]()
	}
	return out
}

// picks is what metrics say of a training, but for its speed: losses by domain, and so the picks, and weights.
func picks(t testing.TB, dir string) (out []byte) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var p point
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatal(err)
		}
		p.Speed, p.Eval = 0, nil
		line, _ := json.Marshal(p)
		out = append(append(out, line...), '\n')
	}
	return out
}

// A training with a mixer that reacts, cut off and started again, picks the same examples and ends in the same bytes: with rows that are packed and with
// records, one to a row.
func TestMixersResumeExactly(t *testing.T) {
	for name, m := range reactive() {
		tasks := []string{Causal}
		if name == "progress" || name == "aioli" {
			tasks = append(tasks, Classify)
		}
		for _, task := range tasks {
			t.Run(name+" "+task, func(t *testing.T) {
				t.Parallel()
				c := mixed(t, name, m)
				if c.Task = task; task == Classify {
					c.Tokenizer = TokenizerConfig{Train: "wordpiece", Vocab: 120}
					for i := range c.Data {
						c.Data[i].Path = jsonl(t, filepath.Join(t.TempDir(), "rows.jsonl"), labeled(80, uint64(i))...)
					}
				}
				cuts := []int{7, 13}
				if name == "ado" { // whose first fit takes 63 losses of every domain
					c.Steps, c.Batch, cuts = 84, 16, []int{66, 78}
				}
				c.Cache = t.TempDir()
				whole := t.TempDir()
				train(t, c, Options{Dir: whole})
				var at []float64
				moved := 0
				for line := range bytes.Lines(picks(t, whole)) {
					var p point
					if err := json.Unmarshal(line, &p); err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(p.Weights, at) {
						moved++
					}
					at = p.Weights
				}
				if moved < 3 {
					t.Error("the weights have hardly moved: the test tells nothing")
				}
				for _, cut := range cuts {
					dir := t.TempDir()
					ctx, cancel := context.WithCancel(t.Context())
					_, err := Train(ctx, c, Options{Dir: dir, Progress: func(s Step) {
						if s.Step == cut {
							cancel()
						}
					}})
					if !errors.Is(err, context.Canceled) {
						t.Fatal(err)
					}
					train(t, c, Options{Dir: dir})
					if weights(t, dir) != weights(t, whole) || !bytes.Equal(picks(t, dir), picks(t, whole)) {
						t.Errorf("cut off after step %d: other picks or weights", cut)
					}
				}
			})
		}
	}
}

// Proxy runs that are finished are not made again after a kill, and what they lead to is the same.
func TestProxyRunsResume(t *testing.T) {
	for _, name := range []string{"regmix", "law"} {
		t.Run(name, func(t *testing.T) {
			c := mixed(t, name, mix.Catalog[name]())
			c.Proxy = Proxy{Steps: 4, Model: ModelConfig{Layers: 1, Heads: 1, Dim: 8}}
			c.Guard.Guard = mix.Guard{Share: 1, Seeds: 2, Worse: .005}
			c.Steps, c.Cache = 80, t.TempDir()
			whole := t.TempDir()
			want := train(t, c, Options{Dir: whole})
			if d := want.Decision; d == nil || len(d.Runs) != 11 || d.Verdict == nil || len(d.Verdict.Pairs) != 2 || d.Steps != 4 {
				t.Fatalf("decision %+v", want.Decision)
			}
			dir, made := t.TempDir(), map[string]int{}
			for {
				ctx, cancel := context.WithCancel(t.Context())
				started := 0
				_, err := Train(ctx, c, Options{Dir: dir, Say: func(what string) {
					if strings.HasPrefix(what, "proxy run") || strings.HasPrefix(what, "guard: trial") {
						if made[what]++; started == 3 {
							cancel() // in the midst of the fourth
							made[what]--
						}
						started++
					}
				}})
				cancel()
				if err == nil {
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
			}
			if len(made) != 15 || slices.Max(slices.Collect(maps.Values(made))) != 1 {
				t.Errorf("made %v, want 11 proxy runs and 4 trials, each once", made)
			}
			if weights(t, dir) != weights(t, whole) || !bytes.Equal(picks(t, dir), picks(t, whole)) {
				t.Error("other picks or weights than without kills")
			}
			// The choice is told from now on, and nothing has to be tried for it.
			p, err := PlanMix(t.Context(), c, Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if m := p.Mixers[0]; m.Waits != nil || len(m.Domains) != 3 || !strings.Contains(p.Guard, "has tried it") {
				t.Errorf("plan %+v, guard %q", m, p.Guard)
			}
			for i, d := range p.Mixers[0].Domains {
				if got := want.Data[i].Share; want.Decision.Verdict.Keep && (got < d.Share-.03 || got > d.Share+.03) {
					t.Errorf("%s: planned %.3f, was %.3f", d.Name, d.Share, got)
				}
			}
			for _, file := range []string{reportText, reportPage} {
				b, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil || !strings.Contains(string(b), "Proxy runs") || !strings.Contains(string(b), "loss on colours") || !strings.Contains(string(b), "The mixer "+name+" against uniform") {
					t.Errorf("%s lacks the proxy runs or the guard (%v)", file, err)
				}
			}
			// --new forgets them.
			n := 0
			train(t, c, Options{Dir: dir, Fresh: true, Say: func(what string) {
				if strings.HasPrefix(what, "proxy run") {
					n++
				}
			}})
			if n != 11 {
				t.Errorf("begun anew with %d proxy runs, want 11", n)
			}
		})
	}
}

// Before anything is trained the plan names the mixtures to try and what they cost; train --plan counts them.
func TestMixPlanBefore(t *testing.T) {
	c := mixed(t, "regmix", mix.Catalog["regmix"]())
	c.Steps, c.Repeats, c.Guard.Guard = 400, 40, mix.DefaultGuard()
	c.Guard.Seeds, c.Guard.Share = 2, .2
	dir := t.TempDir()
	p, err := PlanMix(t.Context(), c, Options{Dir: dir}, "regmix", "uniform", "dsir", "proportional")
	if err != nil {
		t.Fatal(err)
	}
	w := p.Mixers[0].Waits
	if w == nil || w.Runs != 11 || w.Steps != 20 || len(w.Mixtures) != 11 || w.Seconds <= 0 || !strings.Contains(p.Guard, "4 trials of 20 steps") {
		t.Errorf("waits %+v, guard %q", w, p.Guard)
	}
	if u := p.Mixers[1]; u.Mixer != "uniform" || u.Domains[0].Cap == 0 || u.Domains[2].Share > .334 {
		t.Errorf("%+v", u)
	}
	if d := p.Mixers[2]; !strings.Contains(d.Refused, "target") {
		t.Errorf("dsir without a target: %+v", d)
	}
	f, err := Plan(t.Context(), c, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Trials) != 2 || f.Trials[0].Runs != 11 || f.Trials[1].Runs != 4 || !(f.Trials[0].FLOPs > .5*f.FLOPs) {
		t.Errorf("%+v", f.Trials)
	}
	// A proxy run has 20 of 400 steps and so, by its examples, about a twentieth of the data.
	r, err := prepare(t.Context(), c, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	q, err := r.small(ModelConfig{}, &mix.Uniform{}, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range q.env.Domains {
		if share := float64(d.Examples) / float64(r.env.Domains[i].Examples); share < .1 || share > .45 {
			t.Errorf("%s: %d of %d examples in a trial of a quarter of the steps", d.Name, d.Examples, r.env.Domains[i].Examples)
		}
	}
}

// The key guard is a share, a switch, or a section; too short trials are an error before anything runs.
func TestGuardKey(t *testing.T) {
	read := func(text string) (c struct {
		Guard Guarding `yaml:"guard"`
	}, err error) {
		return c, yaml.Load([]byte(text), &c, yaml.WithKnownFields())
	}
	for text, want := range map[string]mix.Guard{
		"guard: 0.05": {Share: .05, Seeds: mix.DefaultGuard().Seeds, Worse: .005}, "guard: true": mix.DefaultGuard(), "guard: false": {},
		"guard: 0": {}, "guard: {seeds: 7}": {Share: mix.DefaultGuard().Share, Seeds: 7, Worse: .005},
	} {
		c, err := read(text)
		if err != nil || c.Guard.Share != want.Share || c.Guard.Seeds != want.Seeds || c.Guard.Worse != want.Worse {
			t.Errorf("%s: %+v, %v", text, c.Guard, err)
		}
	}
	if _, err := read("guard: {sedes: 7}"); err == nil || !strings.Contains(err.Error(), "sedes") {
		t.Errorf("a typo gives %v", err)
	}
	c := mixed(t, "progress", mix.Catalog["progress"]())
	c.Guard.Guard = mix.DefaultGuard()
	if _, err := Plan(t.Context(), c, Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "raise guard.share") {
		t.Errorf("trials without steps give %v", err)
	}
	c.Mix = Mixing{"uniform", mix.Catalog["uniform"]()} // nothing to guard
	if _, err := Plan(t.Context(), c, Options{Dir: t.TempDir()}); err != nil {
		t.Error(err)
	}
	c.Mix, c.Validation.Share, c.Guard = Mixing{"law", mix.Catalog["law"]()}, 0, Guarding{}
	if _, err := Plan(t.Context(), c, Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "validation.share") {
		t.Errorf("proxy runs without validation data give %v", err)
	}
}

// The guard turns a mixer down that ruins the training, and the report says so; a checkpoint remembers it.
func TestGuardInTraining(t *testing.T) {
	c := mixed(t, "fixed", &mix.Fixed{Shares: map[string]float64{"talk": 0, "colours": 1, "more": 0}})
	c.Steps, c.Guard.Guard = 100, mix.Guard{Share: 1, Seeds: 2, Worse: .005}
	dir := t.TempDir()
	rep := train(t, c, Options{Dir: dir})
	if v := rep.Decision.Verdict; v.Keep || v.Excess < .005 {
		t.Errorf("verdict %v", v)
	}
	for _, d := range rep.Data {
		if d.Share < .32 || d.Share > .35 {
			t.Errorf("%s has the share %.3f, want that of uniform mixing", d.Name, d.Share)
		}
	}
	s, err := readState(filepath.Join(dir, checkpointDir, stepDir(100)))
	if err != nil || s.Decision == nil || s.Decision.Verdict.Keep {
		t.Errorf("the checkpoint has %+v (%v)", s.Decision, err)
	}
}
