package llm

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// window is the server's sliding window: at most n requests in any minute.
func window(n int, retryAfter string) func(time.Time, int) *response {
	var taken []time.Time
	return func(now time.Time, _ int) *response {
		for len(taken) > 0 && now.Sub(taken[0]) >= time.Minute {
			taken = taken[1:]
		}
		if len(taken) >= n {
			return tooMany(retryAfter)
		}
		taken = append(taken, now)
		return nil
	}
}

// calendar allows n requests in each minute of the clock.
func calendar(n int) func(time.Time, int) *response {
	var minute int64
	used := 0
	return func(now time.Time, _ int) *response {
		if m := now.Unix() / 60; m != minute {
			minute, used = m, 0
		}
		if used++; used > n {
			return tooMany("")
		}
		return nil
	}
}

// refill is a server's token bucket.
func refill(perMinute, burst float64) func(time.Time, int) *response {
	level, at := burst, time.Time{}
	return func(now time.Time, _ int) *response {
		if !at.IsZero() {
			level = math.Min(burst, level+now.Sub(at).Seconds()*perMinute/60)
		}
		at = now
		if level < 1 {
			return tooMany("")
		}
		level--
		return nil
	}
}

func atOnce(n int) func(time.Time, int) *response {
	return func(_ time.Time, inflight int) *response {
		if inflight >= n {
			return tooMany("")
		}
		return nil
	}
}

func lognormal(sigma float64) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		return time.Duration(100 * float64(time.Millisecond) * math.Exp(sigma*r.NormFloat64()))
	}
}

// TestHiddenLimits: a provider has limits that nobody declared. No record is lost, and after the first seconds at most 5 % of the requests are
// answered 429, at a good part of the speed that the limit allows.
func TestHiddenLimits(t *testing.T) {
	for _, c := range []struct {
		name    string
		limit   func() func(time.Time, int) *response
		n       int
		workers int
		ideal   time.Duration // with the limit known from the start
		share   float64       // of the ideal speed, at least
	}{
		{"300 in any minute", func() func(time.Time, int) *response { return window(300, "") }, 1200, 64, 3 * time.Minute, 0.7},
		{"300 in any minute, with Retry-After", func() func(time.Time, int) *response { return window(300, "5") }, 1200, 64, 3 * time.Minute, 0.7},
		{"300 in a minute of the clock", func() func(time.Time, int) *response { return calendar(300) }, 1200, 64, 3 * time.Minute, 0.7},
		{"5 per second, burst 10", func() func(time.Time, int) *response { return refill(300, 10) }, 900, 64, 3 * time.Minute, 0.75},
		{"5 per second, burst 300", func() func(time.Time, int) *response { return refill(300, 300) }, 1200, 64, 3 * time.Minute, 0.75},
		{"50 per second, burst 50", func() func(time.Time, int) *response { return refill(3000, 50) }, 3000, 64, time.Minute, 0.75},
		{"16 in flight", func() func(time.Time, int) *response { return atOnce(16) }, 3000, 64, 20 * time.Second, 0.8},
		{"16 in flight of 256", func() func(time.Time, int) *response { return atOnce(16) }, 2000, 256, 13 * time.Second, 0.8},
	} {
		if testing.Short() && c.n > 1200 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.limit, f.latency = c.limit(), lognormal(0.35)
				ms := open(t, testSpec(), f, Options{})
				start := time.Now()
				errs := many(theModel(t, ms), c.n, c.workers)
				took := time.Since(start)
				early, _ := f.count(429, 0, 5*time.Second)
				late, of := f.count(429, 5*time.Second, forever)
				share := c.ideal.Seconds() / took.Seconds()
				t.Logf("%v (%.0f %% of ideal), 429s: %d in the first 5 s, %d of %d (%.1f %%) later", took.Round(time.Millisecond), 100*share, early, late, of, 100*float64(late)/float64(of))
				if len(errs) > 0 {
					t.Errorf("%d requests lost: %v", len(errs), errs[0])
				}
				if float64(late) > 0.05*float64(of) {
					t.Errorf("%d of %d requests were answered 429 after the first seconds", late, of)
				}
				if share < c.share {
					t.Errorf("%.0f %% of the ideal speed", 100*share)
				}
			})
		})
	}
}

