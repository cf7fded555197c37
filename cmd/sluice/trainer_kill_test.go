package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Real kills of trainings: the program itself, a real disk, kill -9.

// A trainKill is a folder with a recipe and its data, and the program to train in it.
type trainKill struct {
	t       *testing.T
	program string
	dir     string
}

// trainKills are the recipes that are killed: rows that hold several documents, masks that learn, and sorted batches of single records.
var trainKills = map[string]string{
	"causal": `
sluice: 1
dataset: none
train:
  data: [{path: a.jsonl}, {path: b.jsonl}]
  mix: progress
  fim: 0.3
  validation: {share: 0.4}
  tokenizer: {train: bpe, vocab: 320}
  model: {arch: llama, layers: 2, heads: 2, dim: 64}
  context: 32
  batch: 8
  steps: 120
  optimizer: {name: muon}
  dropout: {hidden: 0.1, attention: 0.1}
  ema: 0.9
  eval: {every: 6}
  checkpoint: {every: 4}
  out: out
`,
	"masked": `
sluice: 1
dataset: none
train:
  task: masked
  data: [{path: a.jsonl}]
  mask: {entropy: {rate: 0.3, rate_end: 0.15}}
  validation: {share: 0.4}
  tokenizer: {train: wordpiece, vocab: 200}
  model: {arch: bert, layers: 2, heads: 2, dim: 64}
  context: 32
  batch: 8
  steps: 120
  dropout: {hidden: 0.1, layer: 0.1, word: 0.05}
  eval: {every: 6}
  checkpoint: {every: 4}
  out: out
`,
	"classify": `
sluice: 1
dataset: none
train:
  task: classify
  data: [{path: a.jsonl}]
  validation: {share: 0.4}
  tokenizer: {train: wordpiece, vocab: 200}
  model: {arch: bert, layers: 2, heads: 2, dim: 64}
  context: 32
  batch: 8
  steps: 120
  optimizer: {name: schedulefree, lr: 0.002}
  dropout: {hidden: 0.1}
  r_drop: 1
  stop: {patience: 100}
  eval: {every: 6}
  checkpoint: {every: 4}
  out: out
`,
}

func newTrainKill(t *testing.T, recipe string) *trainKill {
	t.Helper()
	w := &trainKill{t: t, dir: t.TempDir(), program: linkProgram(t)}
	w.write("recipe.yaml", recipe)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"a.jsonl", "b.jsonl"} {
		var b strings.Builder
		for range 400 {
			label := []string{"card", "transfer", "fee"}[rng.IntN(3)]
			text := label
			for range 1 + rng.IntN(12) {
				text += " " + []string{"my", "new", "late", "lost", "money", "where", "is", "the", "please", "help"}[rng.IntN(10)]
			}
			fmt.Fprintf(&b, "{\"text\": %q, \"label\": %q}\n", text, label)
		}
		w.write(name, b.String())
	}
	return w
}

