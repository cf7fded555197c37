package main

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
)

// Throughput as a share of what a schedule without any overhead makes of the same latencies: the next
// request leaves the moment a place is free.
func TestScenarioThroughput(t *testing.T) {
	for _, c := range []struct {
		workers string
		places  int
		sigma   float64
		calls   int
		share   float64
	}{
		{"64", 64, .35, 4000, .95},
		{"256", 256, 1, 10000, .90},
	} {
		if testing.Short() && c.calls > 4000 {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, c.calls, fill(paraphrases, "WORKERS", c.workers), fakellm.Config{Latency: 1e8, Sigma: c.sigma, Keep: -1})
			o := w.options()
			var mu sync.Mutex
			var draws []time.Duration
			inner := o.Transport
			o.Transport = watched(func(r *http.Request) (*http.Response, error) {
				begun := time.Now()
				mu.Lock()
				place := len(draws)
				draws = append(draws, 0)
				mu.Unlock()
				res, err := inner.RoundTrip(r)
				mu.Lock()
				defer mu.Unlock()
				draws[place] = time.Since(begun)
				return res, err
			})
			res, err := pipeline.Run(t.Context(), w.load(), o)
			if err != nil {
				t.Fatal(err)
			}
			free := make([]time.Duration, c.places)
			for _, d := range draws {
				i := slices.Index(free, slices.Min(free))
				free[i] += d
			}
			share := float64(slices.Max(free)) / float64(res.Took)
			t.Logf("%d in flight, σ %v: %d calls in %v of virtual time, %.1f %% of the ideal", c.places, c.sigma, len(draws), res.Took, 100*share)
			if share < c.share {
				t.Errorf("%.1f %% of the ideal, want %.0f %%", 100*share, 100*c.share)
			}
		})
	}
}

// watched is a transport that looks on.
type watched func(*http.Request) (*http.Response, error)

func (f watched) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
