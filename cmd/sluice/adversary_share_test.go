package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// anew is `sluice run --new`.
func (w *stageWorld) anew(change func(pipeline.Options) pipeline.Options) (*pipeline.Result, error) {
	w.t.Helper()
	r, o := w.load(), w.options()
	o.New, o.OpenIndex = true, openIndex(r, replaced(r))
	return pipeline.Run(w.t.Context(), r, change(o))
}

// sharing is a recipe of one of two datasets over one store.
func sharing(dataset, dedup string) string {
	return fill(strings.NewReplacer("dataset: out", "dataset: "+dataset, "dedup/exact: {}", "dedup/exact: {"+dedup+"}").Replace(paraphrases))
}

// Two datasets over one store: equal requests are paid once; claims are apart, unless their scope is global.
func TestAdversaryTwoDatasetsOneStore(t *testing.T) {
	for dedup, fresh := range map[string]int64{"": 80, "scope: global": 0} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 40, sharing("one", dedup), fakellm.Config{Latency: 1e8})
			w.mustRun()
			w.wantRequests(40)
			w.recipe = sharing("two", dedup)
			two := w.mustRun()
			w.wantRequests(40)
			c := stage(t, two, "dedup/exact")
			if c.Out != fresh || c.Dropped["duplicate"] != 80-fresh {
				t.Errorf("scope %q: the second dataset has %d rows, dropped %v", dedup, c.Out, c.Dropped)
			}
			// Built anew, the first finds the claims of the second, not its own former ones.
			w.recipe = strings.Replace(sharing("one", dedup), "min: 1}", "min: 2}", 1)
			again, err := w.anew(func(o pipeline.Options) pipeline.Options { return o })
			if err != nil {
				t.Fatal(err)
			}
			w.wantRequests(40)
			if c := stage(t, again, "dedup/exact"); c.Out != 80 {
				t.Errorf("scope %q: built anew, the first dataset has %d rows, dropped %v", dedup, c.Out, c.Dropped)
			}
			// Nothing of what was replaced is left to be claimed against.
			w.seeds(40, 41)
			if c := stage(t, w.mustRun(), "dedup/exact"); c.Out != 82 {
				t.Errorf("scope %q: then it has %d rows, dropped %v", dedup, c.Out, c.Dropped)
			}
		})
	}
}

// --new that is killed at any operation and started again: the bytes of one that was not, the old dataset until then, nothing paid twice, and
// claims that the next append finds.
func TestAdversaryNewIsKilled(t *testing.T) {
	stride := 11
	if long() {
		stride = 1
	}
	older := fill(paraphrases)
	newer := strings.Replace(older, "dedup/exact: {}", "dedup/exact: {scope: global}\n  - dedup/minhash: {preset: short-text}", 1)
	var want map[string]string
	for k := -1; ; k += stride {
		finished := false
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 40, older, fakellm.Config{Latency: 1e8})
			w.mustRun()
			old := w.files()
			w.recipe = newer
			if k >= 0 {
				var i *ill
				left := k
				i = newIll(func(op, _ string) error {
					if op == "write" {
						return nil
					}
					if left--; left < 0 {
						return i.die(errDied)
					}
					return nil
				})
				_, err := w.anew(i.infect)
				if finished = err == nil; finished {
					return
				}
				if !errors.Is(err, errDied) {
					t.Fatalf("died at operation %d: %v", k, err)
				}
				if err := pipeline.FinishSwap(schemas.Disk, filepath.Join(w.dir, "out")); err != nil {
					t.Fatal(err)
				}
				if now := w.files(); !maps.Equal(now, old) && !maps.Equal(now, want) {
					t.Errorf("died at operation %d: the folder holds neither the old dataset nor the new one", k)
				}
			}
			if _, err := w.anew(func(o pipeline.Options) pipeline.Options { return o }); err != nil {
				t.Fatalf("died at operation %d, then: %v", k, err)
			}
			if want == nil {
				want = w.files()
			}
			wantSame(t, "killed --new", w.files(), want)
			w.wantRequests(40)
			for _, beside := range []string{"out.new", "out.old", "out.swap"} {
				if _, err := os.Stat(filepath.Join(w.dir, beside)); err == nil {
					t.Errorf("died at operation %d: %s is left behind", k, beside)
				}
			}
			// A seed that repeats a sealed one is known; what is made of it is new.
			before := stage(t, w.mustRun(), "dedup/exact")
			w.seeds(3, 4)
			if c := stage(t, w.mustRun(), "dedup/exact"); c.Out != before.Out+1 || c.In != before.In+2 {
				t.Errorf("died at operation %d: %d rows, then %d of %d", k, before.Out, c.Out, c.In)
			}
		})
		if finished || t.Failed() {
			break
		}
	}
}

// What a run writes about itself holds no prompt, no row and no key, also where the provider's errors repeat them.
func TestAdversaryJournalTellsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		ends   error
	}{
		"bad request":    {400, llm.ErrBadRequest},
		"unavailable":    {503, llm.ErrUnavailable},
		"key refused":    {401, llm.ErrAuth},
		"unknown model":  {404, llm.ErrUnknownModel},
		"error with 200": {200, llm.ErrUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 20, fill(paraphrases, "MODEL", "patience: 1m"), fakellm.Config{})
			o := w.options()
			o.Transport = watched(echoing(c.status))
			_, err := pipeline.Run(t.Context(), w.load(), o)
			if !errors.Is(err, c.ends) {
				t.Errorf("%s: ended with %v", name, err)
			}
			if strings.Contains(err.Error(), plantedSecret) {
				t.Errorf("%s: the key is in the error: %v", name, err)
			}
			journals, _ := filepath.Glob(filepath.Join(w.dir, "out", "runs", "*", "*"))
			if len(journals) == 0 {
				t.Fatalf("%s: no journal", name)
			}
			for _, j := range journals {
				b, err := os.ReadFile(j)
				if err != nil {
					t.Fatal(err)
				}
				for what, s := range map[string]string{"the key": plantedSecret, "a row": "Where is order", "a prompt": "paraphrase the"} {
					if strings.Contains(strings.ToLower(string(b)), strings.ToLower(s)) {
						t.Errorf("%s: %s is in %s:\n%s", name, what, filepath.Base(j), b)
					}
				}
			}
		})
	}
}
