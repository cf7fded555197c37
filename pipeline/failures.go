package pipeline

import (
	"fmt"

	"sluice/schemas"
)

// failures watches how many records fail, in stream order, so that a hopeless run stops early and a
// leaky one is told at its end.
type failures struct {
	tolerate float64
	tried    map[string]int64 // by stage: records taken in and made
	failed   map[string]int64
}

// hopelessAfter is how many records a stage is given before more failures than successes end the run.
const hopelessAfter = 50

// HopelessError ends a run in which more than half of a stage's records fail: the recipe or the model
// is wrong, and going on would only cost money.
type HopelessError struct {
	Stage         string
	Failed, Tried int64
	Reason        string // the commonest
}

func (e *HopelessError) Error() string {
	return fmt.Sprintf("%s: %d of %d records failed, most by %s", e.Stage, e.Failed, e.Tried, e.Reason)
}

// add counts a batch.
func (f *failures) add(counts []Tally) error {
	if f.tried == nil {
		f.tried, f.failed = map[string]int64{}, map[string]int64{}
	}
	for i := range counts {
		t := &counts[i]
		_, n := t.Lost()
		tried := t.Made // a generator is judged by what it made, any other stage by what it took in
		if t.Made == 0 {
			tried = t.In
		}
		f.tried[t.Stage] += tried
		f.failed[t.Stage] += n
		if n > 0 && f.tried[t.Stage] >= hopelessAfter && 2*f.failed[t.Stage] > f.tried[t.Stage] {
			return &HopelessError{Stage: t.Stage, Failed: f.failed[t.Stage], Tried: f.tried[t.Stage], Reason: schemas.Reasons(t.Failed)[0]}
		}
	}
	return nil
}

// TolerateError says that a finished run lost more records to failures than the recipe tolerates. What is
// good is sealed.
type TolerateError struct {
	Stage         string
	Failed, Tried int64
	Tolerate      float64
}

func (e *TolerateError) Error() string {
	return fmt.Sprintf("%s: %d of %d records failed, more than the %.1f %% that the recipe tolerates", e.Stage, e.Failed, e.Tried, 100*e.Tolerate)
}

// verdict is nil when every stage stayed within what is tolerated.
func (f *failures) verdict(counts []Tally) error {
	for i := range counts {
		t := &counts[i]
		_, n := t.Lost()
		tried := t.Made
		if t.Made == 0 {
			tried = t.In
		}
		if float64(n) > f.tolerate*float64(tried) {
			return &TolerateError{Stage: t.Stage, Failed: n, Tried: tried, Tolerate: f.tolerate}
		}
	}
	return nil
}
