package trainer

import (
	"errors"
	"fmt"
	"math"

	"sluice/trainer/mix"
	"sluice/trainer/tensor"
)

// A DivergedError is a loss or a gradient that is not finite, with what is to blame. The last checkpoint is untouched.
type DivergedError struct {
	Step    int
	Loss    float64
	Norm    float64
	Culprit string
}

// Is tells trials of mixers that their training has failed by itself, and not for want of a file.
func (e *DivergedError) Is(target error) bool { return target == mix.ErrDiverged }

func (e *DivergedError) Error() string {
	what := fmt.Sprintf("the loss is %v", e.Loss)
	if !math.IsNaN(e.Loss) && !math.IsInf(e.Loss, 0) {
		what = "the gradient is not finite"
	}
	return fmt.Sprintf("step %d: %s: %s; lower the learning rate, lengthen the warm-up, or look at the data of this step; the last checkpoint is good", e.Step, what, e.Culprit)
}

// finite lets a step pass whose loss and gradient are numbers. Otherwise it runs the step once more with a look at every result, and names the first that is
// not finite.
func (r *run) finite(s stepped, w *work) error {
	if sum := s.loss + s.norm; !math.IsNaN(sum) && !math.IsInf(sum, 0) {
		return nil
	}
	return &DivergedError{Step: r.step, Loss: s.loss, Norm: s.norm, Culprit: r.culprit(w)}
}

func (r *run) culprit(w *work) string {
	for _, p := range r.model.Params() {
		for i, v := range p.Value() {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Sprintf("weight %s %v is %v at element %d", p.Name(), p.Shape(), v, i)
			}
		}
	}
	r.engine.SetCheck(true)
	defer r.engine.SetCheck(false)
	for i := range w.Micros {
		key := tensor.Key{Seed: r.c.Seed, Step: uint64(r.step*r.micros + i)}
		_, err := r.engine.Step(key, func(g *tensor.Graph) *tensor.Tensor { return r.loss(g, w, i, newSums(len(r.corpus.Domains))) })
		if nan, ok := errors.AsType[*tensor.NaNError](err); ok {
			return nan.Error()
		}
	}
	for _, p := range r.params {
		for i, v := range p.Grad() {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Sprintf("the gradient of %s %v is %v at element %d", p.Name(), p.Shape(), v, i)
			}
		}
	}
	return "the norm of the gradient overflows"
}
