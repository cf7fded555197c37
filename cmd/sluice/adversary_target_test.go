package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/llm"
)

const aimedRecipe = `
sluice: 1
dataset: out
state: state
seed: 5
batch: 16
tolerate: 1
models:
  writer: {endpoint: "http://127.0.0.1:9/v1", model: practice, key_env: SLUICE_TEST_KEY, MODEL}
BUDGET
source: {path: seeds.jsonl}
stages:
  - generators/paraphrase: {model: writer, samples: 2, workers: 64}
  - filters/length: {min: 10}
  - dedup/exact: {}
sink: {jsonl: {rows: 400}}
target: {TARGET}
`

func aimed(target string, pairs ...string) string {
	return fill(strings.Replace(aimedRecipe, "TARGET", target, 1), pairs...)
}

// repeats is a server that gives the same text to a share of requests.
func repeats(t *testing.T, share string) fakellm.Config {
	return fakellm.Config{Latency: 1e8, Sigma: .5, Faults: faults(t, "duplicate:heal=false,rate="+share)}
}

// accepted counts the made rows that are stored, by label.
func accepted(res *pipeline.Result) (sum int64, by map[string]int64) {
	by = map[string]int64{}
	for _, s := range res.Manifest.Segments {
		for l, n := range s.Made {
			by[l] += n
			sum += n
		}
	}
	return sum, by
}

// Of five candidates three are duplicates, and still exactly so many rows are accepted as were asked for.
func TestAdversaryTargetThroughDuplicates(t *testing.T) {
	want, seeds := int64(500), 400 // a few visits each: the practice server says the same again when asked the same
	if long() {
		want, seeds = 5000, 4000
	}
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, seeds, aimed(fmt.Sprintf("accepted: %d, max_duplicates: 0.9, per_label: balanced", want)), repeats(t, "0.6"))
		res := w.mustRun()
		got, by := accepted(res)
		if got != want {
			t.Errorf("%d rows accepted, want %d", got, want)
		}
		for l, n := range by {
			if n < want/3 || n > want/3+1 {
				t.Errorf("label %s: %d rows of %d", l, n, want)
			}
		}
		d := stage(t, res, "dedup/exact")
		if share := float64(d.Dropped["duplicate"]) / float64(stage(t, res, "generators/paraphrase").Made); share < .5 {
			t.Errorf("only %.0f %% were duplicates", 100*share)
		}
		asked := w.server.Stats().Requests
		w.mustRun()
		w.wantRequests(asked)
	})
}

// Counts per label are met to the row; a label that no seed has ends the run with its name, and the others are met.
func TestAdversaryTargetPerLabel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 60, aimed("per_label: {a: 90, b: 7, c: 33}"), fakellm.Config{Latency: 1e8})
		if _, by := accepted(w.mustRun()); by["a"] != 90 || by["b"] != 7 || by["c"] != 33 {
			t.Errorf("accepted %v", by)
		}
		w = newStage(t, 60, aimed("per_label: {a: 30, nowhere: 10}"), fakellm.Config{Latency: 1e8})
		res, err := w.run()
		if code, _ := verdict(err); code != exitUnmet || !strings.Contains(err.Error(), "nowhere") {
			t.Fatalf("exit %d: %v", code, err)
		}
		if _, by := accepted(res); by["a"] != 30 {
			t.Errorf("accepted %v", by)
		}
		asked := w.server.Stats().Requests
		if _, again := w.run(); again == nil || again.Error() != err.Error() {
			t.Errorf("the second run says %v", again)
		}
		w.wantRequests(asked)
	})
}

// Stopped softly after any number of answers, and again, a run with a target ends in the bytes of an undisturbed one.
func TestAdversaryTargetStopsAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recipe := aimed("accepted: 300, max_duplicates: 0.9, per_label: balanced")
		clean := newStage(t, 150, recipe, repeats(t, "0.3"))
		clean.mustRun()
		want := clean.files()
		stride := 127
		if long() {
			stride = 7
		}
		for after := 1; after < 460; after += stride {
			w := newStage(t, 150, recipe, repeats(t, "0.3"))
			for stops := 0; ; stops++ {
				if stops == 200 {
					t.Fatalf("stopped after %d answers each time: no end", after)
				}
				o := w.options()
				n := after
				o.LLM.Answered = func(string, string, llm.Usage) {
					if n--; n <= 0 {
						o.Halt.Stop(pipeline.ErrInterrupted)
					}
				}
				_, err := pipeline.Run(t.Context(), w.load(), o)
				if err == nil {
					break
				}
				if !errors.Is(err, pipeline.ErrInterrupted) {
					t.Fatal(err)
				}
			}
			wantSame(t, fmt.Sprintf("stopped after every %d answers", after), w.files(), want)
			if paid, once := w.server.Stats().Paid, clean.server.Stats().Paid; paid != once {
				t.Errorf("stopped after every %d answers: %d paid, %d by an undisturbed run", after, paid, once)
			}
			if t.Failed() {
				return
			}
		}
	})
}

// A budget that ends before the target does, raised step by step: the bytes of a run with money enough, and the cap holds at each step.
func TestAdversaryTargetOnABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clean := newStage(t, 150, aimed("accepted: 200", "MODEL", pricedModel), repeats(t, "0.3"))
		clean.mustRun()
		want := clean.files()
		w := newStage(t, 150, "", repeats(t, "0.3"))
		stops := 0
		for milli := 1; ; milli++ {
			w.recipe = aimed("accepted: 200", "MODEL", pricedModel, "BUDGET", fmt.Sprintf("budget: {usd: 0.%04d}", 5*milli))
			_, err := w.run()
			if spent := billed(w.server.Stats()); spent > int64(milli)*500_000_000 {
				t.Errorf("billed %d of %d", spent, int64(milli)*500_000_000)
			}
			if err == nil {
				break
			}
			if code, _ := verdict(err); code != exitBudget {
				t.Fatalf("exit %d: %v", code, err)
			}
			if stops++; stops > 100 {
				t.Fatal("no end")
			}
		}
		if stops < 2 {
			t.Errorf("the budget ended only %d runs", stops)
		}
		wantSame(t, fmt.Sprintf("after %d budgets", stops), w.files(), want)
		if paid, once := w.server.Stats().Paid, clean.server.Stats().Paid; paid != once {
			t.Errorf("%d answers paid, %d by an undisturbed run", paid, once)
		}
	})
}

// A model that says the same thing again and again ends the run by its stop rule, bounded in what it costs; more money or a greater
// share of duplicates goes on from there.
func TestAdversaryTargetNothingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 60, aimed("accepted: 5000"), repeats(t, "0.95"))
		res, err := w.run()
		unmet, ok := errors.AsType[*pipeline.UnmetError](err)
		if !ok || !strings.Contains(unmet.Rule, "duplicates") {
			t.Fatalf("ended with %v", err)
		}
		if n := w.server.Stats().Requests; n > 5000 {
			t.Errorf("%d requests for nothing", n)
		}
		first, _ := accepted(res)
		w.recipe = aimed("accepted: 5000, max_duplicates: 1, min_yield: 0, max_candidates: 6000")
		res, err = w.run()
		if unmet, ok = errors.AsType[*pipeline.UnmetError](err); !ok || !strings.Contains(unmet.Rule, "max_candidates") {
			t.Fatalf("ended with %v", err)
		}
		if made := stage(t, res, "generators/paraphrase").Made; made > 6000 {
			t.Errorf("%d candidates", made)
		}
		if more, _ := accepted(res); more <= first {
			t.Errorf("%d rows accepted, then %d", first, more)
		}
	})
}
