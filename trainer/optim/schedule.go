package optim

import (
	"fmt"
	"math"
)

// A Schedule is the course of the learning rate over a training of Steps steps, as a factor between 0 and 1.
type Schedule struct {
	Kind     string  // wsd, cosine, linear or constant
	Steps    int     // where the schedule ends
	Warmup   int     // steps of rising along a line
	Cooldown int     // wsd: steps of falling at the end, as 1-√ (arXiv 2405.18392)
	Floor    float64 // the factor at the end
}

// Check reports what is wrong with a schedule.
func (s Schedule) Check() error {
	switch s.Kind {
	case "wsd", "cosine", "linear", "constant":
	default:
		return fmt.Errorf("unknown schedule %q: want wsd, cosine, linear or constant", s.Kind)
	}
	if s.Warmup < 0 || s.Cooldown < 0 || s.Floor < 0 || s.Floor > 1 {
		return fmt.Errorf("warm-up of %d, cooldown of %d steps, floor %v: none may be negative, and the floor at most 1", s.Warmup, s.Cooldown, s.Floor)
	}
	if s.Warmup > s.Steps || s.Kind == "wsd" && s.Warmup+s.Cooldown > s.Steps {
		return fmt.Errorf("warm-up and cooldown of %d and %d steps do not fit a training of %d", s.Warmup, s.Cooldown, s.Steps)
	}
	return nil
}

// At gives the factor after t steps. At(0) is 0 with a warm-up, At(Steps) the floor: a loop of n steps uses a schedule of n+1 at 1…n.
//
//	linear, 20 steps, 4 of them warm-up: 0 .25 .5 .75 1 .9375 … .0625
func (s Schedule) At(t int) float64 {
	if t < s.Warmup {
		return float64(t) / float64(s.Warmup)
	}
	done := min(1, float64(t-s.Warmup)/float64(max(1, s.Steps-s.Warmup)))
	f := 1.
	switch s.Kind {
	case "cosine":
		f = (1 + math.Cos(math.Pi*done)) / 2
	case "linear":
		f = 1 - done
	case "wsd":
		if start := s.Steps - s.Cooldown; t > start {
			f = 1 - math.Sqrt(min(1, float64(t-start)/float64(s.Cooldown)))
		}
	}
	return s.Floor + (1-s.Floor)*f
}
