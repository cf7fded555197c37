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

// see takes a metric and tells whether it is the best so far and whether to stop. Progress is a metric below the best by more than the share MinDelta
// of it.
//
//	patience 2, metrics 3 2 2.5 2.1: best at the second, stop at the fourth
func (e *early) see(c Stop, step int, metric float64) (best, stop bool) {
	e.Sum = c.Smooth*e.Sum + (1-c.Smooth)*metric
	e.Weight = c.Smooth*e.Weight + (1 - c.Smooth)
	smooth := e.Sum / e.Weight
	if e.BestStep == 0 || smooth < e.Best-c.MinDelta*math.Abs(e.Best) {
		e.Best, e.BestStep, e.Bad = smooth, step, 0
		return true, false
	}
	e.Bad++
	return false, c.Patience > 0 && e.Bad >= c.Patience
}
