package llm

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/schemas"
)

// TestEndings: what time does not cure ends the run at once, the rest within patience, with the true cause.
func TestEndings(t *testing.T) {
	for name, c := range map[string]struct {
		r      response
		is     error
		says   string
		within time.Duration
		most   int // requests
	}{
		"quota":        {response{status: 429, body: `{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}`}, ErrUnavailable, "quota is used up", time.Second, 16},
		"no credit":    {response{status: 402, body: `{"error":{"message":"Insufficient credits"}}`}, ErrUnavailable, "402", time.Second, 16},
		"key":          {response{status: 401, body: `{"error":{"message":"bad key"}}`}, ErrAuth, "bad key", time.Second, 16},
		"forbidden":    {response{status: 403, body: `{}`}, ErrAuth, "403", time.Second, 16},
		"model":        {response{status: 404, body: `{"error":{"message":"The model 'fake' does not exist","code":"model_not_found"}}`}, ErrUnknownModel, "does not exist", time.Second, 16},
		"same 400":     {response{status: 400, body: `{"error":{"message":"temperature must be 1"}}`}, ErrBadRequest, "temperature must be 1", time.Second, 24},
		"only 500s":    {response{status: 500, body: `{"error":{"message":"cuda died"}}`}, ErrUnavailable, "500 server: cuda died", 16 * time.Minute, 80},
		"only 429s":    {*tooMany("1"), ErrUnavailable, "429 rate", 16 * time.Minute, 100},
		"dead":         {response{err: errors.New("no route to host")}, ErrUnavailable, "no route to host", 16 * time.Minute, 80},
		"html for all": {response{status: 200, body: "<html>log in</html>"}, ErrUnavailable, "HTML instead of an answer", 16 * time.Minute, 80},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.latency = lognormal(0)
				f.answer = func(int, map[string]any) response { return c.r }
				ms := open(t, testSpec(), f, Options{Ledger: newTestLedger(t), Budget: &Budget{USD: amountOf("1")}})
				m := theModel(t, ms)
				start := time.Now()
				var ended error
				var mu sync.Mutex
				var wg sync.WaitGroup
				for i := range 16 {
					wg.Go(func() {
						for j := 0; ; j++ {
							_, err := m.Ask(context.Background(), say(100*i+j))
							if _, one := errors.AsType[*schemas.Failure](err); one {
								continue
							}
							mu.Lock()
							ended = err
							mu.Unlock()
							return
						}
					})
				}
				wg.Wait()
				d := time.Since(start)
				t.Logf("after %v and %d requests: %v", d, len(f.sent), ended)
				if !errors.Is(ended, c.is) || !strings.Contains(ended.Error(), c.says) {
					t.Errorf("%v, want %v with %q", ended, c.is, c.says)
				}
				if d > c.within || len(f.sent) > c.most {
					t.Errorf("%v and %d requests", d, len(f.sent))
				}
				if st := ms.Status(); st.InFlight != 0 || st.Waiting != 0 || st.Reserved != 0 {
					t.Errorf("left behind: %+v", st)
				}
			})
		})
	}
}

// TestOutage: the server is dead for 30 seconds. The run pauses, says so, and goes on; no record is lost.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		begin := time.Now()
		f.answer = func(int, map[string]any) response {
			if d := time.Since(begin); d > 2*time.Second && d < 32*time.Second {
				return response{status: 503, body: `{"error":"restarting"}`}
			}
			return chat("fine")
		}
		var paused, resumed []Pause
		var during Status
		ms := open(t, testSpec(), f, Options{Events: Events{
			Paused: func(p Pause) { paused = append(paused, p) }, Resumed: func(p Pause) { resumed = append(resumed, p) },
		}})
		go func() {
			time.Sleep(20 * time.Second)
			during = ms.Status()
		}()
		errs := many(theModel(t, ms), 3000, 32)
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		took := time.Since(begin)
		t.Logf("3000 requests in %v with an outage of 30 s; %d refused", took, len(f.sent)-3000)
		if took > 48*time.Second || len(f.sent) > 3080 {
			t.Errorf("took %v, %d requests", took, len(f.sent))
		}
		if len(paused) != 1 || len(resumed) != 1 || len(during.Paused) != 1 {
			t.Fatalf("paused %v, resumed %v, status %v", paused, resumed, during.Paused)
		}
		if s := during.Paused[0].String(); s != "paused: http://fake.test/v1 503 for 18s, 14m42s left" {
			t.Errorf("%s", s)
		}
	})
}

