package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/cmd/internal/fakellm"
	"sluice/schemas"
)

// files maps the names of the dataset's files to their content.
func (w *stageWorld) files() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, dir := range []string{schemas.DataDir, schemas.RejectsDir} {
		names, _ := filepath.Glob(filepath.Join(w.dir, "out", dir, "*"))
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				w.t.Fatal(err)
			}
			out[dir+"/"+filepath.Base(name)] = string(b)
		}
	}
	return out
}

// Answers that can be cured cost no row; those that cannot are counted by cause after a bounded number of tries.
func TestScenarioAnswers(t *testing.T) {
	const rows = 200
	for fault, want := range map[string]struct {
		most    int // requests
		cured   bool
		reasons []string
	}{
		"truncate:rate=0.1":                  {cured: true, most: 2 * rows},
		"fence:rate=1":                       {cured: true, most: rows},
		"think:rate=1":                       {cured: true, most: rows},
		"prose:rate=1":                       {cured: true, most: rows},
		"cut_body:rate=0.1":                  {cured: true, most: 2 * rows},
		"html:rate=0.1":                      {cured: true, most: 2 * rows},
		"error_200:rate=0.1":                 {cured: true, most: 2 * rows},
		"hangup:rate=0.1":                    {cured: true, most: 2 * rows},
		"no_json_schema:rate=1":              {cured: true, most: rows + 64},
		"truncate_hard:rate=0.4,heal=false":  {reasons: []string{"bad_json", "truncated", "schema"}, most: 2 * rows},
		"no_json:rate=0.4,heal=false":        {reasons: []string{"bad_json"}, most: 2 * rows},
		"wrong_schema:rate=0.4,heal=false":   {reasons: []string{"schema"}, most: 2 * rows},
		"refusal:rate=0.1,heal=false":        {reasons: []string{"refused", "bad_json"}, most: 2 * rows},
		"content_filter:rate=0.1,heal=false": {reasons: []string{"refused"}, most: 2 * rows},
		"empty:rate=0.1,heal=false":          {reasons: []string{"empty"}, most: 3 * rows},
		"length:rate=0.1,heal=false":         {reasons: []string{"truncated"}, most: 2 * rows},
		"context_length:rate=0.1,heal=false": {reasons: []string{"too_long"}, most: 2 * rows},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, rows, fill(paraphrases), fakellm.Config{Latency: 1e8, Faults: faults(t, fault)})
			res, err := w.run()
			if err != nil {
				t.Fatalf("%s: %v", fault, err)
			}
			c := stage(t, res, "generators/paraphrase")
			_, failed := c.Lost()
			if want.cured && failed > 0 {
				t.Errorf("%s: %d rows lost: %v", fault, failed, c.Failed)
			}
			for reason := range maps.Keys(c.Failed) {
				if !want.cured && !strings.Contains(strings.Join(want.reasons, " "), reason) {
					t.Errorf("%s: rows lost by %v, want %v", fault, c.Failed, want.reasons)
				}
			}
			// Where the correction turn is another request, only those are lost that are struck twice: .4 · .4 of them.
			if !want.cured && (failed == 0 || failed > rows/3) {
				t.Errorf("%s: %d of %d rows failed", fault, failed, rows)
			}
			if n := w.server.Stats().Requests; n > want.most {
				t.Errorf("%s: %d requests, at most %d wanted", fault, n, want.most)
			}
		})
	}
}

// The key is in nothing that a run writes.
func TestScenarioKeyIsNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 40, fill(paraphrases), fakellm.Config{Faults: faults(t, "500:rate=0.2", "truncate_hard:rate=0.2,heal=false")})
		w.mustRun()
		err := filepath.WalkDir(w.dir, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(name)
			if strings.Contains(string(b), plantedSecret) {
				t.Errorf("the key stands in %s", name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range w.store.Scan(nil) {
			if err != nil {
				t.Fatal(err)
			}
			v, _ := e.Value()
			if strings.Contains(string(e.Key)+string(v), plantedSecret) {
				t.Errorf("the key stands in the store under %x", e.Key)
			}
		}
	})
}
