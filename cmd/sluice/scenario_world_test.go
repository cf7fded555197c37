package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// Scenarios: what happens to money, rows and time when a provider misbehaves. They run the real engine with the real
// components against the practice server, without sockets, in virtual time and with a store in memory.

// stageWorld is a folder with a recipe, seeds, a practice server and the store that outlives runs.
type stageWorld struct {
	t      *testing.T
	dir    string
	recipe string
	server *fakellm.Server
	store  *state.Memory
}

func newStage(t *testing.T, rows int, recipe string, c fakellm.Config) *stageWorld {
	t.Helper()
	t.Setenv("SLUICE_TEST_KEY", plantedSecret)
	c.Key = plantedSecret
	w := &stageWorld{t: t, dir: t.TempDir(), recipe: recipe, store: state.NewMemory()}
	w.serve(c)
	w.seeds(0, rows)
	return w
}

// plantedSecret must never be found in anything that is written.
const plantedSecret = "sk-planted-0123456789abcdef"

func (w *stageWorld) serve(c fakellm.Config) {
	c.Key = plantedSecret
	w.server = fakellm.New(c)
}

func (w *stageWorld) seeds(from, to int) {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "{\"text\":\"Where is order %d, it should have come by the %d of the month\",\"label\":\"%c\"}\n", 1000+i, 1+i%28, 'a'+i%3)
	}
	f, err := os.OpenFile(filepath.Join(w.dir, "seeds.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(b.String())
		f.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// paraphrases is a recipe of calls requests a row; its placeholders are set by fill.
const paraphrases = `
sluice: 1
dataset: out
state: state
seed: 5
batch: BATCH
tolerate: 0.5
models:
  writer: {endpoint: "http://127.0.0.1:9/v1", model: practice, key_env: SLUICE_TEST_KEY, MODEL}
BUDGET
source: {path: seeds.jsonl}
stages:
  - generators/paraphrase: {model: writer, samples: CALLS, workers: WORKERS}
  - filters/length: {min: MIN}
  - dedup/exact: {}
sink: {jsonl: {}}
`

// fill sets placeholders, given in pairs.
func fill(recipe string, pairs ...string) string {
	standard := []string{"BATCH", "16", "MODEL", "patience: 15m", "BUDGET", "", "CALLS", "1", "WORKERS", "64", "MIN", "1"}
	return strings.NewReplacer(append(pairs, standard...)...).Replace(recipe)
}

func (w *stageWorld) options() pipeline.Options {
	r := w.load()
	o := options(w.t.Context(), r, false, 0)
	o.OpenStore = func(string, bool, time.Duration) (state.Store, error) { return staying{w.store}, nil }
	o.Transport = w.server.RoundTripper()
	o.Card, o.Halt = nil, pipeline.NewHalt()
	return o
}

// staying is a store that outlives the run that closes it.
type staying struct{ state.Store }

func (staying) Close() error { return nil }

func (w *stageWorld) load() *pipeline.Recipe {
	w.t.Helper()
	path := filepath.Join(w.dir, "recipe.yaml")
	if err := os.WriteFile(path, []byte(w.recipe), 0o644); err != nil {
		w.t.Fatal(err)
	}
	r, err := pipeline.Load(path, pipeline.LoadOptions{Catalogs: catalogs()})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *stageWorld) run() (*pipeline.Result, error) {
	w.t.Helper()
	return pipeline.Run(w.t.Context(), w.load(), w.options())
}

func (w *stageWorld) runNew() (*pipeline.Result, error) {
	w.t.Helper()
	o := w.options()
	o.New = true
	return pipeline.Run(w.t.Context(), w.load(), o)
}

func (w *stageWorld) mustRun() *pipeline.Result {
	w.t.Helper()
	res, err := w.run()
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

// stage returns the counts of the stage whose identity begins with name.
func stage(t *testing.T, res *pipeline.Result, name string) schemas.Tally {
	t.Helper()
	for _, c := range res.Manifest.Counts() {
		if strings.HasPrefix(c.Stage, name) {
			return c
		}
	}
	t.Fatalf("no counts of %s in %v", name, res.Manifest.Counts())
	return schemas.Tally{}
}

// wantMade asserts that rows were made, and that only so many of them failed.
func wantMade(t *testing.T, res *pipeline.Result, made, failed int64) {
	t.Helper()
	c := stage(t, res, "generators/paraphrase")
	if _, f := c.Lost(); c.Made != made || f != failed {
		t.Errorf("made %d, failed %d %v; want %d and %d", c.Made, f, c.Failed, made, failed)
	}
}

func (w *stageWorld) wantRequests(n int) {
	w.t.Helper()
	if got := w.server.Stats().Requests; got != n {
		w.t.Errorf("%d requests reached the provider, want %d", got, n)
	}
}
