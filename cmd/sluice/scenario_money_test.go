package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/llm"
)

const pricedModel = "price: {input: 0.0375, output: 0.15}, max_tokens: 200"

// billed is what the provider would charge, in pico-units of the currency.
func billed(s fakellm.Stats) int64 { return 37_500*s.PromptTokens + 150_000*s.CompletionTokens }

// A cap in money holds whatever is in flight; a higher one goes on from there without paying anything twice.
func TestScenarioMoneyCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 400, fill(paraphrases, "MODEL", pricedModel, "BUDGET", "budget: {usd: 0.003}", "WORKERS", "64"), fakellm.Config{Latency: 1e8, Sigma: 1})
		_, err := w.run()
		if code, _ := verdict(err); !errors.Is(err, llm.ErrBudget) || code != exitBudget {
			t.Fatalf("exit %d: %v", code, err)
		}
		if spent := billed(w.server.Stats()); spent > 3_000_000_000 || spent < 2_900_000_000 {
			t.Errorf("billed %d pico-dollars of 3,000,000,000", spent)
		}
		w.recipe = fill(paraphrases, "MODEL", pricedModel, "BUDGET", "budget: {usd: 1}")
		wantMade(t, w.mustRun(), 400, 0)
		if s := w.server.Stats(); s.PaidRepeats > 0 || s.Paid != 400 {
			t.Errorf("%d answers paid, %d of them again", s.Paid, s.PaidRepeats)
		}
	})
}

// Overspend is zero over random prices, caps, latencies and faults, and the books say no less than the bill.
func TestScenarioMoneyCapAtRandom(t *testing.T) {
	runs := 40
	if testing.Short() {
		runs = 8
	}
	rng := rand.New(rand.NewPCG(11, 12))
	for i := range runs {
		limit := int64(1+rng.IntN(40)) * 100_000_000 // pico-dollars: 0.0001 to 0.004
		c := fakellm.Config{Seed: rng.Uint64(), Latency: 1e8, Sigma: 2 * rng.Float64()}
		for _, f := range []string{"429:rate=0.2", "500:rate=0.1", "no_usage:rate=0.3", "wrong_usage:rate=0.3", "truncate:rate=0.2", "think:rate=0.3"} {
			if rng.IntN(2) == 0 {
				c.Faults = append(c.Faults, faults(t, f)...)
			}
		}
		recipe := fill(paraphrases, "MODEL", pricedModel, "BUDGET", fmt.Sprintf("budget: {usd: 0.%04d}", limit/100_000_000), "WORKERS", fmt.Sprint(1+rng.IntN(64)))
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 60, recipe, c)
			res, err := w.run()
			if err != nil && !errors.Is(err, llm.ErrBudget) {
				t.Fatalf("run %d: %v", i, err)
			}
			spent := billed(w.server.Stats())
			if spent > limit {
				t.Errorf("run %d: billed %d of %d", i, spent, limit)
			}
			if int64(res.Models.Spent) < spent {
				t.Errorf("run %d: the books say %d, the bill %d", i, res.Models.Spent, spent)
			}
		})
	}
}

// Usage that is missing or too low is counted by us, never undercounted, and marked.
func TestScenarioUsage(t *testing.T) {
	for _, fault := range []string{"no_usage:rate=1", "wrong_usage:rate=1"} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 50, fill(paraphrases, "MODEL", pricedModel), fakellm.Config{Faults: faults(t, fault)})
			res := w.mustRun()
			s := w.server.Stats()
			if got := int64(res.Models.Spent); got < billed(s) || got > 3*billed(s) {
				t.Errorf("%s: booked %d, billed %d", fault, got, billed(s))
			}
			if res.Models.Sum.Estimated != 50 {
				t.Errorf("%s: %d of 50 answers marked as estimated", fault, res.Models.Sum.Estimated)
			}
		})
	}
}

// A second run at the same time is refused before it asks anything.
func TestScenarioSecondRunIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 50, fill(paraphrases), fakellm.Config{Latency: 1e8})
		o := w.options()
		var second error
		o.Events.RunStarted = func(pipeline.RunInfo) {
			before := w.server.Stats().Requests
			_, second = w.run()
			if w.server.Stats().Requests != before {
				t.Error("the second run asked something")
			}
		}
		if _, err := pipeline.Run(t.Context(), w.load(), o); err != nil {
			t.Fatal(err)
		}
		if code, _ := verdict(second); code != exitLocked {
			t.Errorf("exit %d: %v", code, second)
		}
		w.wantRequests(50)
	})
}
