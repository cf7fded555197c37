package main

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/llm"
)

// A finished run started again asks nothing; ten new rows ask for themselves alone.
func TestScenarioAgainAndAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 100, fill(paraphrases, "CALLS", "2"), fakellm.Config{})
		w.mustRun()
		w.wantRequests(200)
		w.mustRun()
		w.wantRequests(200)
		w.seeds(100, 110)
		res := w.mustRun()
		w.wantRequests(220)
		wantMade(t, res, 220, 0)
	})
}

// A threshold, a parser or a later stage that changes gives a new result from the answers that are paid for.
func TestScenarioEditsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 100, fill(paraphrases, "CALLS", "2"), fakellm.Config{})
		first := w.mustRun()
		for name, recipe := range map[string]string{
			"threshold":   fill(paraphrases, "CALLS", "2", "MIN", "90"),
			"later stage": fill(strings.Replace(paraphrases, "  - dedup/exact: {}", "  - filters/expr: {keep: 'chars % 2 == 0'}", 1), "CALLS", "2"),
			"fewer":       fill(paraphrases, "CALLS", "1"),
			"workers":     fill(paraphrases, "CALLS", "2", "WORKERS", "3"),
		} {
			w.recipe = recipe
			res, err := w.runNew()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			w.wantRequests(200)
			if name == "threshold" && res.Manifest.Counts()[2].Out >= first.Manifest.Counts()[2].Out {
				t.Errorf("a higher threshold dropped nothing: %+v", res.Manifest.Counts()[2])
			}
		}
		w.recipe = fill(paraphrases, "CALLS", "3")
		if _, err := w.runNew(); err != nil {
			t.Fatal(err)
		}
		w.wantRequests(300)
	})
}

// Ctrl-C while requests are under way: none of their answers is asked for again.
func TestScenarioSoftStopKeepsWhatIsPaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 300, fill(paraphrases), fakellm.Config{Latency: 1e9, Sigma: .5})
		o := w.options()
		var n atomic.Int64
		o.LLM.Answered = func(string, string, llm.Usage) {
			if n.Add(1) == 100 {
				o.Halt.Stop(pipeline.ErrInterrupted)
			}
		}
		if _, err := pipeline.Run(t.Context(), w.load(), o); !errors.Is(err, pipeline.ErrInterrupted) {
			t.Fatalf("ended with %v", err)
		}
		stopped := w.server.Stats()
		if stopped.Requests > 100+64 {
			t.Errorf("%d requests before the stop took hold", stopped.Requests)
		}
		wantMade(t, w.mustRun(), 300, 0)
		w.wantRequests(300)
	})
}

// One row that takes 20 s keeps nobody else waiting.
func TestScenarioOneSlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 300, fill(paraphrases, "WORKERS", "16"), fakellm.Config{
			Latency: 1e8, Faults: faults(t, "slow:after_requests=30,count=1")})
		res := w.mustRun()
		wantMade(t, res, 300, 0)
		if res.Took.Seconds() > 21.5 {
			t.Errorf("took %v", res.Took)
		}
	})
}

// The number of workers and the latencies change no byte.
func TestScenarioWorkersChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var want map[string]string
		for i, n := range []string{"1", "2", "64"} {
			c := fakellm.Config{Latency: 1e8, Sigma: 1, Faults: faults(t, "truncate_hard:rate=0.05,heal=false", "fence:rate=0.1", "refusal:rate=0.05,heal=false")}
			w := newStage(t, 120, fill(paraphrases, "WORKERS", n, "CALLS", "2"), c)
			w.mustRun()
			got := w.files()
			if i == 0 {
				want = got
			}
			for name := range want {
				if got[name] != want[name] {
					t.Errorf("%s workers: %s differs", n, name)
				}
			}
		}
	})
}
