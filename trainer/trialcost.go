package trainer

import (
	"sluice/trainer/feed"
	"sluice/trainer/mix"
	"sluice/trainer/model"
	"sluice/trainer/optim"
)

// A TrialForecast is the small trainings of one kind that stand before the first step.
type TrialForecast struct {
	What   string  `json:"what"` // proxy runs, or guard
	Runs   int     `json:"runs"`
	Done   int     `json:"done"`  // of them, by an earlier run in the same folder
	Steps  int     `json:"steps"` // of each
	FLOPs  float64 `json:"flops"` // of those that are not done, with a look at validation each
	Memory int64   `json:"-"`     // bytes of weights, gradients and optimizer
}

// forecastTrials says what must be tried before the first step. It wants r.model, and engine and data.
func (r *run) forecastTrials() (all []TrialForecast, err error) {
	design, err := r.design()
	if err != nil {
		return nil, err
	}
	if len(design) > 0 {
		known, err := r.knownRuns(design)
		if err != nil {
			return nil, err
		}
		one := TrialForecast{What: "proxy runs", Runs: len(design), Done: len(known), Steps: r.proxySteps()}
		if err := r.price(&one, r.c.Proxy.Model); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if r.guarded() {
		one := TrialForecast{What: "guard", Runs: 2 * r.c.Guard.Seeds, Steps: int(r.c.Guard.Steps(r.env))}
		if err := r.price(&one, ModelConfig{}); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// price works out a kind's operations and memory.
func (r *run) price(f *TrialForecast, shape ModelConfig) error {
	q := r
	if shape != (ModelConfig{}) {
		q = &run{c: r.trialConfig(shape, 1, r.c.Seed), tok: r.tok, labels: r.labels}
		if err := q.network(); err != nil {
			return err
		}
	}
	tokens, look := float64(f.Steps*q.c.Batch*q.c.Context), 0.
	for _, s := range r.valid {
		look += float64(feed.Rows(s, r.order)) * float64(q.c.Context) / 3 // forward only
	}
	f.FLOPs = float64(f.Runs-f.Done) * q.flops(tokens+look, float64(q.c.Context))
	for _, p := range q.params {
		f.Memory += 4*int64(p.Len()) + optim.BytesPer(q.c.Optimizer.Name, p)
	}
	for _, p := range q.model.Params() {
		f.Memory += 4 * int64(p.Len())
	}
	return nil
}

// knownRuns gives the proxy runs of a design that are finished; nothing is trained.
func (r *run) knownRuns(design [][]float64) (runs []mix.Run, err error) {
	for _, shares := range design {
		key, err := r.trialKey(r.c.Proxy.Model, mix.Shares(r.env, shares), int64(r.proxySteps()), r.c.Seed)
		if err != nil {
			return nil, err
		}
		if t := r.trials.find(key); t != nil {
			runs = append(runs, mix.Run{Shares: shares, Losses: t.Losses})
		}
	}
	return runs, nil
}

// flops counts the floating-point operations of training on so many tokens in rows of a mean length.
func (r *run) flops(tokens, row float64) float64 {
	matrices, c := 0, r.model.Config
	for _, p := range r.model.Params() {
		if p.Role == model.Matrix || p.Role == model.HeadMatrix {
			matrices += p.Len()
		}
	}
	if r.c.packed() && !c.Untied { // the table is the output matrix too; masked models use it on the masked positions only
		share := 1.
		if r.c.Task == Masked {
			share = .15
		}
		matrices += int(share * float64(c.Vocab*c.Hidden))
	}
	return tokens * (6*float64(matrices) + 12*float64(c.Layers*c.Hidden)*row)
}
