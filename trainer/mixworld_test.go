package trainer

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"sluice/trainer/mix"
)

// A plantedWorld is one of the four worlds of mixing, as files by domain, with a vocabulary and a token cache that all trainings share.
type plantedWorld struct {
	dir   string
	names []string // domains
	kinds []string // of the validation rows
	rows  map[string]int
}

// planted reads a world of the shared test data.
func planted(t testing.TB, name string) *plantedWorld {
	t.Helper()
	shared := os.Getenv("SLUICE_SHARED")
	if shared == "" {
		shared = "../../shared"
	}
	w := &plantedWorld{dir: t.TempDir(), rows: map[string]int{}}
	for _, part := range []string{"train", "valid"} {
		f, err := os.Open(filepath.Join(shared, "data/mixing", name, part+".jsonl.gz"))
		if os.IsNotExist(err) {
			t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(z)
		s.Buffer(nil, 1<<24)
		rows := map[string][]map[string]any{}
		var order []string
		for s.Scan() {
			var r map[string]any
			if err := json.Unmarshal(s.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			d := r["domain"].(string)
			if rows[d] == nil {
				order = append(order, d)
			}
			rows[d] = append(rows[d], r)
		}
		for d, r := range rows {
			if part == "valid" && d != "goal" {
				r = r[:min(len(r), 40)] // enough for pairs, which see the same rows
			}
			jsonl(t, w.file(d, part), r...)
			if part == "train" {
				w.rows[d] = len(r)
			}
		}
		if part == "train" {
			w.names = order
		} else {
			w.kinds = order
		}
	}
	return w
}

func (w *plantedWorld) file(domain, part string) string {
	return filepath.Join(w.dir, domain+"."+part+".jsonl")
}

// config is a training on domains of the world, of a model as small as can be: bytes, one layer.
func (w *plantedWorld) config(seed uint64, name string, m mix.Mixer, domains ...string) Config {
	c := Default()
	for _, d := range domains {
		c.Data = append(c.Data, Data{Name: d, Path: w.file(d, "train")})
	}
	c.Model = ModelConfig{Layers: 1, Heads: 2, Dim: 32}
	c.Tokenizer = TokenizerConfig{Train: "bpe", Vocab: 257}
	if _, err := os.Stat(filepath.Join(w.dir, tokenizerFile)); err == nil {
		c.Tokenizer = TokenizerConfig{Path: filepath.Join(w.dir, tokenizerFile)}
	}
	c.Context, c.Batch, c.Steps, c.Threads, c.Seed = 64, 16, 80, 1, seed
	c.Optimizer.Name, c.Optimizer.LR = "muon", .01
	c.Validation = Validation{Share: .05, Rows: 40}
	c.Eval.Every, c.Checkpoint.Every = c.Steps, c.Steps
	c.Cache = filepath.Join(w.dir, "cache")
	c.Mix = Mixing{name, m}
	return c
}

// A course is a training and what its model is worth on the world's own validation rows.
type course struct {
	shares map[string]float64 // of the examples
	losses map[string]float64
	rep    *Report
}

// train trains, and judges by the world's validation rows.
func (w *plantedWorld) train(t testing.TB, c Config) course {
	t.Helper()
	dir := t.TempDir()
	out := course{shares: map[string]float64{}, losses: map[string]float64{}}
	out.rep = train(t, c, Options{Dir: dir, Progress: func(s Step) {
		for k, p := range s.Weights {
			out.shares[c.Data[k].Name] += p / float64(s.Steps)
		}
	}})
	if _, err := os.Stat(filepath.Join(w.dir, tokenizerFile)); err != nil {
		b, err := os.ReadFile(filepath.Join(dir, tokenizerFile))
		if err == nil {
			err = os.WriteFile(filepath.Join(w.dir, tokenizerFile), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var valid []Data
	if len(w.kinds) == 0 {
		return out
	}
	for _, d := range w.kinds {
		valid = append(valid, Data{Name: d, Path: w.file(d, "valid")})
	}
	res, err := Evaluate(t.Context(), dir, valid, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range w.kinds {
		out.losses[d] = res.Domains[d].Loss
	}
	return out
}

// excess is by how much losses are above others on average over domains and pairs, as a ratio, with the half width of its 95 % interval.
func excess(a, b []course, domains ...string) (mean, half float64) {
	quantile := map[int]float64{2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776}[len(a)]
	var pairs []float64
	for i := range a {
		sum := 0.
		for _, d := range domains {
			sum += (a[i].losses[d]/b[i].losses[d] - 1) / float64(len(domains))
		}
		pairs = append(pairs, sum)
		mean += sum / float64(len(a))
	}
	for _, p := range pairs {
		half += (p - mean) * (p - mean) / float64(len(a)-1)
	}
	return mean, quantile * math.Sqrt(half/float64(len(a)))
}
