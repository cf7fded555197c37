package optim

import (
	"sluice/trainer/kernel"
)

// AdamW is Adam with decoupled weight decay (arXiv 1711.05101, algorithm 2); the formula stands at [kernel.AdamW].
type AdamW struct {
	c      Config
	params []Param
	m, v   [][]float32
	steps  float64
}

// NewAdamW makes an AdamW with zero moments.
func NewAdamW(c Config, params []Param) *AdamW {
	a := &AdamW{c: c, params: params}
	for _, p := range params {
		a.m, a.v = append(a.m, kernel.Floats(p.Len())), append(a.v, kernel.Floats(p.Len()))
	}
	return a
}

// Step implements [Optimizer].
func (a *AdamW) Step(team *kernel.Team, factor, scale float64) {
	a.steps++
	for i, p := range a.params {
		k := kernel.AdamW{LR: a.c.LR * factor, Beta1: a.c.Beta1, Beta2: a.c.Beta2, Eps: a.c.Eps}
		if p.Decay {
			k.Decay = a.c.Decay
		}
		w, g, m, v := p.Value(), p.EnsureGrad(), a.m[i], a.v[i]
		team.Rows(len(w), grain, func(lo, hi int) {
			k.Step(team.Set(), w[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi], scale, int(a.steps))
		})
	}
}

// State implements [Optimizer].
func (a *AdamW) State() (s State) {
	for i, p := range a.params {
		s.Slices = append(s.Slices, Slice{p.Name() + "/m", p.Shape(), a.m[i]}, Slice{p.Name() + "/v", p.Shape(), a.v[i]})
	}
	s.Numbers = []Number{{"adamw.steps", &a.steps}}
	return s
}
