package pipeline

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Of 300 calls of a second every tenth rests for 20 s first. Four places are kept busy all the same: the resting ones lend theirs. At
// no time do more than four work, but for those whose rest has just ended.
func TestRestingCallsLendTheirPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, most, calls = 4, 40, 300
		p := newPlaces(n)
		in := func(yield func(int, error) bool) {
			for i := range calls {
				p.take()
				if !yield(i, nil) {
					return
				}
			}
		}
		var under, resting, widest atomic.Int64
		begun := time.Now()
		got, err := collect(ordered(t.Context(), NewHalt(), most, 1000, in, func(_ context.Context, i int) (int, error) {
			defer p.give()
			under.Add(1)
			defer under.Add(-1)
			if i%10 == 0 {
				resting.Add(1)
				p.give()
				time.Sleep(20 * time.Second)
				p.reclaim()
				resting.Add(-1)
			}
			widest.Store(max(widest.Load(), under.Load()-resting.Load()))
			time.Sleep(time.Second)
			return i, nil
		}))
		if err != nil || len(got) != calls {
			t.Fatalf("%d results, error %v", len(got), err)
		}
		if took := time.Since(begun); took > (calls/n+25)*time.Second {
			t.Errorf("it took %v: resting calls kept others waiting", took)
		}
		if widest.Load() > 2*n {
			t.Errorf("%d calls at work at once", widest.Load())
		}
		if p.free != n {
			t.Errorf("in the end %d places of %d are free", p.free, n)
		}
	})
}

// Goroutines start when they are needed: calls that are over at once never need more than a few.
func TestOrderedStartsFewWhereFewAreNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, most = 2, 1000
		p := newPlaces(n)
		var under, widest atomic.Int64
		in := func(yield func(int, error) bool) {
			for i := range 200 {
				p.take()
				if !yield(i, nil) {
					return
				}
			}
		}
		_, err := collect(ordered(t.Context(), NewHalt(), most, 1000, in, func(_ context.Context, i int) (int, error) {
			defer p.give()
			widest.Store(max(widest.Load(), under.Add(1)))
			defer under.Add(-1)
			time.Sleep(time.Second)
			return i, nil
		}))
		if err != nil || widest.Load() > n {
			t.Errorf("%d calls at once for %d places, error %v", widest.Load(), n, err)
		}
	})
}
