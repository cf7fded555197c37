package optim

import (
	"math"

	"sluice/trainer/kernel"
)

// ScheduleFree is AdamW that needs no cooldown (Defazio et al. 2024, arXiv 2405.15682, section 4.3): gradients are taken at y between the fast weights z
// and their average x, and x is what the model is judged by.
//
//	y = (1-β1)·z + β1·x;  ĝ = g/(√v̂ + eps) + decay·y;  z = z - lr·ĝ;  x = (1-c)·x + c·z,  c = lr²/Σ lr²
//
// The parameters hold y; x = (y - (1-β1)·z)/β1 is worked out when it is asked for.
type ScheduleFree struct {
	c      Config
	params []Param
	z, v   [][]float32
	x      [][]float32 // scratch for Average, made when first needed
	steps  float64
	sum    float64 // Σ lr² so far
}

// NewScheduleFree makes one whose average is the present weights.
func NewScheduleFree(c Config, params []Param) *ScheduleFree {
	o := &ScheduleFree{c: c, params: params}
	for _, p := range params {
		o.z, o.v = append(o.z, copied(p)), append(o.v, kernel.Floats(p.Len()))
	}
	return o
}

// Step implements [Optimizer].
func (o *ScheduleFree) Step(team *kernel.Team, factor, scale float64) {
	o.steps++
	lr := o.c.LR * factor
	o.sum += lr * lr
	part := 0.
	if o.sum > 0 {
		part = lr * lr / o.sum
	}
	c, stepY, stepZ := float32(part), float32(lr*(o.c.Beta1*(1-part)-1)), float32(lr)
	beta2, correct := float32(o.c.Beta2), float32(1/(1-math.Pow(o.c.Beta2, o.steps)))
	for i, p := range o.params {
		y, g, z, v := p.Value(), p.EnsureGrad(), o.z[i], o.v[i]
		decay := float32(0)
		if p.Decay {
			decay = float32(o.c.Decay)
		}
		team.Rows(len(y), grain, func(lo, hi int) {
			for j := lo; j < hi; j++ {
				d := float32(scale) * g[j]
				v[j] = beta2*v[j] + (1-beta2)*d*d
				step := d/(float32(math.Sqrt(float64(v[j]*correct)))+float32(o.c.Eps)) + decay*y[j]
				y[j] += c*(z[j]-y[j]) + stepY*step
				z[j] -= stepZ * step
			}
		})
	}
}

// Average implements [Averager].
func (o *ScheduleFree) Average(team *kernel.Team) (restore func()) {
	if o.x == nil {
		for _, p := range o.params {
			o.x = append(o.x, kernel.Floats(p.Len()))
		}
	}
	beta := float32(o.c.Beta1)
	for i, p := range o.params {
		y, z, x := p.Value(), o.z[i], o.x[i]
		team.Rows(len(y), grain, func(lo, hi int) {
			for j := lo; j < hi; j++ {
				x[j], y[j] = y[j], (y[j]-(1-beta)*z[j])/beta
			}
		})
	}
	return func() {
		for i, p := range o.params {
			copy(p.Value(), o.x[i])
		}
	}
}

// State implements [Optimizer].
func (o *ScheduleFree) State() (s State) {
	for i, p := range o.params {
		s.Slices = append(s.Slices, Slice{p.Name() + "/z", p.Shape(), o.z[i]}, Slice{p.Name() + "/v", p.Shape(), o.v[i]})
	}
	s.Numbers = []Number{{"schedulefree.steps", &o.steps}, {"schedulefree.sum", &o.sum}}
	return s
}
