package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/pipeline"
)

const longTraining = `
sluice: 1
dataset: out
source: {path: seeds.jsonl}
stages: [{dedup/exact: {}}]
train:
  model: {arch: gpt2, layers: 1, heads: 2, dim: 32}
  tokenizer: {train: chars}
  context: 64
  batch: 8
  steps: STEPS
  eval: {every: 50}
`

// trainingFolder is a folder with a recipe that trains for so many steps.
func trainingFolder(t *testing.T, steps string) string {
	t.Helper()
	dir := t.TempDir()
	var rows strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(corpus), "\n")[:40] {
		b, _ := json.Marshal(map[string]string{"text": line + strings.Repeat(" more", i)})
		rows.Write(append(b, '\n'))
	}
	for name, text := range map[string]string{"recipe.yaml": strings.Replace(longTraining, "STEPS", steps, 1), "seeds.jsonl": rows.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Ctrl-C in the training of a run: a checkpoint, exit 3, and the same command goes on and ends in the same bytes.
func TestRunStopsInTraining(t *testing.T) {
	whole, cut := trainingFolder(t, "200"), trainingFolder(t, "200")
	mustCall(t, "", "run", filepath.Join(whole, "recipe.yaml"), "-q")
	cmd := exec.Command(linkProgram(t), "run", "recipe.yaml", "--log", "json")
	cmd.Dir = cut
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(cut, "out", "model", "metrics.jsonl")); err == nil {
			break
		}
		if time.Since(begun) > time.Minute {
			cmd.Process.Kill()
			t.Fatal("no training in a minute")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Fatalf("exit code %d, want 3\n%s", code, talk.String())
	}
	for _, want := range []string{"the training saves what it has", `"msg":"done","exit":0`, `"msg":"trained","exit":3`, "hint: the same command goes on"} {
		if !strings.Contains(talk.String(), want) {
			t.Errorf("stderr has no %q:\n%s", want, talk.String())
		}
	}
	if found, _ := filepath.Glob(filepath.Join(cut, "out", "model", "checkpoints", "step-*")); len(found) == 0 {
		t.Error("no checkpoint")
	}
	mustCall(t, "", "run", filepath.Join(cut, "recipe.yaml"), "-q")
	a, errA := os.ReadFile(filepath.Join(whole, "out", "model", "model.safetensors"))
	b, errB := os.ReadFile(filepath.Join(cut, "out", "model", "model.safetensors"))
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("the model differs from one that was never stopped: %v, %v", errA, errB)
	}
}

// Two trainings in one folder: the second is refused, and waits where it is told to.
func TestTrainingLocksItsModel(t *testing.T) {
	dir := trainingFolder(t, "3")
	recipe := filepath.Join(dir, "recipe.yaml")
	mustCall(t, "", "run", recipe, "-q", "--no-train")
	model := filepath.Join(dir, "out", "model")
	release, err := pipeline.Lock(t.Context(), "model", model, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"train", recipe}, {"run", recipe}, {"train", recipe, "--wait", "300ms"}} {
		code, _, talk := called(t, "", args...)
		if code != exitLocked || !strings.Contains(talk, "another run holds the lock of the model") || !strings.Contains(talk, "--wait") {
			t.Errorf("%v: exit code %d, %s", args[0], code, talk)
		}
	}
	time.AfterFunc(200*time.Millisecond, release)
	mustCall(t, "", "train", recipe, "--wait", "1m", "-q")
	if _, err := os.Stat(filepath.Join(model, "report.json")); err != nil {
		t.Error(err)
	}
}
