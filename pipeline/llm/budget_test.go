package llm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/pipeline/state"
	"sluice/schemas"
)

// TestCapHolds: in 1,000 random runs (prices, caps, prompts, workers, faults, usage told or not, n choices) what the provider charges in truth never
// passes the cap, the books never say less than the truth, and the cap is used up to the worst case of one request.
func TestCapHolds(t *testing.T) {
	runs := 1000
	if testing.Short() {
		runs = 50
	}
	reached := 0
	for seed := range runs {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 7))
			price := &Price{Input: rate(fmt.Sprintf("0.%04d", rng.IntN(9999))), Output: rate(fmt.Sprintf("%d.0375", rng.IntN(4)))}
			f := newFake()
			f.latency = lognormal(1)
			var truth atomic.Int64 // pico-units charged
			faults, usage, n := rng.Float64()*0.3, rng.IntN(3), 1+rng.IntN(3)
			dice := rand.New(rand.NewPCG(uint64(seed), 8))
			f.answer = func(_ int, body map[string]any) response {
				limit := int64(body["max_tokens"].(float64))
				content := body["messages"].([]any)[0].(map[string]any)["content"].(string)
				prompt := int64(len(content))/4 + 5
				choices := []string{}
				completion := int64(0)
				for range n {
					words := 1 + dice.Int64N(limit)
					choices = append(choices, fmt.Sprintf(`{"index":%d,"finish_reason":"stop","message":{"content":%q}}`, len(choices), strings.Repeat("word ", int(words))))
					completion += words
				}
				charged := prompt*int64(*price.Input) + completion*int64(*price.Output)
				told := fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"completion_tokens":%d}`, prompt, completion)
				if usage == 1 {
					told = ""
				} else if usage == 2 {
					told = fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"completion_tokens":%d}`, prompt/5, completion/int64(2*n)/2)
				}
				r := response{status: 200, body: `{"model":"x","choices":[` + strings.Join(choices, ",") + `]` + told + `}`}
				switch d := dice.Float64(); {
				case d < faults/3:
					return *tooMany("1")
				case d < 2*faults/3:
					return response{status: 500, body: `{"error":"oops"}`}
				case d < faults:
					r.cut = true
				}
				truth.Add(charged)
				return r
			}
			s := testSpec()
			s.Price, s.MaxTokens = price, 20+rng.IntN(100)
			s.Timeout = time.Hour
			budget := Money(1+rng.Int64N(200)) * Unit / 40000
			ms := open(t, s, f, Options{Ledger: newTestLedger(t), Budget: &Budget{USD: &budget}})
			m := theModel(t, ms)
			stop := make(chan struct{})
			var once sync.Once
			var wg sync.WaitGroup
			var next atomic.Int64
			for range 1 + rng.IntN(24) {
				wg.Go(func() {
					for {
						i := next.Add(1)
						select {
						case <-stop:
							return
						default:
						}
						if i > 80 {
							return
						}
						q := Request{Messages: []Message{{Role: "user", Content: strings.Repeat("x y ", int(i%50)) + fmt.Sprint(i)}}, N: n}
						if _, err := m.Ask(t.Context(), q); errors.Is(err, ErrBudget) {
							once.Do(func() { close(stop) })
							return
						} else if _, one := errors.AsType[*schemas.Failure](err); err != nil && !one {
							t.Errorf("run %d: %v", seed, err)
							return
						}
					}
				})
			}
			wg.Wait()
			if c := Money(truth.Load()); c > budget {
				t.Errorf("run %d: charged %v of %v", seed, c, budget)
			}
			st := ms.Status()
			if st.Spent > budget || st.Spent < Money(truth.Load()) || st.Reserved != 0 {
				t.Errorf("run %d: booked %v, charged %v, cap %v, reserved %v", seed, st.Spent, Money(truth.Load()), budget, st.Reserved)
			}
			if Money(st.Sum.Cost) != st.Spent {
				t.Errorf("run %d: stages sum to %v, the account to %v", seed, Money(st.Sum.Cost), st.Spent)
			}
			select {
			case <-stop:
				reached++
			default:
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d runs, %d reached their cap", runs, reached)
	if reached < runs/4 {
		t.Errorf("only %d of %d runs reached their cap: the test proves little", reached, runs)
	}
}

