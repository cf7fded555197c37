package trainer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/trainer/mix"
)

// A MixPlan says what mixers would do with the data of a training, and why.
type MixPlan struct {
	Steps   int         `json:"steps"`
	Batch   int         `json:"batch"` // examples of a step
	Repeats float64     `json:"repeats,omitzero"`
	Judged  []string    `json:"judged"` // what validation losses are of
	Mixers  []MixerPlan `json:"mixers"`
	Guard   string      `json:"guard,omitempty"` // how the recipe's mixer is guarded, in words
}

// A MixerPlan is one mixer: its choice, or why there is none.
type MixerPlan struct {
	mix.Choice
	Waits   *Waiting `json:"waits,omitempty"`   // for proxy runs
	Refused string   `json:"refused,omitempty"` // the mixer cannot work here
}

// Waiting is proxy runs that must be made before a mixer can choose: sluice train makes them.
type Waiting struct {
	TrialForecast
	Seconds  float64     `json:"seconds"` // estimate
	Mixtures [][]float64 `json:"mixtures"`
}

// PlanMix tells what the mixers would do, those named, or the config's own. Data are tokenized and nothing is trained. A mixer that is not the config's has its
// usual settings. Errors of the data are errors; those of a mixer beside the config's are told in its plan.
func PlanMix(ctx context.Context, c Config, o Options, names ...string) (*MixPlan, error) {
	if len(names) == 0 {
		names = []string{c.Mix.Name}
	}
	if c.Model.linear() {
		return nil, bad("mix", "the linear model takes all rows alike: there is nothing to mix")
	}
	own := c.Mix
	r, err := begin(ctx, c, o, (*run).vocabulary, (*run).data)
	if err != nil {
		return nil, err
	}
	defer r.close()
	r.environment()
	if r.trials, err = openTrials(r.o.FS, r.o.Dir); err != nil {
		return nil, err
	}
	if done, err := readReport(r.o.Dir); err == nil && c.FindLR {
		r.lr = done.LR // the proxy runs were made with it
	}
	p := &MixPlan{Steps: r.steps, Batch: c.Batch, Repeats: c.Repeats, Judged: r.env.Judged}
	for _, name := range names {
		if r.c.Mix = own; name != own.Name {
			r.c.Mix = Mixing{name, mix.Catalog[name]()}
		}
		one, err := r.planMixer()
		if err != nil && (name == own.Name || ctx.Err() != nil) {
			return nil, fmt.Errorf("mix %s: %w", name, err)
		}
		if err != nil {
			one = MixerPlan{Choice: mix.Choice{Mixer: name}, Refused: err.Error()}
		}
		p.Mixers = append(p.Mixers, one)
	}
	r.c.Mix = own
	if r.guarded() && slices.Contains(names, own.Name) {
		p.Guard = fmt.Sprintf("the guard tries %s against uniform mixing first, in %d trials of %d steps", own.Name, 2*c.Guard.Seeds, c.Guard.Steps(r.env))
		if rep, err := readReport(r.o.Dir); err == nil && rep.Decision != nil && rep.Decision.Verdict != nil && rep.Config.Mix.Name == own.Name {
			p.Guard = "the guard has tried it: " + rep.Decision.Verdict.String()
		}
		if err := c.Guard.Check(r.env); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// planMixer plans with the run's mixer.
func (r *run) planMixer() (MixerPlan, error) {
	m, err := r.c.Mix.fresh(nil)
	if err != nil {
		return MixerPlan{}, err
	}
	design, err := r.design()
	if err != nil {
		return MixerPlan{}, err
	}
	if err := r.judgesAll(m); err != nil {
		return MixerPlan{}, err
	}
	if len(design) > 0 {
		known, err := r.knownRuns(design)
		if err != nil {
			return MixerPlan{}, err
		}
		if len(known) < len(design) {
			return r.waits(design)
		}
		m.(mix.Prober).Take(known)
	}
	choice, err := mix.Plan(r.c.Mix.Name, m, r.env)
	if err != nil {
		return MixerPlan{}, err
	}
	if _, ok := m.(mix.Prober); ok {
		var shares []string
		for _, d := range choice.Domains {
			shares = append(shares, fmt.Sprintf("%s: %.3g", d.Name, d.Share))
		}
		choice.Notes = append(choice.Notes, fmt.Sprintf("a mixer with frozen: {%s} keeps this mixture and searches only what is added to it", strings.Join(shares, ", ")))
	}
	return MixerPlan{Choice: *choice}, nil
}

// waits tells what must be tried first.
func (r *run) waits(design [][]float64) (MixerPlan, error) {
	if r.model == nil {
		if err := r.network(); err != nil {
			return MixerPlan{}, err
		}
	}
	all, err := r.forecastTrials()
	if err != nil {
		return MixerPlan{}, err
	}
	w := &Waiting{TrialForecast: all[0], Mixtures: design}
	w.Seconds = w.FLOPs / (.6 * probe(r.engine.Team(), 200*time.Millisecond))
	c := mix.Choice{Mixer: r.c.Mix.Name}
	for _, d := range r.env.Domains {
		c.Domains = append(c.Domains, mix.Planned{Name: d.Name, Examples: d.Examples, Tokens: d.Tokens, Cap: r.c.Repeats * float64(d.Examples), Why: "after the proxy runs"})
	}
	return MixerPlan{Choice: c, Waits: w}, nil
}

// judgesAll refuses a mixer that learns from validation losses where a domain has none.
func (r *run) judgesAll(m mix.Mixer) error {
	if _, ok := m.(mix.Validator); !ok {
		return nil
	}
	for _, d := range r.env.Domains {
		if !slices.Contains(r.env.Judged, d.Name) {
			return errors.New("it learns from the validation losses of every domain, and " + d.Name + " has no validation rows: raise validation.share")
		}
	}
	return nil
}