// TestPoison: one prompt that the server never survives costs its own record.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.answer = func(_ int, b map[string]any) response {
			if b["messages"].([]any)[0].(map[string]any)["content"] == "request 7" {
				return response{status: 500, body: `{"error":"segmentation fault"}`}
			}
			return chat("fine")
		}
		errs := many(theModel(t, open(t, testSpec(), f, Options{})), 500, 4)
		if len(errs) != 1 {
			t.Fatalf("%v", errs)
		}
		if fail, ok := errors.AsType[*schemas.Failure](errs[0]); !ok || fail.Reason != "unanswered" || len(f.sent) != 499+poisonTries {
			t.Errorf("%v after %d requests", errs[0], len(f.sent))
		}
	})
}

// TestSlowOne: nothing waits for an answer that takes 20 seconds.
func TestSlowOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.answer = func(n int, _ map[string]any) response {
			r := chat("fine")
			if n == 5 {
				r.after = 20 * time.Second
			}
			return r
		}
		m := theModel(t, open(t, testSpec(), f, Options{}))
		start := time.Now()
		many(m, 300, 8)
		if d := time.Since(start); d > 21*time.Second {
			t.Errorf("took %v", d)
		}
		if last := f.sent[299].Sub(start); last > 5*time.Second {
			t.Errorf("the last request left after %v", last)
		}
	})
}

// TestSoftStop: what waits returns at once (for the limiter, a retry, the breaker, the budget); what was sent is finished and stored.
func TestSoftStop(t *testing.T) {
	for name, c := range map[string]struct {
		spec   func(*Spec)
		answer func(int) response
		budget *Budget
	}{
		"limiter": {spec: func(s *Spec) { s.PerMinute.Requests = 60 }},
		"retry":   {answer: func(int) response { return *tooMany("600") }},
		"breaker": {answer: func(int) response { return response{status: 500} }},
		"budget":  {budget: &Budget{Tokens: 400}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.latency = func(*rand.Rand) time.Duration { return 3 * time.Second }
				if c.answer != nil {
					f.answer = func(n int, _ map[string]any) response { return c.answer(n) }
				}
				s := testSpec()
				if c.spec != nil {
					c.spec(&s)
				}
				stop := make(chan struct{})
				l := newTestLedger(t)
				ms := open(t, s, f, Options{Ledger: l, Budget: c.budget, Stop: stop})
				time.AfterFunc(10*time.Second+500*time.Millisecond, func() { close(stop) })
				start := time.Now()
				errs := many(theModel(t, ms), 64, 64)
				if d := time.Since(start); d < 10*time.Second || d > 14*time.Second {
					t.Errorf("took %v", d)
				}
				stopped := 0
				for _, err := range errs {
					if errors.Is(err, ErrStopping) {
						stopped++
					} else if !errors.Is(err, ErrBudget) {
						t.Error(err)
					}
				}
				left, err := l.Intents("")
				if err != nil || len(left) != 0 {
					t.Errorf("%d intents left: %v", len(left), err)
				}
				ok, all := f.count(200, 0, forever)
				if got := ms.Status().Sum.Requests; got != int64(ok) || 64-len(errs) != ok || name != "budget" && stopped == 0 {
					t.Errorf("%d answers came, %d booked, %d records, %d stopped, %d sent", ok, got, 64-len(errs), stopped, all)
				}
				if _, err := theModel(t, ms).Ask(t.Context(), say(1000)); !errors.Is(err, ErrStopping) {
					t.Errorf("after the stop: %v", err)
				}
			})
		})
	}
}
