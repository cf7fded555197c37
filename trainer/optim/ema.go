package optim

import "sluice/trainer/kernel"

// EMA keeps an exponential moving average of parameters. Its decay rises with the steps, min(decay, (1+t)/(10+t)), so that the first weights are
// forgotten soon.
type EMA struct {
	params []Param
	avg    [][]float32
	decay  float64
	steps  float64
}

// NewEMA starts an average at the present weights.
func NewEMA(params []Param, decay float64) *EMA {
	e := &EMA{params: params, decay: decay}
	for _, p := range params {
		e.avg = append(e.avg, copied(p))
	}
	return e
}

// Update takes the present weights into the average.
func (e *EMA) Update(team *kernel.Team) {
	e.steps++
	d := float32(min(e.decay, (1+e.steps)/(10+e.steps)))
	for i, p := range e.params {
		w, avg := p.Value(), e.avg[i]
		team.Rows(len(w), grain, func(lo, hi int) { team.Set().Lerp(avg[lo:hi], w[lo:hi], d) })
	}
}

// Average implements [Averager].
func (e *EMA) Average(team *kernel.Team) (restore func()) {
	e.swap(team)
	return func() { e.swap(team) }
}

func (e *EMA) swap(team *kernel.Team) {
	for i, p := range e.params {
		w, avg := p.Value(), e.avg[i]
		team.Rows(len(w), grain, func(lo, hi int) {
			for j := lo; j < hi; j++ {
				w[j], avg[j] = avg[j], w[j]
			}
		})
	}
}

// State gives what the average remembers.
func (e *EMA) State() (s State) {
	for i, p := range e.params {
		s.Slices = append(s.Slices, Slice{p.Name() + "/ema", p.Shape(), e.avg[i]})
	}
	s.Numbers = []Number{{"ema.steps", &e.steps}}
	return s
}
