package linear

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"sluice/trainer/kernel"
)

// A Report says what a training did and chose.
type Report struct {
	Rows        int      `json:"rows"`
	Mixed       int      `json:"mixed,omitempty"` // rows made by mixup
	Features    int      `json:"features"`        // buckets in use
	Labels      int      `json:"labels"`
	C           float64  `json:"c"`
	Tried       []Trial  `json:"tried,omitempty"` // when C was tuned
	Iterations  int      `json:"iterations"`
	Objective   float64  `json:"objective"`
	Gradient    float64  `json:"gradient"`  // largest element at the end
	Converged   bool     `json:"converged"` // the gradient fell below the tolerance
	Temperature float64  `json:"temperature"`
	Held        *Metrics `json:"held,omitempty"` // out-of-fold, when C was tuned or a temperature fitted
	Kernel      string   `json:"kernel"`

	Logits []float32 `json:"-"` // out-of-fold, of every row and label, before the temperature; where Held is
}

// A Trial is what one C is worth on held-out rows: real ones alone where rows say which are.
type Trial struct {
	C        float64 `json:"c"`
	Accuracy float64 `json:"accuracy"`
	LogLoss  float64 `json:"log_loss"`
}

// Train fits a model to rows. An error names the row at fault, counting from 0.
func Train(ctx context.Context, rows []Row, c Config) (*Model, *Report, error) {
	d, err := newData(rows, c)
	if err != nil {
		return nil, nil, err
	}
	all := d.all()
	r := &Report{Rows: len(rows), Labels: len(d.labels), C: c.C, Temperature: 1, Kernel: d.team.Set().String()}
	var held []float32
	switch {
	case c.C == 0:
		r.C, r.Tried, held, err = d.tune(ctx, all)
	case c.Calibrate:
		var at [][]float32
		if at, _, err = d.held(ctx, all, []float64{c.C}); err == nil {
			held = at[0]
		}
	}
	if err != nil {
		return nil, nil, err
	}
	p := d.newPart(all)
	f, err := p.fit(ctx, r.C)
	if err != nil {
		return nil, nil, err
	}
	m := p.model()
	m.config.C = r.C
	if held != nil {
		if c.Calibrate {
			m.temperature = d.temperature(held, all)
			r.Temperature = m.temperature
		}
		probs := d.probs(held, m.temperature)
		if r.Held, err = d.score(probs, all); err != nil {
			return nil, nil, err
		}
		r.Logits = held
	}
	r.Mixed, r.Features = p.problem.x.rows()-len(rows), len(p.v.bucket)
	r.Iterations, r.Objective, r.Gradient, r.Converged = f.Iterations, f.Objective, f.Gradient, f.Converged
	return m, r, nil
}

// data are the rows of a training, counted once for all folds.
type data struct {
	c      Config
	team   *kernel.Team
	rows   []Row
	labels []string
	target [][]int32 // of every row, ascending
	counts *counts
}

func newData(rows []Row, c Config) (*data, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	set, err := kernel.Default()
	if err != nil {
		return nil, err
	}
	d := &data{c: c, team: kernel.NewTeam(set, c.threads()), rows: rows}
	for i := range rows {
		r := &rows[i]
		switch {
		case !c.MultiLabel && len(r.Labels) != 1:
			return nil, fmt.Errorf("row %d has %d labels, want one; set multi_label for rows with several or none", i, len(r.Labels))
		case r.Weight < 0 || math.IsNaN(r.Weight) || math.IsInf(r.Weight, 0):
			return nil, fmt.Errorf("row %d has the weight %v, want a positive number", i, r.Weight)
		}
		d.labels = append(d.labels, r.Labels...)
	}
	slices.Sort(d.labels)
	d.labels = slices.Compact(d.labels)
	if few := 2; len(rows) == 0 || len(d.labels) < few && !c.MultiLabel || len(d.labels) == 0 {
		return nil, fmt.Errorf("%d rows with %d different labels are nothing to learn from", len(rows), len(d.labels))
	}
	d.target = make([][]int32, len(rows))
	for i := range rows {
		for _, l := range rows[i].Labels {
			k, _ := slices.BinarySearch(d.labels, l)
			d.target[i] = append(d.target[i], int32(k))
		}
		slices.Sort(d.target[i])
		if len(slices.Compact(slices.Clone(d.target[i]))) != len(rows[i].Labels) {
			return nil, fmt.Errorf("row %d has a label twice: %q", i, rows[i].Labels)
		}
	}
	d.counts = count(d.team, &c, len(rows), func(i int) string { return rows[i].Text })
	return d, nil
}

func (d *data) all() []int {
	all := make([]int, len(d.rows))
	for i := range all {
		all[i] = i
	}
	return all
}

// A part is a set of training rows, ready to be fitted with one C after another; each fit starts where the last ended.
type part struct {
	d       *data
	rows    []int
	v       *vocabulary
	problem *problem
	theta   []float32
}

func (d *data) newPart(rows []int) *part {
	p := &part{d: d, rows: rows, v: learn(d.counts, rows, d.c.Bits)}
	x := &sparse{start: []int{0}}
	weight := make([]float32, len(rows))
	like := slices.Clone(rows)
	for n, i := range rows {
		x.add(p.v, d.counts, i)
		weight[n] = float32(d.rows[i].weight())
	}
	if d.c.Mixup > 0 {
		w, of := mix(x, weight, d.c.Mixup, d.c.Seed, func(n int) string { return strings.Join(d.rows[rows[n]].Labels, "\x00") })
		weight = append(weight, w...)
		for _, n := range of {
			like = append(like, rows[n])
		}
	}
	p.problem = newProblem(d.team, x, len(p.v.bucket), len(d.labels), weight, d.loss(like))
	p.theta = make([]float32, p.problem.size())
	return p
}

// loss is the loss over rows with the labels of the given ones.
func (d *data) loss(like []int) loss {
	if d.c.MultiLabel {
		t := make(logistic, len(like))
		for n, i := range like {
			t[n] = d.target[i]
		}
		return t
	}
	t := make(softmax, len(like))
	for n, i := range like {
		t[n] = d.target[i][0]
	}
	return t
}

func (p *part) fit(ctx context.Context, c float64) (fit, error) {
	old := p.problem.scale
	p.problem.penalise(c)
	if old != 0 { // β is the bias in other units now
		bias := p.theta[p.problem.cols*p.problem.stride:]
		for i := range bias {
			bias[i] *= old / p.problem.scale
		}
	}
	return minimise(ctx, p.problem, p.theta, p.d.c.Iterations, p.d.c.Tolerance)
}

// model copies the weights.
func (p *part) model() *Model {
	w := p.problem.cols * p.problem.stride
	m := &Model{config: p.d.c, labels: p.d.labels, vocabulary: p.v, stride: p.problem.stride, set: p.d.team.Set(), temperature: 1,
		weight: slices.Clone(p.theta[:w]), bias: slices.Clone(p.theta[w:]), prior: make([]float64, len(p.d.labels))}
	for i := range m.bias {
		m.bias[i] *= p.problem.scale
	}
	total := 0.0
	for _, i := range p.rows {
		w := p.d.rows[i].weight()
		total += w
		for _, k := range p.d.target[i] {
			m.prior[k] += w
		}
	}
	for k := range m.prior {
		m.prior[k] /= total
	}
	return m
}

// ErrFewFamilies is the error of a training that needs folds, with rows of too few families for them.
var ErrFewFamilies = errors.New("fewer families than folds")