// TestDeclaredLimits: the same limits, declared. No 429 at all, and close to the speed that they allow.
func TestDeclaredLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		spec  func(*Spec)
		limit func(time.Time, int) *response
		n     int
		ideal time.Duration
	}{
		{"300 in any minute", func(s *Spec) { s.PerMinute.Requests = 300 }, window(300, ""), 1200, 4 * time.Minute},
		{"3 in any minute", func(s *Spec) { s.PerMinute.Requests = 3 }, window(3, ""), 12, 220 * time.Second},
		{"60000 in any minute", func(s *Spec) { s.PerMinute.Requests = 60000 }, window(60000, ""), 3000, 4700 * time.Millisecond},
		{"16 in flight", func(s *Spec) { s.InFlight = 16 }, atOnce(16), 2000, 13 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.limit, f.latency = c.limit, lognormal(0.35)
				s := testSpec()
				c.spec(&s)
				ms := open(t, s, f, Options{})
				start := time.Now()
				if errs := many(theModel(t, ms), c.n, 64); len(errs) > 0 {
					t.Fatal(errs[0])
				}
				took := time.Since(start)
				t.Logf("%v, %.0f %% of ideal", took.Round(time.Millisecond), 100*c.ideal.Seconds()/took.Seconds())
				if n, _ := f.count(429, 0, forever); n > 0 {
					t.Errorf("%d answers 429", n)
				}
				if took > c.ideal*115/100 {
					t.Errorf("took %v, ideal is %v", took, c.ideal)
				}
			})
		})
	}
}

// TestTokensPerMinute: what a request did not use goes back, and no window of a minute sees more tokens than declared.
func TestTokensPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.answer = func(int, map[string]any) response {
			return response{status: 200, body: chatBody("word word word word", "stop", 60, 40)}
		}
		s := testSpec()
		s.MaxTokens, s.PerMinute.Tokens = 1000, 60000
		ms := open(t, s, f, Options{})
		start := time.Now()
		if errs := many(theModel(t, ms), 1800, 64); len(errs) > 0 {
			t.Fatal(errs[0])
		}
		t.Logf("1800 requests of 100 tokens at 60000 per minute: %v, ideal 3m0s", time.Since(start).Round(time.Second))
		if d := time.Since(start); d > 215*time.Second {
			t.Errorf("took %v: reservations do not go back", d)
		}
		for i, j := 0, 0; i < len(f.sent); i++ {
			for f.sent[i].Sub(f.sent[j]) >= time.Minute {
				j++
			}
			if used := 100 * (i - j + 1); used > 60000 {
				t.Fatalf("%d tokens in one minute", used)
			}
		}
	})
}

// TestIsolated: one answer in ten is a 429 that means nothing. Each waits alone; the rest goes on. With places for those that wait
// (four times the workers) the speed is at least 60 % of that without faults.
func TestIsolated(t *testing.T) {
	for _, after := range []string{"1", "none", "date"} {
		if testing.Short() && after != "date" {
			continue
		}
		t.Run("Retry-After "+after, func(t *testing.T) {
			took := func(share float64, workers int) (d time.Duration) {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					f.latency = lognormal(0.35)
					rng := rand.New(rand.NewPCG(5, 6))
					f.limit = func(now time.Time, _ int) *response {
						if rng.Float64() >= share {
							return nil
						}
						if after == "none" {
							return tooMany("")
						}
						if after == "date" {
							return tooMany(now.Add(time.Second).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
						}
						return tooMany(after)
					}
					ms := open(t, testSpec(), f, Options{})
					if err := ms.InFlight("m", 64); err != nil {
						t.Fatal(err)
					}
					start := time.Now()
					if errs := many(theModel(t, ms), 4000, workers); len(errs) > 0 {
						t.Error(errs[0])
					}
					d = time.Since(start)
					if f.peak > 64 {
						t.Errorf("%d in flight", f.peak)
					}
				})
				return d
			}
			clean, faulty := took(0, 64), took(0.1, 256)
			t.Logf("clean %v, 10 %% isolated 429s %v: %.0f %% of full speed", clean, faulty, 100*clean.Seconds()/faulty.Seconds())
			if faulty.Seconds() > clean.Seconds()/0.6 {
				t.Errorf("%v against %v", faulty, clean)
			}
		})
	}
}

// TestStormOfADay: from one moment on every request is told to come back in a day. The run ends within its patience of the last answer, also
// where answers to requests sent before still come in.
func TestStormOfADay(t *testing.T) {
	for _, inflight := range []int{4, 64, 256} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.latency = lognormal(1)
			begun := time.Now()
			f.limit = func(now time.Time, _ int) *response {
				if now.Sub(begun) > 5*time.Second {
					return tooMany("86400")
				}
				return nil
			}
			s := testSpec()
			s.InFlight, s.Patience = inflight, 10*time.Minute
			m := theModel(t, open(t, s, f, Options{}))
			var wg sync.WaitGroup
			var next atomic.Int64
			for range inflight {
				wg.Go(func() {
					for {
						if _, err := m.Ask(t.Context(), say(int(next.Add(1)))); err != nil {
							if !errors.Is(err, ErrUnavailable) {
								t.Error(err)
							}
							return
						}
					}
				})
			}
			wg.Wait()
			if took := time.Since(begun) - 5*time.Second; took < s.Patience || took > s.Patience+time.Minute {
				t.Errorf("%d in flight: ended after %v, patience is %v", inflight, took, s.Patience)
			}
		})
	}
}
