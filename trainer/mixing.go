package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sluice/trainer/mix"
)

// A Decision is what was found out about the mixer before the first step. It is in checkpoints and in the report.
type Decision struct {
	Runs    []mix.Run    `json:"runs,omitempty"`    // proxy runs, which regmix and law learned from
	Judged  []string     `json:"judged,omitempty"`  // names of their losses
	Steps   int          `json:"steps,omitzero"`    // of a proxy run
	Verdict *mix.Verdict `json:"verdict,omitempty"` // of the guard
}

// Proxy says how the small trainings are made that regmix and law learn from.
type Proxy struct {
	Runs  int         `yaml:"runs"`  // 0: five for every share that is free, and one
	Steps int         `yaml:"steps"` // of each; 0: a twentieth of the training's, at least 20
	Model ModelConfig `yaml:"model"` // a smaller shape; none: the model that is trained
}

// Guarding is the key guard: the share of the steps that is spent on judging the mixer, alone or with the other settings. Its zero value judges nothing.
type Guarding struct{ mix.Guard }

// UnmarshalYAML reads `0.1`, `true` or `{share: 0.1, seeds: 5}`.
func (g *Guarding) UnmarshalYAML(decode func(any) error) error {
	var written any
	if err := decode(&written); err != nil {
		return err
	}
	g.Guard = mix.DefaultGuard()
	switch v := written.(type) {
	case bool:
		if !v {
			g.Guard = mix.Guard{}
		}
	case int:
		g.Share = float64(v)
	case float64:
		g.Share = v
	default:
		return decode(&g.Guard)
	}
	if g.Share == 0 {
		g.Guard = mix.Guard{}
	}
	return nil
}

// fresh is the mixer that the config asks for, anew, with the proxy runs that are known. It is not opened.
func (m Mixing) fresh(runs []mix.Run) (mix.Mixer, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	var again Mixing
	if err := json.Unmarshal(b, &again); err != nil {
		return nil, err
	}
	if p, ok := again.Mixer.(mix.Prober); ok && len(runs) > 0 {
		p.Take(runs)
	}
	return again.Mixer, nil
}

// mixing prepares the mixer, as far as that is possible without training: one that waits for proxy runs is stood in for by the mixture by size.
func (r *run) mixing() (err error) {
	wrong := func(err error) error { return &KeyError{Key: "mix", Err: fmt.Errorf("mix %s: %w", r.c.Mix.Name, err)} }
	if r.trials, err = openTrials(r.o.FS, r.o.Dir); err != nil {
		return err
	}
	if r.mixer, err = r.provisional(); err != nil {
		return wrong(err)
	}
	if err := mix.Open(r.mixer, r.env); err != nil {
		return wrong(err)
	}
	if err := r.judgesAll(r.mixer); err != nil {
		return wrong(err)
	}
	if r.guarded() {
		if len(r.valid) == 0 {
			return bad("guard", "guard: mixers are judged by validation data, and there are none: set validation.share or validation.path")
		}
		if err := r.c.Guard.Check(r.env); err != nil {
			return &KeyError{Key: "guard", Err: err}
		}
	}
	return nil
}

// provisional is the mixer before anything is decided, not opened: a stand-in where the mixer waits for proxy runs.
func (r *run) provisional() (mix.Mixer, error) {
	design, err := r.design()
	if err != nil {
		return nil, err
	}
	if len(design) > 0 {
		return &mix.Proportional{}, nil
	}
	return r.c.Mix.fresh(nil)
}

// guarded tells whether there is anything to guard.
func (r *run) guarded() bool { return r.c.guards(len(r.env.Domains)) }

func (c *Config) guards(domains int) bool {
	return c.Guard.Share != 0 && c.Mix.Name != "uniform" && domains > 1
}

// design is the mixtures of the proxy runs; none where the mixer needs none.
func (r *run) design() ([][]float64, error) {
	p, ok := r.c.Mix.Mixer.(mix.Prober)
	if !ok {
		return nil, nil
	}
	all, err := p.Design(r.env, r.c.Proxy.Runs)
	if err == nil && len(all) > 0 && len(r.valid) == 0 {
		err = errors.New("proxy runs are judged by validation data, and there are none: set validation.share or validation.path")
	}
	return all, err
}

// proxySteps is the length of a proxy run.
func (r *run) proxySteps() int {
	if r.c.Proxy.Steps > 0 {
		return r.c.Proxy.Steps
	}
	return min(r.steps, max(20, r.steps/20))
}

// decide makes the proxy runs and the trials that stand before the first step, where the mixer needs some, and opens the mixer that comes out of them.
func (r *run) decide(ctx context.Context) error {
	design, err := r.design()
	if err != nil {
		return err
	}
	if len(design) == 0 && !r.guarded() {
		return nil
	}
	r.opt, r.ema = nil, nil // their memory is the trials' until then
	d := &Decision{}
	if len(design) > 0 {
		d.Steps, d.Judged = r.proxySteps(), r.env.Judged
		n := 0
		trial := r.trial(r.c.Proxy.Model, func() string { return fmt.Sprintf("proxy run %d of %d, %d steps", n, len(design), d.Steps) })
		count := func(ctx context.Context, m mix.Mixer, steps int64, seed uint64) ([]float64, error) {
			n++
			return trial(ctx, m, steps, seed)
		}
		if d.Runs, err = mix.Try(ctx, count, r.env, design, int64(d.Steps)); err != nil {
			return fmt.Errorf("mix %s: %w", r.c.Mix.Name, err)
		}
	}
	r.decision = d
	if r.guarded() {
		if err := r.judgeMixer(ctx, d); err != nil {
			return err
		}
	}
	if err := r.optimise(); err != nil {
		return err
	}
	return r.obey()
}

// judgeMixer asks the guard.
func (r *run) judgeMixer(ctx context.Context, d *Decision) error {
	if _, err := r.c.Mix.fresh(d.Runs); err != nil {
		return err
	}
	n := 0
	trial := r.trial(ModelConfig{}, func() string {
		return fmt.Sprintf("guard: trial %d of %d, %d steps", n, 2*r.c.Guard.Seeds, r.c.Guard.Steps(r.env))
	})
	v, err := r.c.Guard.Try(ctx, func() mix.Mixer {
		m, _ := r.c.Mix.fresh(d.Runs) // it has been made once already
		return m
	}, func(ctx context.Context, m mix.Mixer, steps int64, seed uint64) ([]float64, error) {
		n++
		return trial(ctx, m, steps, seed)
	}, r.env)
	if err != nil {
		return err
	}
	d.Verdict = &v
	r.note("guard: mixer %s: %s", r.c.Mix.Name, v)
	return nil
}

// obey opens the mixer that the decision asks for.
func (r *run) obey() error {
	d := r.decision
	if d == nil {
		return nil
	}
	m, err := r.c.Mix.fresh(d.Runs)
	if err != nil {
		return err
	}
	if d.Verdict != nil {
		m = &mix.Guarded{Mixer: m}
	}
	if err := mix.Open(m, r.env); err != nil {
		return fmt.Errorf("mix %s: %w", r.c.Mix.Name, err)
	}
	if g, ok := m.(*mix.Guarded); ok {
		g.Heed(*d.Verdict)
	}
	r.mixer = m
	return nil
}
