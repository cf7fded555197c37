package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cut trains up to a step and is stopped there.
func cut(t *testing.T, c Config, dir string, step int) {
	t.Helper()
	stop := make(chan struct{})
	_, err := Train(t.Context(), c, Options{Dir: dir, Stop: stop, Progress: func(s Step) {
		if s.Step == step {
			close(stop)
		}
	}})
	if !errors.Is(err, ErrStopped) {
		t.Fatalf("got %v, want ErrStopped", err)
	}
}

// A training goes on only under settings and with data that make the same model, and says what is different.
func TestChangedBetweenRuns(t *testing.T) {
	base := t.TempDir()
	train(t, with(tiny(t, Causal, sentences(9, 8)), func(c *Config) { c.Steps, c.Tokenizer.Vocab = 2, 290 }), Options{Dir: base})
	data := jsonl(t, filepath.Join(t.TempDir(), "data.jsonl"), sentences(60, 3)...)
	config := func(change func(*Config)) Config {
		return with(tiny(t, Causal, nil), func(c *Config) {
			c.Data[0].Path, c.Steps, c.Eval.Every, c.Batch, c.Accumulate = data, 6, 3, 8, 2
			if change != nil {
				change(c)
			}
		})
	}
	dir := t.TempDir()
	cut(t, config(nil), dir, 4)
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"learning rate": {func(c *Config) { c.Optimizer.LR = .5 }, "optimizer.lr was 0.001, is 0.5"},
		"seed":          {func(c *Config) { c.Seed = 9 }, "seed was 1, is 9"},
		"pieces":        {func(c *Config) { c.Accumulate = 4 }, "accumulate was 2, is 4"},
		"steps":         {func(c *Config) { c.Steps = 7 }, "steps was 6, is 7"},
		"model":         {func(c *Config) { c.Model.Layers = 3 }, "model.layers was 2, is 3"},
		"tokenizer":     {func(c *Config) { c.Tokenizer.Path = base }, "tokenizer.path was none, is "},
		"other rows": {func(c *Config) {
			c.Data[0].Path = jsonl(t, filepath.Join(t.TempDir(), "data.jsonl"), sentences(60, 4)...)
		}, "data.jsonl is gone, or holds other rows"},
	} {
		_, err := Train(t.Context(), config(c.change), Options{Dir: dir})
		if e, ok := errors.AsType[*ChangedError](err); !ok || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%s: got %v, want a ChangedError with %q", name, err, c.want)
		}
	}
	// What does not change the result may change: threads, where things lie, how much is kept.
	moved := jsonl(t, filepath.Join(t.TempDir(), "moved.jsonl"), sentences(60, 3)...)
	train(t, config(func(c *Config) {
		c.Data[0].Path, c.Threads, c.Accumulate, c.Recompute, c.Checkpoint.Keep, c.Cost.PricePerHour = moved, 2, 0, "layers", 1, 3
	}), Options{Dir: dir})
	whole := t.TempDir()
	train(t, config(nil), Options{Dir: whole})
	if weights(t, dir) != weights(t, whole) {
		t.Error("other weights after going on")
	}
}

// A checkpoint that another instruction set made is gone on from, with a word about it.
func TestOtherKernels(t *testing.T) {
	dir := t.TempDir()
	config := func() Config { return with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Steps = 6 }) }
	cut(t, config(), dir, 3)
	path := filepath.Join(dir, checkpointDir, stepDir(3), stateFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]json.RawMessage
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	s["kernels"] = json.RawMessage(`"another"`)
	if b, err = json.Marshal(s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	rep := train(t, config(), Options{Dir: dir})
	if rep.Step != 6 || len(rep.Notes) != 1 || !strings.Contains(rep.Notes[0], "made on another") {
		t.Errorf("step %d, notes %q", rep.Step, rep.Notes)
	}
}

// Who asks to stop, or cancels, while data are still being prepared or a model is judged is heard there.
func TestStopOutsideOfTheLoop(t *testing.T) {
	config := func() Config { return with(tiny(t, Causal, sentences(600, 3)), func(c *Config) { c.Steps = 3 }) }
	dir := t.TempDir()
	stop := make(chan struct{})
	close(stop)
	if _, err := Train(t.Context(), config(), Options{Dir: dir, Stop: stop}); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want ErrStopped", err)
	}
	for _, when := range []string{"train tokenizer", "tokenize data.jsonl"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Train(ctx, config(), Options{Dir: t.TempDir(), Say: func(what string) {
			if what == when {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in %q: %v", when, err)
		}
	}
	train(t, config(), Options{Dir: dir})
}

// A model that a training did not make is not overwritten by it, nor the one that it begins with.
func TestOtherModelsStay(t *testing.T) {
	base := t.TempDir()
	train(t, with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Steps = 1 }), Options{Dir: base})
	want := weights(t, base)
	again := func() Config {
		return with(tiny(t, Causal, sentences(60, 4)), func(c *Config) { c.Model, c.Tokenizer = ModelConfig{Path: base}, TokenizerConfig{} })
	}
	if _, err := Train(t.Context(), again(), Options{Dir: base}); err == nil || !strings.Contains(err.Error(), "give another folder") {
		t.Errorf("into its own beginning: %v", err)
	}
	for _, name := range []string{configFile, checkpointDir} {
		if err := os.RemoveAll(filepath.Join(base, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := with(tiny(t, Causal, sentences(60, 4)), func(*Config) {})
	if _, err := Train(t.Context(), c, Options{Dir: base, Fresh: true}); err == nil || !strings.Contains(err.Error(), "would be lost") {
		t.Errorf("over another model: %v", err)
	}
	if weights(t, base) != want {
		t.Error("the model is another one")
	}
}