func (w *trainKill) write(name, data string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(data), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// run trains until the end, or until when says to kill; it tells whether the program was killed.
func (w *trainKill) run(when func(began time.Time) bool) bool {
	w.t.Helper()
	cmd := exec.Command(w.program, "train", "recipe.yaml", "-q")
	cmd.Dir = w.dir
	cmd.Stderr = new(bytes.Buffer)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	began := time.Now()
	return killWhen(w.t, cmd, 200*time.Microsecond, func() bool { return when != nil && when(began) })
}

// writing tells whether a checkpoint is being written.
func (w *trainKill) writing() bool {
	tmp, _ := filepath.Glob(filepath.Join(w.dir, "out", "checkpoints", "*.tmp"))
	return len(tmp) > 0
}

// steps lists the steps that have a checkpoint.
func (w *trainKill) steps() []string {
	names, _ := filepath.Glob(filepath.Join(w.dir, "out", "checkpoints", "step-??????"))
	return names
}

// moment says when to kill. Half of what is behind a checkpoint is an evaluation.
func (w *trainKill) moment(kind string, rng *rand.Rand, took time.Duration) func(time.Time) bool {
	wait := time.Duration(rng.Float64() * float64(took) / 4)
	switch kind {
	case "anywhere": // it may not even have read its data
		return func(began time.Time) bool { return time.Since(began) > wait }
	case "after the last step":
		return func(time.Time) bool { return w.has("checkpoints/step-000120") }
	case "writing the model":
		return func(time.Time) bool { return w.has("model.safetensors") }
	}
	last, left := w.steps(), 1+rng.IntN(4) // checkpoints to let pass
	var since time.Time
	wait = time.Duration(rng.Int64N(int64(20 * time.Millisecond)))
	return func(time.Time) bool {
		if now := w.steps(); !slices.Equal(now, last) {
			if last, left = now, left-1; left == 0 {
				since = time.Now()
			}
		}
		if kind == "in a checkpoint" {
			return left <= 0 && w.writing()
		}
		return left <= 0 && time.Since(since) > wait
	}
}

func (w *trainKill) has(name string) bool {
	_, err := os.Stat(filepath.Join(w.dir, "out", name))
	return err == nil
}

// result is what must not depend on kills: every file of the model and of its checkpoints, and the steps' losses. The rest tells of time and energy.
func (w *trainKill) result() map[string]string {
	w.t.Helper()
	files := map[string]string{}
	out := filepath.Join(w.dir, "out")
	err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		switch name, _ := filepath.Rel(out, path); filepath.Base(path) {
		case "report.json", "report.md", "report.html", "state.json":
		case "metrics.jsonl":
			files[name] = w.losses(b)
		default:
			files[name] = string(b)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return files
}

// losses takes speeds out of metrics.
func (w *trainKill) losses(metrics []byte) string {
	w.t.Helper()
	var out strings.Builder
	for line := range bytes.Lines(metrics) {
		var p map[string]any
		if err := json.Unmarshal(line, &p); err != nil {
			w.t.Fatal(err)
		}
		delete(p, "tokens_per_second")
		b, _ := json.Marshal(p)
		fmt.Fprintf(&out, "%s\n", b)
	}
	return out.String()
}

// A training killed at random moments, on its way up, in steps, in checkpoints, in evaluations and while the model is written, ends in the same bytes as
// one that nobody touched: weights, moments, the losses of all steps.
func TestKilledTrainingGivesTheSameBytes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no kill -9 on windows")
	}
	if !long() {
		t.Skip("kills trainings ten times: set SLUICE_LONG=1")
	}
	for name, recipe := range trainKills {
		t.Run(name, func(t *testing.T) {
			clean := newTrainKill(t, recipe)
			began := time.Now()
			clean.run(nil)
			took := time.Since(began)
			want := clean.result()

			w := newTrainKill(t, recipe)
			rng := rand.New(rand.NewPCG(uint64(len(recipe)), 3))
			killed := map[string]int{}
			total := 0
			for _, kind := range []string{"anywhere", "in a checkpoint", "behind one", "in a checkpoint", "behind one", "anywhere", "behind one", "in a checkpoint",
				"behind one", "after the last step", "writing the model"} {
				if w.run(w.moment(kind, rng, took)) {
					killed[kind]++
					total++
				}
			}
			if total < 10 {
				t.Errorf("killed %d times, want 10: the training ends too early", total)
			}
			w.run(nil)
			t.Logf("killed %v; undisturbed %.1f s", killed, took.Seconds())
			got := w.result()
			for name, b := range want {
				if got[name] != b {
					t.Errorf("%s differs: %d bytes, want %d", name, len(got[name]), len(b))
				}
			}
			for name := range got {
				if _, ok := want[name]; !ok {
					t.Errorf("%s is left over", name)
				}
			}
		})
	}
}
