package optim

import (
	"fmt"
	"math"
)

// A Sweep raises the learning rate from step to step, from Low to High, and watches the loss (Smith 2015, arXiv 1506.01186, section 3.3).
type Sweep struct {
	Low, High float64
	Steps     int
}

// A SweepPoint is one step of a sweep.
type SweepPoint struct {
	LR     float64
	Loss   float64 // of the step
	Smooth float64 // moving average of the losses
}

// Find runs the sweep: step makes one training step and gives the loss before it. The loss counts as diverged once its average exceeds the lowest average by
// half of what was gained, at least by 5 % of the first loss, or is not finite; the learning rate to use is a tenth of the one where that happened, or of High
// where it never did.
func (s Sweep) Find(step func(lr float64) (loss float64, err error)) (lr float64, curve []SweepPoint, err error) {
	if s.Low <= 0 || s.High <= s.Low || s.Steps < 2 {
		return 0, nil, fmt.Errorf("a sweep goes from a low to a higher learning rate in at least 2 steps, not %v to %v in %d", s.Low, s.High, s.Steps)
	}
	const keep = .8
	sum, weight, first, best := 0., 0., math.NaN(), math.Inf(1)
	for i := range s.Steps {
		at := s.Low * math.Pow(s.High/s.Low, float64(i)/float64(s.Steps-1))
		loss, err := step(at)
		if err != nil {
			return 0, curve, err
		}
		sum, weight = keep*sum+(1-keep)*loss, keep*weight+(1-keep)
		p := SweepPoint{at, loss, sum / weight}
		curve = append(curve, p)
		if i == 0 {
			first = loss
		}
		best = min(best, p.Smooth)
		bad := math.IsNaN(loss) || math.IsInf(loss, 0) || p.Smooth > best+max(.05*first, .5*(first-best))
		if bad {
			if i < 2 {
				return 0, curve, fmt.Errorf("the loss diverged at once, at learning rate %.3g: begin lower", at)
			}
			return at / 10, curve, nil
		}
	}
	return s.High / 10, curve, nil
}
