package forecast

import (
	"sluice/pipeline"
)

// Step is what one stage does if nothing is dropped before it.
type Step struct {
	ID       string
	Acts     float64 // records it acts on
	Requests float64 // by what the component says of itself; models may be asked less often
	Made     float64
	Out      float64
}

// Flow follows seeds through stages with nothing dropped on the way: every later number is an upper bound. visits is
// how often a seed is put to work by generators: once each, but for a target.
//
//	10 seeds; a generator that makes 4, one that makes 2 of seeds alone: 10 -> 50 -> 70 records
func Flow(stages []pipeline.StageSpec, seeds, visits float64) []Step {
	byDepth := []float64{seeds}
	working := []float64{visits} // of them, those that generators act on
	var out []Step
	for i := range stages {
		s := &stages[i]
		step := Step{ID: s.ID}
		requests, made := 0.0, 0.0
		if f, ok := s.Component.(pipeline.Forecaster); ok {
			requests, made = f.Forecast()
		}
		switch s.Role {
		case pipeline.Generators:
			for d := min(s.MaxDepth, len(byDepth)) - 1; d >= 0; d-- {
				if d+1 == len(byDepth) {
					byDepth, working = append(byDepth, 0), append(working, 0)
				}
				step.Acts += working[d]
				step.Made += working[d] * made
				byDepth[d+1] += working[d] * made
				working[d+1] += working[d] * made
			}
		default:
			for d, n := range byDepth {
				if d > 0 || s.On != pipeline.OnMade {
					step.Acts += n
				}
			}
		}
		step.Requests = step.Acts * requests
		for _, n := range byDepth {
			step.Out += n
		}
		out = append(out, step)
	}
	return out
}

// Visits is how often seeds are put to work to meet a target, as expected and at the most. candidates is what one visit makes.
// Nothing is known yet: half of the rows are expected to be accepted; the worst is where the recipe's stop rules end the run.
func Visits(t *pipeline.TargetSpec, seeds, candidates float64) (expected, worst float64) {
	if t == nil || candidates == 0 {
		return seeds, seeds
	}
	wanted := float64(t.Accepted)
	expected = wanted / .5 / candidates
	worst = wanted / max(t.MinYield, .01) / candidates
	if t.MaxCandidates > 0 {
		worst = min(worst, float64(t.MaxCandidates)/candidates)
	}
	return min(expected, worst), worst
}

// Candidates is what one visit of a seed makes.
func Candidates(stages []pipeline.StageSpec) float64 {
	sum := 0.0
	for _, s := range Flow(stages, 1, 1) {
		sum += s.Made
	}
	return sum
}