// TestWaitsForSettling: a cap that only reservations fill makes requests wait, not stop: 10 requests whose worst case is dear but whose
// answers are cheap all get through, one after the other.
func TestWaitsForSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := testSpec()
		s.MaxTokens = 1000 // worst 0.002 and a bit; real 0.000018
		ms := open(t, s, f, Options{Budget: &Budget{USD: amountOf("0.0025")}})
		if errs := many(theModel(t, ms), 10, 10); len(errs) > 0 {
			t.Fatal(errs[0])
		}
		if f.peak != 1 {
			t.Errorf("%d at once under a cap for one", f.peak)
		}
	})
}

// TestCumulative: the cap is that of the dataset over all runs, requests of killed runs at their worst included; per: run begins anew.
func TestCumulative(t *testing.T) {
	store := state.NewMemory()
	synctest.Test(t, func(t *testing.T) {
		l, err := state.NewLedger(store)
		if err != nil {
			t.Fatal(err)
		}
		ms := open(t, testSpec(), newFake(), Options{Ledger: l})
		if errs := many(theModel(t, ms), 5, 2); len(errs) > 0 {
			t.Fatal(errs[0])
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel() // a hard stop while a request is under way
		if _, err := theModel(t, ms).Ask(ctx, say(99)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
	l, err := state.NewLedger(store.Clone())
	if err != nil {
		t.Fatal(err)
	}
	paid := 5 * (12*Money(*rate("1")) + 3*Money(*rate("2")))
	ms := open(t, testSpec(), newFake(), Options{Ledger: l, Budget: &Budget{USD: amountOf("1")}})
	k := ms.Killed()
	if k.Requests != 1 || k.Worst <= 64*Money(*rate("2")) {
		t.Errorf("killed %+v", k)
	}
	if got := ms.Status().Spent; got != paid+k.Worst {
		t.Errorf("counts %v under the cap, want %v and %v of the killed run", got, paid, k.Worst)
	}
	if got := open(t, testSpec(), newFake(), Options{Ledger: l, Budget: &Budget{USD: amountOf("1"), Per: "run"}}).Status().Spent; got != 0 {
		t.Errorf("a budget per run begins with %v", got)
	}
}

func TestTokenCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ms := open(t, testSpec(), f, Options{Budget: &Budget{Tokens: 1000}})
		errs := many(theModel(t, ms), 200, 8)
		if len(errs) == 0 || !errors.Is(errs[0], ErrBudget) || !strings.Contains(errs[0].Error(), "of 1000 tokens") {
			t.Fatalf("%v", errs)
		}
		if used := ms.Status().Sum.Tokens(); used > 1000 || used < 800 {
			t.Errorf("%d tokens used of 1000", used)
		}
	})
}

func TestBudgetCheck(t *testing.T) {
	free, eur := testSpec(), testSpec()
	free.Price = nil
	eur.Price = &Price{Input: rate("1"), Output: rate("1"), Currency: "eur"}
	for _, c := range []struct {
		budget Budget
		specs  map[string]Spec
		want   string
	}{
		{Budget{USD: amountOf("5")}, map[string]Spec{"m": testSpec()}, ""},
		{Budget{USD: amountOf("5")}, map[string]Spec{"m": free}, "price of model m is unknown"},
		{Budget{Tokens: 5}, map[string]Spec{"m": free}, ""},
		{Budget{USD: amountOf("5")}, map[string]Spec{"m": {Provider: Echo}}, ""},
		{Budget{USD: amountOf("5")}, map[string]Spec{"m": eur}, "priced in EUR"},
		{Budget{Amount: amountOf("5")}, map[string]Spec{"m": eur}, ""},
		{Budget{Amount: amountOf("5")}, map[string]Spec{"a": testSpec(), "m": eur}, "one cap cannot hold both"},
		{Budget{USD: amountOf("5"), Amount: amountOf("5")}, nil, "give one"},
		{Budget{Per: "week"}, nil, `"week" is not one of`},
	} {
		err := c.budget.Check(c.specs)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.budget, err, c.want)
		}
	}
}
