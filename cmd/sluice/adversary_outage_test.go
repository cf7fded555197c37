package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/llm"
)

// Ten minutes of 429s with Retry-After 30: while they last, no more than one request leaves in each cool-down.
func TestAdversaryStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 3000
		w := newStage(t, calls, fill(paraphrases, "WORKERS", "64"), fakellm.Config{Latency: 1e8})
		begun := time.Now()
		var mu sync.Mutex
		refused := make([]int, 11) // by minute
		res, err := w.twisted(func(_ int, r *http.Request) *http.Response {
			at := time.Since(begun)
			if at < 2*time.Second || at >= 10*time.Minute {
				return nil
			}
			mu.Lock()
			refused[int(at.Minutes())]++
			mu.Unlock()
			return throttled("Retry-After", "30")(r)
		})
		if err != nil {
			t.Fatal(err)
		}
		wantMade(t, res, calls, 0)
		t.Logf("refused by minute: %v; took %v", refused, res.Took)
		if refused[0] > 2*64 { // those in flight, and what left before a burst could be told
			t.Errorf("%d requests into the first minute of the storm", refused[0])
		}
		for m, n := range refused[1:10] {
			if n > 2 {
				t.Errorf("%d requests in minute %d", n, m+1)
			}
		}
		if res.Took > 13*time.Minute {
			t.Errorf("took %v", res.Took)
		}
	})
}

// 503 to three of ten requests costs those requests' time: the rest goes on at 60 % of full speed or more, and no row waits for long.
func TestAdversaryThreeOfTenUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls, most = 6000, 5700
		var bulk [2]time.Duration // until 95 % of the rows were answered
		for i, c := range []fakellm.Config{{Latency: 1e8, Sigma: .3}, {Latency: 1e8, Sigma: .3, Faults: faults(t, "503:rate=0.3")}} {
			w := newStage(t, calls, fill(paraphrases), c)
			o := w.options()
			var n atomic.Int64
			begun := time.Now()
			o.LLM.Answered = func(string, string, llm.Usage) {
				if n.Add(1) == most {
					bulk[i] = time.Since(begun)
				}
			}
			res, err := pipeline.Run(t.Context(), w.load(), o)
			if err != nil {
				t.Fatal(err)
			}
			wantMade(t, res, calls, 0)
			if limit := bulk[i] + 20*time.Second; res.Took > limit {
				t.Errorf("the last rows were answered after %v, nearly all after %v", res.Took, bulk[i])
			}
		}
		if share := float64(bulk[0]) / float64(bulk[1]); share < .6 {
			t.Errorf("%v against %v: %.0f %% of full speed", bulk[1], bulk[0], 100*share)
		}
	})
}

const twoModels = `
sluice: 1
dataset: out
state: state
batch: 4
tolerate: 0.5
models:
  alive: {endpoint: "http://127.0.0.1:9/v1", model: alive, key_env: SLUICE_TEST_KEY, patience: 2m}
  dead:  {endpoint: "http://127.0.0.1:8/v1", model: dead, key_env: SLUICE_TEST_KEY, patience: 2m}
source: {path: seeds.jsonl}
stages:
  - generators/paraphrase: {model: alive, samples: 1, workers: 8}
  - generators/paraphrase: {model: dead, samples: 1, workers: 8}
sink: {jsonl: {}}
`

// Where one of two models is dead the other's answers go on being asked for and kept; the run ends resumably, names the dead
// one, and nothing is paid twice.
func TestAdversaryOneOfTwoModelsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 60, twoModels, fakellm.Config{Latency: 1e8})
		dead := true
		o := w.options()
		healthy := o.Transport
		o.Transport = watched(func(r *http.Request) (*http.Response, error) {
			if dead && strings.HasSuffix(r.URL.Host, ":8") {
				r.Body.Close()
				return nil, io.ErrUnexpectedEOF
			}
			return healthy.RoundTrip(r)
		})
		_, err := pipeline.Run(t.Context(), w.load(), o)
		if code, _ := verdict(err); !errors.Is(err, llm.ErrUnavailable) || code != exitUnavailable || !strings.Contains(err.Error(), ":8/v1") {
			t.Fatalf("exit %d: %v", code, err)
		}
		if paid := w.server.Stats().Paid; paid != 60 {
			t.Errorf("%d answers of the model that lives, want all 60", paid)
		}
		dead = false
		o.Halt = pipeline.NewHalt()
		res, err := pipeline.Run(t.Context(), w.load(), o)
		if err != nil {
			t.Fatal(err)
		}
		if s := w.server.Stats(); s.Paid != 120 || s.PaidRepeats != 0 {
			t.Errorf("%d answers paid, %d of them again", s.Paid, s.PaidRepeats)
		}
		if c := stage(t, res, "generators/paraphrase#2"); c.Made != 60 {
			t.Errorf("made %d", c.Made)
		}
	})
}

// The provider's clock is a day ahead or behind: its dates are measured by its own clock.
func TestAdversaryOtherClock(t *testing.T) {
	for _, ahead := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 30, fill(paraphrases, "WORKERS", "4"), fakellm.Config{})
			res, err := w.twisted(func(n int, r *http.Request) *http.Response {
				if n != 3 {
					return nil
				}
				now := time.Now().Add(ahead).UTC()
				return replies(r, 429, map[string]string{"Date": now.Format(http.TimeFormat),
					"Retry-After": now.Add(20 * time.Second).Format(http.TimeFormat)}, `{"error":{"message":"slow down"}}`)
			})
			if err != nil {
				t.Fatal(err)
			}
			wantMade(t, res, 30, 0)
			if res.Took < 20*time.Second || res.Took > 30*time.Second {
				t.Errorf("clock %v off: took %v", ahead, res.Took)
			}
		})
	}
}
