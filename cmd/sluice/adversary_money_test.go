package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/pipeline/state"
)

// A cap per run begins anew with each run; one per dataset does not, whatever the state folder's other datasets have spent.
func TestAdversaryBudgetPerRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 400, fill(paraphrases, "MODEL", pricedModel, "BUDGET", "budget: {usd: 0.003, per: run}"), fakellm.Config{Latency: 1e8})
		var spent, before int64
		runs := 0
		for {
			runs++
			_, err := w.run()
			spent = billed(w.server.Stats())
			if spent-before > 3_000_000_000 {
				t.Errorf("run %d: billed %d", runs, spent-before)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, llm.ErrBudget) || spent == before || runs > 20 {
				t.Fatalf("run %d, %d billed: %v", runs, spent-before, err)
			}
			before = spent
		}
		if runs < 2 || w.server.Stats().PaidRepeats > 0 {
			t.Errorf("%d runs, %d answers paid twice", runs, w.server.Stats().PaidRepeats)
		}
	})
}

// What a killed run had in flight counts once against the cap, at its worst, however often the run is started again.
func TestAdversaryKilledRunsCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 100, fill(paraphrases, "MODEL", pricedModel, "WORKERS", "8"), fakellm.Config{Latency: 1e9})
		var i *ill
		stores := 0
		i = newIll(func(op, _ string) error {
			if op == "store" {
				if stores++; stores == 30 { // with requests in flight
					return i.die(errDied)
				}
			}
			return nil
		})
		if _, err := pipeline.Run(t.Context(), w.load(), i.infect(w.options())); !errors.Is(err, errDied) {
			t.Fatal(err)
		}
		settled := func() (intents, settled int64, cost int64) {
			book, err := state.NewLedger(w.store)
			if err != nil {
				t.Fatal(err)
			}
			info, err := book.Info()
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range info.Spent {
				cost += b.Cost
			}
			return info.Intents, info.Settled, cost
		}
		open, _, _ := settled()
		if open == 0 {
			t.Fatal("nothing was in flight")
		}
		var first int64
		for n := range 4 {
			w.recipe = fill(paraphrases, "MODEL", pricedModel, "WORKERS", "8", "BUDGET", "budget: {usd: 0.0000001}")
			if n == 3 {
				w.recipe = fill(paraphrases, "MODEL", pricedModel, "WORKERS", "8")
				w.mustRun()
			} else if _, err := w.run(); !errors.Is(err, llm.ErrBudget) {
				t.Fatal(err)
			}
			left, done, cost := settled()
			if left != 0 || done != open {
				t.Errorf("run %d: %d intents left, %d of %d settled", n, left, done, open)
			}
			switch {
			case n == 0:
				first = cost
			case n < 3 && cost != first:
				t.Errorf("run %d: %d booked, %d before", n, cost, first)
			case n == 3 && cost < billed(w.server.Stats()):
				t.Errorf("%d booked, %d billed", cost, billed(w.server.Stats()))
			}
		}
		wantMade(t, w.mustRun(), 100, 0)
	})
}

// The cap holds for the dataset, whatever becomes of its store: lost, moved or an older copy, it is told what was spent.
func TestAdversaryCapOutlivesTheStore(t *testing.T) {
	for name, lose := range map[string]func(w *stageWorld, old *state.Memory){
		"lost":         func(w *stageWorld, _ *state.Memory) { w.store = state.NewMemory() },
		"an older one": func(w *stageWorld, old *state.Memory) { w.store = old },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newStage(t, 100, fill(paraphrases, "MODEL", pricedModel, "BUDGET", "budget: {usd: 0.0015}"), fakellm.Config{Latency: 1e9})
				w.seeds(100, 400)
				if _, err := w.run(); !errors.Is(err, llm.ErrBudget) {
					t.Fatal(err)
				}
				for range 2 {
					lose(w, state.NewMemory())
					w.server.Stats()
					before := w.server.Stats().Requests
					told := ""
					o := w.options()
					o.Events.Notice = func(text string) { told += text }
					res, err := pipeline.Run(t.Context(), w.load(), o)
					if code, _ := verdict(err); code != exitBudget || res.Models.Spent < 1_000_000_000 {
						t.Errorf("exit %d, %v spent: %v", code, res.Models.Spent, err)
					}
					if n := w.server.Stats().Requests - before; n > 5 { // what little the cap has left
						t.Errorf("%d more requests", n)
					}
					if !strings.Contains(told, "does not know of") {
						t.Errorf("told %q", told)
					}
				}
				if spent := billed(w.server.Stats()); spent > 1_500_000_000 {
					t.Errorf("billed %d", spent)
				}
			})
		})
	}
}

// A provider that pays no heed to max_tokens passes the cap by what is in flight at most, and the user is told why.
func TestAdversaryNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 400, fill(paraphrases, "MODEL", "price: {input: 0.0375, output: 0.15}, max_tokens: 2", "BUDGET", "budget: {usd: 0.0005}", "WORKERS", "8"),
			fakellm.Config{Latency: 1e8, Faults: []fakellm.Fault{{Kind: "no_limit"}}})
		o := w.options()
		said := 0
		o.LLM.Exceeded = func(string, string) { said++ }
		res, err := pipeline.Run(t.Context(), w.load(), o)
		code, _ := verdict(err)
		if code != exitBudget || !strings.Contains(err.Error(), "where max_tokens allowed 2") || said != 1 {
			t.Errorf("exit %d, said %d times: %v", code, said, err)
		}
		s := w.server.Stats()
		if spent := billed(s); spent > 500_000_000+8*spent/int64(s.Paid) || int64(res.Models.Spent) < spent {
			t.Errorf("billed %d, booked %d", spent, int64(res.Models.Spent))
		}
	})
}

// A cap smaller than any request asks nothing, says what a request may cost, and is resumable.
func TestAdversaryCapBelowOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, budget := range []string{"budget: {usd: 0.0000000001}", "budget: {usd: 0}", "budget: {tokens: 1}"} {
			w := newStage(t, 20, fill(paraphrases, "MODEL", pricedModel, "BUDGET", budget), fakellm.Config{})
			_, err := w.run()
			if code, _ := verdict(err); code != exitBudget {
				t.Errorf("%s: exit %d: %v", budget, code, err)
			}
			w.wantRequests(0)
			w.recipe = fill(paraphrases, "MODEL", pricedModel)
			wantMade(t, w.mustRun(), 20, 0)
		}
	})
}

// A cap in money without a price is found by check, before anything is asked.
func TestAdversaryCapWithoutPrice(t *testing.T) {
	w := newStage(t, 5, fill(paraphrases, "BUDGET", "budget: {usd: 1}"), fakellm.Config{})
	w.put("recipe.yaml", w.recipe)
	_, err := pipeline.Load(w.dir+"/recipe.yaml", pipeline.LoadOptions{Catalogs: catalogs()})
	if code, _ := verdict(err); code != exitRecipe {
		t.Errorf("exit %d: %v", code, err)
	}
}
