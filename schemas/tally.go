package schemas

import (
	"fmt"
	"maps"
	"slices"
)

// A Tally counts what a stage did. The conservation law In + Made == Out + Σ Dropped + Σ Failed
// holds for every batch and so for every run.
type Tally struct {
	Stage   string           `json:"stage"`
	In      int64            `json:"in"`
	Made    int64            `json:"made,omitempty"`
	Out     int64            `json:"out"`
	Dropped map[string]int64 `json:"dropped,omitempty"` // by reason
	Failed  map[string]int64 `json:"failed,omitempty"`  // by cause
}

// Add adds u to t.
func (t *Tally) Add(u Tally) {
	t.In += u.In
	t.Made += u.Made
	t.Out += u.Out
	t.Dropped = addCounts(t.Dropped, u.Dropped)
	t.Failed = addCounts(t.Failed, u.Failed)
}

func addCounts(to, from map[string]int64) map[string]int64 {
	if len(from) == 0 {
		return to
	}
	if to == nil {
		to = make(map[string]int64, len(from))
	}
	for k, n := range from {
		to[k] += n
	}
	return to
}

// Lost is the number of records dropped and failed.
func (t *Tally) Lost() (dropped, failed int64) {
	for _, n := range t.Dropped {
		dropped += n
	}
	for _, n := range t.Failed {
		failed += n
	}
	return dropped, failed
}

// Check returns an error if the conservation law is broken.
func (t *Tally) Check() error {
	dropped, failed := t.Lost()
	if t.In+t.Made != t.Out+dropped+failed {
		return fmt.Errorf("conservation law broken at %s: in %d + made %d != out %d + dropped %d + failed %d",
			t.Stage, t.In, t.Made, t.Out, dropped, failed)
	}
	return nil
}

// Drop counts one record dropped for reason.
func (t *Tally) Drop(reason string) { t.Dropped = addCounts(t.Dropped, map[string]int64{reason: 1}) }

// Fail counts one record failed for cause reason.
func (t *Tally) Fail(reason string) { t.Failed = addCounts(t.Failed, map[string]int64{reason: 1}) }

// Reasons returns the keys of a count in order of falling count, then name.
func Reasons(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return int(counts[b] - counts[a])
		}
		if a < b {
			return -1
		}
		return 1
	})
}
