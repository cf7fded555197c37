package pipeline

import (
	"context"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func count(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func collect[T any](in iter.Seq2[T, error]) (out []T, err error) {
	for x, e := range in {
		if e != nil {
			return out, e
		}
		out = append(out, x)
	}
	return out, nil
}

func TestOrderedKeepsOrder(t *testing.T) {
	for _, n := range []int{1, 2, 64} {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			delays := make([]time.Duration, 500)
			for i := range delays {
				delays[i] = time.Duration(rng.IntN(1000)) * time.Millisecond
			}
			got, err := collect(ordered(t.Context(), NewHalt(), n, 4*n, count(len(delays)), func(_ context.Context, i int) (int, error) {
				time.Sleep(delays[i])
				return i * i, nil
			}))
			if err != nil || len(got) != len(delays) || !slices.IsSorted(got) {
				t.Errorf("%d workers: %d results, sorted %v, error %v", n, len(got), slices.IsSorted(got), err)
			}
		})
	}
}

// With a wide window one slow answer idles nobody: the whole takes no longer than a schedule
// without any overhead, to within 2 %.
func TestOrderedThroughputUnderHeavyTails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers, calls = 64, 4000
		rng := rand.New(rand.NewPCG(3, 4))
		draw := make([]time.Duration, calls)
		for i := range draw {
			draw[i] = time.Duration(100 * math.Exp(.35*rng.NormFloat64()) * float64(time.Millisecond))
		}
		begun := time.Now()
		_, err := collect(ordered(t.Context(), NewHalt(), workers, 64*workers, count(calls), func(_ context.Context, i int) (int, error) {
			time.Sleep(draw[i])
			return i, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		free := make([]time.Duration, workers) // greedy schedule: the next call goes to whoever is free first
		for _, d := range draw {
			i := slices.Index(free, slices.Min(free))
			free[i] += d
		}
		if ideal, took := slices.Max(free), time.Since(begun); float64(ideal) < .98*float64(took) {
			t.Errorf("took %v, ideal %v: %.1f %%", took, ideal, 100*float64(ideal)/float64(took))
		}
	})
}

func TestOrderedErrorEndsInItsPlace(t *testing.T) {
	for _, n := range []int{1, 8} {
		synctest.Test(t, func(t *testing.T) {
			bad := errors.New("bad")
			halt := NewHalt()
			var begun atomic.Int64
			got, err := collect(ordered(t.Context(), halt, n, 64, count(1000), func(_ context.Context, i int) (int, error) {
				begun.Add(1)
				if i == 20 {
					return 0, bad
				}
				time.Sleep(time.Second)
				return i, nil
			}))
			if !errors.Is(err, bad) || len(got) != 20 {
				t.Errorf("%d workers: %d results before %v", n, len(got), err)
			}
			if !errors.Is(halt.Cause(), bad) {
				t.Errorf("halt was not pulled: %v", halt.Cause())
			}
		})
	}
}

// Leaving early waits for calls under way, since they may be paid for, and leaves no goroutine: synctest fails if one stays.
func TestOrderedLeavingWaitsForCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun, ended atomic.Int64
		for i, err := range ordered(t.Context(), NewHalt(), 8, 64, count(1000), func(_ context.Context, i int) (int, error) {
			begun.Add(1)
			time.Sleep(time.Second)
			ended.Add(1)
			return i, nil
		}) {
			if err != nil {
				t.Fatal(err)
			}
			if i == 5 {
				break
			}
		}
		if begun.Load() != ended.Load() {
			t.Errorf("%d calls begun, %d ended", begun.Load(), ended.Load())
		}
	})
}

func TestOrderedBoundsCallsAndWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, window = 4, 10
		var now, most, ahead, yielded atomic.Int64
		for _, err := range ordered(t.Context(), NewHalt(), n, window, count(300), func(_ context.Context, i int) (int, error) {
			most.Store(max(most.Load(), now.Add(1)))
			ahead.Store(max(ahead.Load(), int64(i)-yielded.Load()))
			time.Sleep(time.Second)
			now.Add(-1)
			return i, nil
		}) {
			if err != nil {
				t.Fatal(err)
			}
			yielded.Add(1)
		}
		if most.Load() != n || ahead.Load() > window+n+1 {
			t.Errorf("at most %d calls at once, %d ahead of the consumer", most.Load(), ahead.Load())
		}
	})
}
