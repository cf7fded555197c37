package main

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// wholeRecipe has a paid generator, filters, both dedups, and a barrier with a phase before and behind it.
const wholeRecipe = `
sluice: 1
dataset: out
state: state
seed: 5
batch: 4
tolerate: 1
models:
  writer: {endpoint: "http://127.0.0.1:9/v1", model: practice, key_env: SLUICE_TEST_KEY}
source: {path: seeds.jsonl, holdout: 0.1}
stages:
  - generators/paraphrase: {model: writer, samples: 2, workers: 8}
  - filters/length: {min: 45}
  - filters/seedcopy: {}
  - dedup/exact: {}
  - filters/top: {by: chars, share: 0.8}
  - dedup/minhash: {preset: short-text}
sink: {parquet: {rows: 24}}
`

var errDied = errors.New("the machine died")

// answersIn counts the requests whose answer the store holds.
func (w *stageWorld) answersIn() int {
	w.t.Helper()
	book, err := state.NewLedger(w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	info, err := book.Info()
	if err != nil {
		w.t.Fatal(err)
	}
	return int(info.Answers)
}

// wantWhole asserts that the dataset is what its manifest says, row by row.
func (w *stageWorld) wantWhole(when string) {
	w.t.Helper()
	found, err := schemas.Verify(w.dir+"/out", true)
	if err != nil {
		w.t.Errorf("%s: %v", when, err)
	}
	for _, f := range found {
		if !f.Note {
			w.t.Errorf("%s: %s", when, f.String())
		}
	}
}

func wantSame(t *testing.T, when string, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s differs: %d bytes, want %d", when, name, len(got[name]), len(want[name]))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s should not be there", when, name)
		}
	}
}

// badAnswers is a server whose answers are partly unusable, the same ones each time.
func badAnswers(t *testing.T) fakellm.Config {
	return fakellm.Config{Faults: faults(t,
		"truncate_hard:rate=0.05,heal=false", "duplicate:rate=0.2,heal=false", "fence:rate=0.1,heal=false")}
}

// crashStride is how many operations lie between two crashes that are tried.
func crashStride() int {
	switch {
	case long():
		return 1
	case testing.Short():
		return 23
	}
	return 13
}

// The machine dies at durable operations in turn. Whatever was stored is never paid again, what was sealed is whole, and the
// same command makes the bytes of an undisturbed run.
func TestAdversaryCrashWithRealComponents(t *testing.T) {
	var want map[string]string
	operations := 0
	for k := -1; ; k += crashStride() {
		died := false
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			w := newStage(t, 40, wholeRecipe, badAnswers(t))
			if k < 0 {
				w.mustRun()
				want = w.files()
				w.wantWhole("undisturbed")
				died = true
				return
			}
			left := k
			var i *ill
			i = newIll(func(op, _ string) error {
				if op == "write" {
					return nil
				}
				if left--; left < 0 {
					return i.die(errDied)
				}
				return nil
			})
			_, err := pipeline.Run(t.Context(), w.load(), i.infect(w.options()))
			if err == nil {
				return
			}
			died = true
			operations = k
			when := fmt.Sprintf("died at operation %d", k)
			if !errors.Is(err, errDied) {
				t.Errorf("%s: %v", when, err)
			}
			paid, stored := w.server.Stats().Paid, w.answersIn()
			if _, err := schemas.ReadManifest(w.dir + "/out"); err == nil {
				w.wantWhole(when)
			}
			w.mustRun()
			wantSame(t, when, w.files(), want)
			w.wantWhole(when + " and resumed")
			if s := w.server.Stats(); s.PaidRepeats > paid-stored {
				t.Errorf("%s: %d answers paid twice; %d of %d had been stored", when, s.PaidRepeats, stored, paid)
			}
		})
		if !died || t.Failed() {
			break
		}
	}
	if operations < 60 {
		t.Errorf("only %d operations to die at", operations)
	}
	if len(want) < 5 {
		t.Errorf("the dataset has only %d files", len(want))
	}
}

// A disk that is full, for good or for a moment only, at every write in turn: the error says so, what was sealed is whole, and once there is
// room the same command makes the bytes of an undisturbed run. Nothing whose rows were lost is ever listed.
func TestAdversaryFullDisk(t *testing.T) {
	var want map[string]string
	stride := 2*crashStride() + 1
	for _, lasting := range []bool{true, false} {
		full := 0
		for k := -1; ; k += stride {
			struck := k < 0
			t.Run(fmt.Sprint(lasting, k), func(t *testing.T) {
				w := newStage(t, 40, wholeRecipe, badAnswers(t))
				if k < 0 {
					w.mustRun()
					want = w.files()
					return
				}
				left := k
				i := newIll(func(op, _ string) error {
					if op != "write" && op != "store" && op != "sync" {
						return nil
					}
					if left--; left == -1 || left < 0 && lasting {
						struck = true
						return &pathError{op, syscall.ENOSPC}
					}
					return nil
				})
				when := fmt.Sprintf("full at write %d, lasting %v", k, lasting)
				_, err := pipeline.Run(t.Context(), w.load(), i.infect(w.options()))
				if !struck {
					return
				}
				full++
				if err == nil {
					t.Errorf("%s: the run says that all is well", when)
				} else if code, hint := verdict(err); code != exitFailed || !strings.Contains(err.Error(), "no space left") || !strings.Contains(hint, "make room") {
					t.Errorf("%s: exit %d: %v", when, code, err)
				}
				if _, err := schemas.ReadManifest(w.dir + "/out"); err == nil {
					w.wantWhole(when)
				}
				w.mustRun()
				wantSame(t, when, w.files(), want)
				w.wantWhole(when + ", resumed")
			})
			if !struck || t.Failed() {
				break
			}
		}
		if full < 3 {
			t.Errorf("lasting %v: struck only %d times", lasting, full)
		}
		if t.Failed() {
			return
		}
	}
}

// pathError is what the system says of a file.
type pathError struct {
	op  string
	err error
}

func (e *pathError) Error() string { return e.op + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

// The bytes do not depend on how many durable operations fail one after the other.
func TestAdversaryCrashAgainAndAgain(t *testing.T) {
	var want map[string]string
	for _, every := range []int{0, 37, 61} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			w := newStage(t, 40, wholeRecipe, badAnswers(t))
			deaths := 0
			for every > 0 {
				left := every
				var i *ill
				i = newIll(func(op, _ string) error {
					if op == "write" {
						return nil
					}
					if left--; left < 0 {
						return i.die(errDied)
					}
					return nil
				})
				if _, err := pipeline.Run(t.Context(), w.load(), i.infect(w.options())); err == nil {
					break
				}
				if deaths++; deaths > 60 {
					t.Logf("every %d: no end after %d deaths", every, deaths)
					break
				}
			}
			w.mustRun()
			if want == nil {
				want = maps.Clone(w.files())
				return
			}
			if deaths < 2 {
				t.Errorf("died only %d times", deaths)
			}
			wantSame(t, fmt.Sprintf("%d deaths", deaths), w.files(), want)
		})
	}
}
