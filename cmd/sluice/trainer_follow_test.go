package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/cmd/internal/fakellm"
	"sluice/schemas"
)

const followRecipe = `
sluice: 1
dataset: out
state: state
seed: 5
batch: 16
models:
  writer: {endpoint: "${LLM_URL}", identity: practice, model: practice, key_env: SLUICE_TEST_KEY}
source: {path: seeds.jsonl}
stages:
  - generators/paraphrase: {model: writer, samples: 2, workers: 4}
sink: {parquet: {rows: 40}}
train:
  follow: true
  tokenizer: {train: bpe, vocab: 280}
  model: {arch: llama, layers: 1, heads: 2, dim: 16}
  context: 32
  batch: 8
  steps: 1000000
  eval: {every: 100000}
  checkpoint: {every: 25}
`

// A training follows a dataset that another process is still writing: it begins with the shards that are sealed, and at the border of an epoch takes in
// the others.
func TestTrainingFollowsARun(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals on windows")
	}
	w := newKillWorld(t, 120, fakellm.Config{Latency: 30 * time.Millisecond})
	if err := os.WriteFile(filepath.Join(w.dir, "recipe.yaml"), []byte(followRecipe), 0o644); err != nil {
		t.Fatal(err)
	}
	patience := time.Now().Add(3 * time.Minute)
	until := func(what string, done func() bool) {
		t.Helper()
		for !done() {
			if time.Now().After(patience) {
				t.Fatalf("waited too long: %s", what)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	shards := func() int {
		d, err := schemas.OpenDataset(filepath.Join(w.dir, "out"))
		if err != nil {
			return 0
		}
		return len(d.Manifest.Shards(schemas.RoleTrain))
	}
	run := w.start()
	defer run.Process.Kill()
	until("for the first shard", func() bool { return shards() > 0 })

	train := exec.Command(w.program, "train", "recipe.yaml", "-q")
	train.Dir, train.Env = w.dir, append(os.Environ(), "LLM_URL="+w.url, "SLUICE_TEST_KEY="+plantedSecret)
	var talk strings.Builder
	train.Stderr = &talk
	if err := train.Start(); err != nil {
		t.Fatal(err)
	}
	defer train.Process.Kill()
	tokens := filepath.Join(w.dir, "out", "model", "tokens")
	cached := func() int {
		files, _ := filepath.Glob(filepath.Join(tokens, "*.tok"))
		return len(files)
	}
	until("for the training to begin", func() bool { return cached() > 0 })
	began := shards()
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, run.Stderr)
	}
	all := shards()
	if all <= began {
		t.Skipf("all %d shards were sealed before the training began", all)
	}
	until("for the training to train on all shards", func() bool { return w.shardsInCheckpoint() == all })
	if err := train.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := train.Wait()
	if code := train.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d, want %d: %v\n%s", code, exitInterrupted, err, talk.String())
	}
}

// shardsInCheckpoint is the number of shards that the epoch of the last checkpoint takes its rows from; 0 before there is one.
func (w *killWorld) shardsInCheckpoint() int {
	files, _ := filepath.Glob(filepath.Join(w.dir, "out", "model", "checkpoints", "step-*[0-9]", "state.json"))
	if len(files) == 0 {
		return 0
	}
	var state struct {
		Feed struct{ Cursors []struct{ Shards int } }
	}
	b, err := os.ReadFile(files[len(files)-1])
	if err != nil || json.Unmarshal(b, &state) != nil || len(state.Feed.Cursors) != 1 {
		return 0 // removed meanwhile
	}
	return state.Feed.Cursors[0].Shards
}
