package trainer

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// jsonl writes rows to a file.
func jsonl(t testing.TB, path string, rows ...map[string]any) string {
	t.Helper()
	var b strings.Builder
	for _, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sentences are texts of a small grammar, which a model can learn.
func sentences(n int, seed uint64) (rows []map[string]any) {
	rng := rand.New(rand.NewPCG(seed, 1))
	who, does, what := []string{"the cat", "a dog", "my friend", "the king"}, []string{"sees", "likes", "finds"}, []string{"the moon", "a house", "some bread"}
	for range n {
		var b strings.Builder
		for range 1 + rng.IntN(3) {
			b.WriteString(who[rng.IntN(4)] + " " + does[rng.IntN(3)] + " " + what[rng.IntN(3)] + ". ")
		}
		rows = append(rows, map[string]any{"text": strings.TrimSpace(b.String())})
	}
	return rows
}

// labeled are texts whose label is one word among others.
func labeled(n int, seed uint64) (rows []map[string]any) {
	rng := rand.New(rand.NewPCG(seed, 2))
	words, other := []string{"red", "green", "blue"}, []string{"car", "tree", "sky", "road", "bird"}
	for range n {
		k := rng.IntN(3)
		text := ""
		at := rng.IntN(4)
		for i := range 4 {
			if i == at {
				text += words[k] + " "
			}
			text += other[rng.IntN(5)] + " "
		}
		rows = append(rows, map[string]any{"text": strings.TrimSpace(text), "label": words[k], "score": float64(k)})
	}
	return rows
}

// tiny is a config of two layers and 64 dimensions on rows.
func tiny(t testing.TB, task string, rows []map[string]any) Config {
	t.Helper()
	c := Default()
	c.Task = task
	c.Data = []Data{{Name: "data", Path: jsonl(t, filepath.Join(t.TempDir(), "data.jsonl"), rows...)}}
	c.Model = ModelConfig{Layers: 2, Heads: 2, Dim: 64}
	c.Tokenizer = TokenizerConfig{Train: "bpe", Vocab: 300}
	if task == Masked || task == Classify || task == Regress {
		c.Tokenizer = TokenizerConfig{Train: "wordpiece", Vocab: 120}
	}
	c.Context, c.Batch, c.Steps, c.Threads = 32, 8, 60, 1
	c.Validation.Share = .1
	c.Eval.Every = 20
	return c
}

func train(t testing.TB, c Config, o Options) *Report {
	t.Helper()
	rep, err := Train(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// weights are the bytes of the model in dir.
func weights(t testing.TB, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, weightsFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func firstLoss(t testing.TB, dir string) float64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	var p point
	line, _, _ := strings.Cut(string(b), "\n")
	if err := json.Unmarshal([]byte(line), &p); err != nil {
		t.Fatal(err)
	}
	return p.Loss
}

func chats(n int) (rows []map[string]any) {
	for i := range n {
		a, b := i%8, i/8
		rows = append(rows, map[string]any{"messages": []any{
			map[string]any{"role": "user", "content": fmt.Sprintf("add %d and %d", a, b)},
			map[string]any{"role": "assistant", "content": fmt.Sprint(a + b)}}})
	}
	return rows
}
