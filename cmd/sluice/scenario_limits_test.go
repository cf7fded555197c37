package main

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline/llm"
)

// faults parses fault texts.
func faults(t *testing.T, texts ...string) (out []fakellm.Fault) {
	t.Helper()
	for _, s := range texts {
		f, err := fakellm.ParseFault(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// timed runs rows of a recipe against a server and returns how long it took.
func timed(t *testing.T, rows int, recipe string, c fakellm.Config) (*stageWorld, time.Duration) {
	t.Helper()
	w := newStage(t, rows, recipe, c)
	res := w.mustRun()
	wantMade(t, res, int64(rows), 0)
	return w, res.Took
}

// Isolated 429s delay the request they hit: the rest goes on at 60 % of full speed or more, and no row is lost.
func TestScenarioIsolated429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakellm.Config{Latency: 1e8, Sigma: .3}
		_, full := timed(t, 2000, fill(paraphrases), c)
		for _, fault := range []string{"429:rate=0.1,retry_after=2,times=1", "429:rate=0.1,retry_after=2,date,times=1"} {
			c.Faults = faults(t, fault)
			_, took := timed(t, 2000, fill(paraphrases), c)
			// A wait of two or three seconds at the very end is the request's own, not a loss of speed.
			if share := float64(full) / float64(took-3*time.Second); share < .6 {
				t.Errorf("%s: %v against %v: %.0f %% of full speed", fault, took, full, 100*share)
			}
		}
	})
}

// A limit nobody told us of is found: after the first seconds at most 5 % of requests are refused.
func TestScenarioHiddenLimits(t *testing.T) {
	for name, c := range map[string]fakellm.Config{
		"300 a minute": {Latency: 2e8, LimitRPM: 300},
		"16 in flight": {Latency: 2e8, Sigma: .3, LimitInFlight: 16},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 1200, fill(paraphrases), c)
			var first fakellm.Stats
			go func() {
				time.Sleep(5 * time.Second)
				first = w.server.Stats()
			}()
			res := w.mustRun()
			wantMade(t, res, 1200, 0)
			all := w.server.Stats()
			refused, asked := all.ByStatus["429"]-first.ByStatus["429"], all.Requests-first.Requests
			t.Logf("%s: %d requests refused in the first 5 s, then %d of %d; %v", name, first.ByStatus["429"], refused, asked, res.Took)
			if 20*refused > asked || first.ByStatus["429"] > 120 {
				t.Errorf("%s: %d requests refused in the first 5 s, then %d of %d", name, first.ByStatus["429"], refused, asked)
			}
		})
	}
}

// A declared limit is kept to the letter.
func TestScenarioDeclaredLimits(t *testing.T) {
	for name, c := range map[string]struct {
		model  string
		server fakellm.Config
	}{
		"300 a minute": {"per_minute: {requests: 300}", fakellm.Config{Latency: 2e8, LimitRPM: 300}},
		"16 in flight": {"in_flight: 16", fakellm.Config{Latency: 2e8, Sigma: .3, LimitInFlight: 16}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, took := timed(t, 300, fill(paraphrases, "MODEL", c.model), c.server)
			if n := w.server.Stats().ByStatus["429"]; n > 0 {
				t.Errorf("%s: %d requests refused", name, n)
			}
			if name == "300 a minute" && took > 66*time.Second {
				t.Errorf("%s: took %v, the limit allows 60 s", name, took)
			}
		})
	}
}

// A server that is dead for thirty seconds costs thirty seconds and nothing else.
func TestScenarioDeadForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakellm.Config{Latency: 1e8, Faults: faults(t, "dead:from=1s,to=31s")}
		_, took := timed(t, 1500, fill(paraphrases), c)
		if took > 75*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A server that stays dead or broken ends the run resumably once patience is over; an empty account ends it at once. What
// had been answered is not asked again.
func TestScenarioDeadForGood(t *testing.T) {
	for _, c := range []struct {
		fault string
		least time.Duration
		most  time.Duration
	}{
		{"dead:after_requests=100", time.Minute, 4 * time.Minute},
		{"500:rate=1,after_requests=100", time.Minute, 4 * time.Minute},
		{"quota:rate=1,after_requests=100", 0, 20 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 300, fill(paraphrases, "MODEL", "patience: 1m"), fakellm.Config{Latency: 1e8, Faults: faults(t, c.fault)})
			begun := time.Now()
			_, err := w.run()
			if took := time.Since(begun); !errors.Is(err, llm.ErrUnavailable) || took < c.least || took > c.most {
				t.Fatalf("%s: after %v: %v", c.fault, took, err)
			}
			if code, _ := verdict(err); code != exitUnavailable {
				t.Errorf("%s: exit code %d for %v", c.fault, code, err)
			}
			paid := w.server.Stats().Paid
			w.serve(fakellm.Config{})
			wantMade(t, w.mustRun(), 300, 0)
			if again := w.server.Stats().Paid; again+paid != 300 {
				t.Errorf("%s: %d answers paid before and %d after, want 300 in all", c.fault, paid, again)
			}
		})
	}
}

// A wrong key or an unknown model ends the run at once, with a remedy.
func TestScenarioFatalAtOnce(t *testing.T) {
	for fault, want := range map[string]error{"401:rate=1": llm.ErrAuth, "404:rate=1": llm.ErrUnknownModel} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 100, fill(paraphrases), fakellm.Config{Latency: 1e8, Faults: faults(t, fault)})
			begun := time.Now()
			_, err := w.run()
			if code, hint := verdict(err); !errors.Is(err, want) || code != exitFailed || hint == "" || time.Since(begun) > 5*time.Second {
				t.Errorf("%s: exit %d after %v: %v", fault, code, time.Since(begun), err)
			}
		})
	}
}
