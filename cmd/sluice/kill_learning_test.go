package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"sluice/cmd/internal/fakellm"
	"sluice/schemas"
)

const learningRecipe = `
sluice: 1
dataset: out
state: state
seed: 5
batch: 16
source: {path: requests.jsonl, holdout: 0.2}
stages:
  - generators/infill: {copies: 2, steps: 12, top_k: 8}
  - dedup/exact: {}
sink: {parquet: {rows: 60}}
`

// Killed while the masked language model is trained, and again when rows are made with it: the bytes of an undisturbed run, and nothing is left over.
func TestKillWhileLearning(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no kill -9 on windows")
	}
	seeds, err := os.ReadFile("../../testdata/recipes/requests.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	world := func() *killWorld {
		w := newKillWorld(t, 1, fakellm.Config{})
		for name, data := range map[string]string{"recipe.yaml": learningRecipe, "requests.jsonl": string(seeds)} {
			if err := os.WriteFile(filepath.Join(w.dir, name), []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return w
	}
	clean := world()
	clean.finish()
	want := clean.files()

	w := world()
	phase := filepath.Join(w.dir, "out", schemas.PhasesDir, "1")
	for _, sign := range []string{"work/model/tokenizer.json", "fit.json"} {
		killed := w.kill(func() bool {
			_, err := os.Stat(filepath.Join(phase, filepath.FromSlash(sign)))
			return err == nil
		})
		t.Logf("killed at %s: %v", sign, killed)
		if !killed && sign != "fit.json" {
			t.Errorf("it had ended before %s was seen", sign)
		}
	}
	w.finish()
	got := w.files()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs: %d bytes, want %d", name, len(got[name]), len(want[name]))
		}
	}
	if len(got) != len(want) || len(want) < 3 {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	if _, err := os.Stat(filepath.Join(phase, "work")); err == nil {
		t.Error("the folder in which it was trained is left")
	}
}
