package trainer

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/linear"
	"sluice/trainer/model"
	"sluice/trainer/optim"
	"sluice/trainer/tensor"
)

// A Forecast says what a training needs. Bytes are exact sums of what the run will ask for, Go's own share aside; times and energy are estimates.
type Forecast struct {
	Parameters  int   `json:"parameters"`
	Weights     int64 `json:"weights"` // bytes, as the following
	Gradients   int64 `json:"gradients"`
	Optimizer   int64 `json:"optimizer"`
	Average     int64 `json:"average"`
	Activations int64 `json:"activations"` // of the largest piece of a batch
	Buffers     int64 `json:"buffers"`
	Memory      int64 `json:"memory"` // all together
	Limit       int64 `json:"limit"`  // what is refused above; 0: nothing

	Steps     int                `json:"steps"`
	Pieces    int                `json:"pieces"`    // of a batch
	Recompute string             `json:"recompute"` // what backward computes again to save memory
	Tokens    int64              `json:"tokens"`    // of the whole training, padding included
	Epochs    map[string]float64 `json:"epochs"`    // of every domain under equal shares of the first weights
	FLOPs     float64            `json:"flops"`
	Trials    []TrialForecast    `json:"trials,omitempty"` // small trainings before the first step: time and energy count them
	Seconds   float64            `json:"seconds,omitzero"` // only by Plan, which measures
	Bill      Bill               `json:"bill,omitzero"`

	Models int              `json:"models,omitzero"`  // of an ensemble, trained one after the other: time and energy are of all, what stands above of one
	Linear *linear.Forecast `json:"linear,omitempty"` // of the linear student, which has neither steps nor tokens
}

// planLinear is [Plan] for the linear student.
func planLinear(ctx context.Context, c Config) (*Forecast, error) {
	if err := c.settle(); err != nil {
		return nil, err
	}
	t, err := c.readRows(ctx, schemas.RoleTrain, true)
	if err != nil {
		return nil, err
	}
	rows, err := c.linearRows(t)
	if err != nil {
		return nil, err
	}
	l, err := linear.Plan(ctx, rows, c.linearConfig())
	if err != nil {
		return nil, fewFamilies(err)
	}
	f := &Forecast{Parameters: (l.Features + 1) * l.Labels, Memory: l.Memory, Limit: granted() / 5 * 4, Seconds: l.Seconds, Linear: l}
	threads := c.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	f.Bill = c.Cost.bill(energy{Joules: f.Seconds * (c.Cost.WattsPerThread*float64(threads) + c.Cost.MemoryWatts), Wall: time.Duration(f.Seconds * float64(time.Second))})
	return f, nil
}

// recomputes are the ways to need less memory, in the order in which they are tried. They cost time and change no bit.
var recomputes = []struct {
	name string
	how  model.Recompute
}{{"none", model.KeepAll}, {"attention", model.RecomputeAttention}, {"layers", model.RecomputeLayers}}

