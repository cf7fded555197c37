package trainer

import "math"

// early watches the validation metric, lower is better: it knows the best step and when to give up. Its fields are what a checkpoint keeps.
type early struct {
	Best     float64 `json:"best"`      // smoothed metric of the best step
	BestStep int     `json:"best_step"` // 0: none yet
	Bad      int     `json:"bad"`       // evaluations since
	Sum      float64 `json:"sum"`       // of the moving average
	Weight   float64 `json:"weight"`
}

// see takes a metric. Progress is a metric below the best by more than the share MinDelta of it.
//
//	patience 2, metrics 3 2 2.5 2.1: best at the second, two bad ones at the fourth
func (e *early) see(c Stop, step int, metric float64) {
	e.Sum = c.Smooth*e.Sum + (1-c.Smooth)*metric
	e.Weight = c.Smooth*e.Weight + (1 - c.Smooth)
	if smooth := e.Sum / e.Weight; e.BestStep == 0 || smooth < e.Best-c.MinDelta*math.Abs(e.Best) {
		e.Best, e.BestStep, e.Bad = smooth, step, 0
	} else {
		e.Bad++
	}
}
