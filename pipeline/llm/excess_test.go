package llm

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A provider that does not keep to max_tokens is booked in full and found out once; later requests reserve what it has shown to take, in this run
// and in the next, so that the cap is passed by no more than what was in flight at first.
func TestExcess(t *testing.T) {
	for name, told := range map[string]bool{"usage told": true, "usage missing": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const words, workers = 1000, 4
				var paid atomic.Int64
				f := newFake()
				f.answer = func(int, map[string]any) response {
					paid.Add(words)
					text := strings.Repeat("word ", words)
					if told {
						return response{status: 200, body: chatBody(text, "stop", 12, words)}
					}
					return response{status: 200, body: strings.Replace(chatBody(text, "stop", 0, 0), `"usage"`, `"unused"`, 1)}
				}
				s := testSpec() // 64 tokens an answer
				budget := Money(20_000) * Money(*s.Price.Output)
				said := 0
				o := Options{Ledger: newTestLedger(t), Budget: &Budget{USD: &budget}}
				o.Events.Exceeded = func(_, what string) {
					if said++; !strings.Contains(what, "where max_tokens allowed 64") {
						t.Error(what)
					}
				}
				ms := open(t, s, f, o)
				m := theModel(t, ms)
				var wg sync.WaitGroup
				var next atomic.Int64
				for range workers {
					wg.Go(func() {
						for {
							_, err := m.Ask(t.Context(), say(int(next.Add(1))))
							if errors.Is(err, ErrBudget) {
								if !strings.Contains(err.Error(), "where max_tokens allowed 64") {
									t.Error(err)
								}
								return
							}
							if err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				truth := Money(paid.Load()) * Money(*s.Price.Output)
				st := ms.Status()
				if st.Spent < truth || said != 1 || st.Reserved != 0 {
					t.Errorf("booked %v, charged %v, said %d times, reserved %v", st.Spent, truth, said, st.Reserved)
				}
				if over := Money((workers-1)*words) * Money(*s.Price.Output); truth > budget+over {
					t.Errorf("charged %v of %v", truth, budget)
				}
				o.Pinned, _ = ms.Pinned()
				sent := len(f.sent)
				more := st.Spent + 900*Money(*s.Price.Output) // less than one such answer
				o.Budget = &Budget{USD: &more}
				if _, err := theModel(t, open(t, s, f, o)).Ask(t.Context(), say(-1)); !errors.Is(err, ErrBudget) || len(f.sent) != sent {
					t.Errorf("the next run has forgotten: %d requests, %v", len(f.sent)-sent, err)
				}
			})
		})
	}
}