// Plan says what a training will need, before anything runs but the tokenizing of the data, which the training finds done.
func Plan(ctx context.Context, c Config, o Options) (*Forecast, error) {
	if c.Model.linear() {
		return planLinear(ctx, c)
	}
	r, err := prepare(ctx, c, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	f := r.plan
	speed := .6 * probe(r.engine.Team(), 200*time.Millisecond)
	all := f.FLOPs
	for _, t := range f.Trials {
		all += t.FLOPs
	}
	f.Seconds = all / speed * float64(c.Ensemble)
	if c.Ensemble > 1 {
		f.Models = c.Ensemble
	}
	wall := time.Duration(f.Seconds * float64(time.Second))
	f.Bill = r.c.Cost.bill(energy{Joules: f.Seconds * (r.c.Cost.WattsPerThread*float64(r.c.Threads) + r.c.Cost.MemoryWatts), Wall: wall})
	return f, nil
}

// fit plans the memory and sees to it that the run stays below its limit: by computing things again, then by smaller pieces of a batch where their number
// is open, and else by refusing.
func (r *run) fit(open bool) error {
	limit := int64(r.c.MemoryGB * 1e9)
	if limit == 0 {
		limit = granted() / 5 * 4
	}
	for {
		for _, how := range recomputes {
			if r.c.Recompute != "auto" && r.c.Recompute != how.name {
				continue
			}
			r.model.Recompute = how.how
			f, err := r.forecast()
			if err != nil {
				return err
			}
			f.Recompute, f.Limit = how.name, limit
			if r.plan = f; limit == 0 || f.Memory <= limit {
				return nil
			}
		}
		if !open || r.micros == r.c.Batch {
			f := r.plan
			return fmt.Errorf("this training needs %s, %s are granted: weights %s, gradients %s, optimizer %s, average %s, activations %s; lower batch, context or the model's size%s",
				size(f.Memory), size(limit), size(f.Weights), size(f.Gradients), size(f.Optimizer), size(f.Average), size(f.Activations), r.advice())
		}
		r.micros = min(r.c.Batch, 2*r.micros)
		r.note("a batch is worked off in %d pieces to fit the memory", r.micros)
	}
}

func (r *run) advice() string {
	if r.c.Accumulate > 0 && r.c.Accumulate < r.c.Batch {
		return fmt.Sprintf(", or raise accumulate above %d", r.c.Accumulate)
	}
	return ""
}

// forecast works the figures out for the present settings.
func (r *run) forecast() (*Forecast, error) {
	f := &Forecast{Steps: r.steps, Pieces: r.micros, Epochs: map[string]float64{}}
	for _, p := range r.model.Params() {
		f.Parameters += p.Len()
	}
	f.Weights = 4 * int64(f.Parameters)
	for _, p := range r.params {
		f.Gradients += 4 * int64(p.Len())
		f.Optimizer += optim.BytesPer(r.c.Optimizer.Name, p)
		if r.c.EMA > 0 {
			f.Average += 4 * int64(p.Len())
		}
	}
	if r.c.Optimizer.Name == "schedulefree" {
		f.Average = f.Weights // while it is evaluated
	}
	rows := (r.c.Batch + r.micros - 1) / r.micros
	m := r.largest(rows)
	p, err := r.engine.Plan(func(g *tensor.Graph) *tensor.Tensor {
		w := &work{Batch: &feed.Batch{Micros: []*feed.Micro{m}}, inputs: [][]int32{m.IDs}, targets: [][]int32{m.Targets}, weight: 1}
		return r.loss(g, w, 0, newSums(1))
	})
	if err != nil {
		return nil, err
	}
	f.Activations, f.Buffers = p.Arena, p.Kernels
	if f.Trials, err = r.forecastTrials(); err != nil {
		return nil, err
	}
	// Trials are over, and their memory is free again, before the optimizer and the average ask for theirs.
	last := f.Optimizer + f.Average
	for _, t := range f.Trials {
		last = max(last, t.Memory)
	}
	f.Memory = f.Weights + f.Gradients + last + f.Activations + f.Buffers

	row := r.rowTokens()
	f.Tokens = int64(float64(r.steps*r.c.Batch) * row)
	f.FLOPs = r.flops(float64(f.Tokens), row)
	for k, share := range r.mixer.Weights() {
		f.Epochs[r.env.Domains[k].Name] = share * r.env.Examples() / float64(r.env.Domains[k].Examples)
	}
	return f, nil
}

// rowTokens is the mean number of tokens of a row, padding included: packed rows are full.
func (r *run) rowTokens() float64 {
	if r.c.packed() {
		return float64(r.c.Context)
	}
	tokens, rows := int64(0), 0
	for _, s := range r.train {
		tokens, rows = tokens+feed.Padded(s, r.order), rows+s.Len()
	}
	return float64(tokens) / float64(rows)
}

// largest is a piece of a batch as large as any that may come.
func (r *run) largest(rows int) *feed.Micro {
	n := rows * r.c.Context
	m := &feed.Micro{Rows: rows, Time: r.c.Context, IDs: make([]int32, n), Domains: make([]int32, rows)}
	if r.c.packed() {
		m.Docs, m.Targets = make([]int32, n), make([]int32, n)
		return m
	}
	for range rows {
		m.Lengths = append(m.Lengths, int32(r.c.Context))
	}
	switch {
	case r.c.Task == Classify && !r.c.MultiLabel:
		m.Classes = make([]int32, rows)
	default:
		m.Values = make([]float32, rows*len(r.labels))
	}
	return m
}

// size writes bytes for people: 1.2 GB.
func size(n int64) string {
	switch f := float64(n); {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", f/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", f/1e6)
	default:
		return fmt.Sprintf("%.1f kB", f/1e3)
	}
}
