package model

import (
	"bytes"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/model/safetensors"
)

// A model saved and loaded is the same model, and saved again the same bytes; in one file or several.
func TestSaveLoad(t *testing.T) {
	for _, c := range everyTiny() {
		c.Drop = Drop{Embedding: .1, Hidden: .1, Attention: .2}
		if c.Family != GPT2 && c.Family != Llama {
			c.Drop.Classifier = .3
		}
		if c.Family == Llama {
			c.Drop = Drop{Attention: .2}
			c.Rope = RopeConfig{Theta: 5e5, Type: "llama3", Factor: 8, Low: 1, High: 4, Original: 16}
		}
		m := fresh(t, c)
		for _, limit := range []int64{0, 5000} {
			one, two := t.TempDir(), t.TempDir()
			if err := m.Save(one, SaveOptions{MaxShard: limit}); err != nil {
				t.Fatal(err)
			}
			got, err := Load(one, LoadOptions{})
			if err != nil {
				t.Fatalf("%s: %v", c.label(), err)
			}
			if !reflect.DeepEqual(got.Config, m.Config) {
				t.Errorf("%s: config\n%+v, want\n%+v", c.label(), got.Config, m.Config)
			}
			if len(got.Unused)+len(got.Fresh) > 0 || got.Size() != m.Size() {
				t.Errorf("%s: unused %v, fresh %v, %d weights, want %d", c.label(), got.Unused, got.Fresh, got.Size(), m.Size())
			}
			for _, p := range m.Params() {
				if !slices.Equal(got.Param(p.Name()).Value(), p.Value()) {
					t.Errorf("%s: %s differs", c.label(), p.Name())
				}
			}
			if err := got.Save(two, SaveOptions{MaxShard: limit}); err != nil {
				t.Fatal(err)
			}
			sameFolder(t, one, two)
		}
	}
}

func sameFolder(t *testing.T, one, two string) {
	t.Helper()
	entries, err := os.ReadDir(one)
	if err != nil || len(entries) < 2 {
		t.Fatal(entries, err)
	}
	for _, f := range entries {
		a, _ := os.ReadFile(filepath.Join(one, f.Name()))
		b, _ := os.ReadFile(filepath.Join(two, f.Name()))
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", f.Name())
		}
	}
}

// Half precision keeps what it can: 11 bits, or 8.
func TestSaveHalf(t *testing.T) {
	m := fresh(t, tiny(Llama, CausalLM))
	for d, bits := range map[safetensors.DType]float64{safetensors.F16: 11, safetensors.BF16: 8} {
		dir := t.TempDir()
		if err := m.Save(dir, SaveOptions{DType: d}); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir, LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Params() {
			for i, v := range got.Param(p.Name()).Value() {
				if w := float64(p.Value()[i]); math.Abs(float64(v)-w) > math.Abs(w)*math.Pow(2, -bits)+1e-7 {
					t.Fatalf("%s: %s[%d] = %g, want %g", d, p.Name(), i, v, w)
				}
			}
		}
	}
	if err := m.Save(t.TempDir(), SaveOptions{DType: "I8"}); err == nil {
		t.Error("weights as I8: no error")
	}
}

// rewrite saves the model with its tensors as f leaves them.
func rewrite(t *testing.T, m *Model, f func(tensors map[string]safetensors.Tensor)) string {
	t.Helper()
	dir := t.TempDir()
	if err := m.Save(dir, SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	tensors := map[string]safetensors.Tensor{}
	for _, p := range m.Params() {
		tensors[p.Name()] = safetensors.Tensor{Name: p.Name(), DType: safetensors.F32, Shape: p.Shape(), Values: slices.Clone(p.Value())}
	}
	f(tensors)
	list := slices.Collect(maps.Values(tensors))
	if err := safetensors.WriteFile(filepath.Join(dir, safetensors.SingleName), list, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Files with other prefixes, the old names of norms, buffers and tied copies of the head are the same model.
func TestNamesOfFiles(t *testing.T) {
	for _, c := range []Config{tiny(BERT, MaskedLM), tiny(RoBERTa, MaskedLM), tiny(GPT2, CausalLM), tiny(Llama, CausalLM)} {
		m := fresh(t, c)
		rename := func(ts map[string]safetensors.Tensor, f func(string) string) {
			for _, name := range sortedKeys(ts) {
				x := ts[name]
				delete(ts, name)
				x.Name = f(name)
				ts[x.Name] = x
			}
		}
		add := func(ts map[string]safetensors.Tensor, name string) {
			ts[name] = safetensors.Tensor{Name: name, DType: safetensors.F32, Shape: []int{1}, Values: []float32{1}}
		}
		for what, f := range map[string]func(map[string]safetensors.Tensor){
			"no prefix": func(ts map[string]safetensors.Tensor) {
				rename(ts, func(s string) string { return strings.TrimPrefix(s, prefixes[c.Family]) })
			},
			"gamma and beta": func(ts map[string]safetensors.Tensor) {
				rename(ts, func(s string) string {
					return strings.NewReplacer("LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta").Replace(s)
				})
			},
			"buffers": func(ts map[string]safetensors.Tensor) {
				add(ts, map[Family]string{BERT: "bert.embeddings.position_ids", RoBERTa: "roberta.embeddings.position_ids", GPT2: "h.0.attn.bias",
					Llama: "model.layers.0.self_attn.rotary_emb.inv_freq"}[c.Family])
			},
			"other heads": func(ts map[string]safetensors.Tensor) {
				add(ts, map[Family]string{BERT: "cls.seq_relationship.weight", RoBERTa: "lm_head.decoder.weight", GPT2: "lm_head.weight", Llama: "lm_head.weight"}[c.Family])
			},
		} {
			got, err := Load(rewrite(t, m, f), LoadOptions{})
			if err != nil {
				t.Errorf("%s, %s: %v", c.label(), what, err)
				continue
			}
			if (len(got.Unused) == 1) != (what == "other heads") {
				t.Errorf("%s, %s: unused %v", c.label(), what, got.Unused)
			}
			for _, p := range m.Params() {
				if !slices.Equal(got.Param(p.Name()).Value(), p.Value()) {
					t.Errorf("%s, %s: %s differs", c.label(), what, p.Name())
				}
			}
		}
	}
}

// What is wrong with a file is said with tensor, shape and file.
func TestBadFolders(t *testing.T) {
	m := fresh(t, tiny(Llama, CausalLM))
	const q = "model.layers.1.self_attn.q_proj.weight"
	nan := func(v float32) func(map[string]safetensors.Tensor) {
		return func(ts map[string]safetensors.Tensor) { ts[q].Values[5] = v }
	}
	for what, c := range map[string]struct {
		f    func(map[string]safetensors.Tensor)
		want []string
	}{
		"missing": {func(ts map[string]safetensors.Tensor) { delete(ts, q) }, []string{"missing", q, "[24 24]"}},
		"stray": {func(ts map[string]safetensors.Tensor) {
			ts["x"] = safetensors.Tensor{Name: "model.layers.2.up", DType: safetensors.F32, Shape: []int{2}, Values: []float32{1, 2}}
		}, []string{"model.layers.2.up", "[2]", "no part", safetensors.SingleName}},
		"shape": {func(ts map[string]safetensors.Tensor) {
			x := ts[q]
			x.Shape, x.Values = []int{24, 12}, x.Values[:288]
			ts[q] = x
		}, []string{q, "[24 12]", "[24 24]", safetensors.SingleName}},
		"NaN":      {nan(float32(math.NaN())), []string{q, "NaN", "element 5", "[24 24]", safetensors.SingleName}},
		"infinity": {nan(float32(math.Inf(-1))), []string{q, "-Inf", "element 5"}},
		"twins": {func(ts map[string]safetensors.Tensor) {
			x := ts[q]
			x.Name = strings.TrimPrefix(q, "model.")
			ts[x.Name] = x
		}, []string{"same weight", q}},
	} {
		_, err := Load(rewrite(t, m, c.f), LoadOptions{})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", what, err, want)
			}
		}
	}
	if _, err := Load(t.TempDir(), LoadOptions{}); err == nil || !strings.Contains(err.Error(), ConfigName) {
		t.Errorf("empty folder: %v", err)
	}
	dir := rewrite(t, m, func(map[string]safetensors.Tensor) {})
	path := filepath.Join(dir, safetensors.SingleName)
	b, _ := os.ReadFile(path)
	if err := os.WriteFile(path, b[:len(b)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("cut file: %v", err)
	}
}

// A pre-trained body takes a new head when told to, the same one for the same seed, and says which weights are new.
func TestFreshHead(t *testing.T) {
	for _, f := range []Family{BERT, RoBERTa, GPT2, Llama} {
		first := MaskedLM
		if f.Decoder() {
			first = CausalLM
		}
		dir := t.TempDir()
		if err := fresh(t, tiny(f, first)).Save(dir, SaveOptions{}); err != nil {
			t.Fatal(err)
		}
		o := LoadOptions{Head: Classify, Labels: []string{"yes", "no"}, Seed: 3}
		if _, err := Load(dir, o); err == nil || !strings.Contains(err.Error(), "begin anew") {
			t.Errorf("%s: %v", f, err)
		}
		o.Fresh = true
		m, err := Load(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Fresh) == 0 {
			t.Errorf("%s: nothing is new", f)
		}
		if out, err := m.Predict(cpu(t, 1), [][]int32{{5, 6, 7}, {8}}, 0); err != nil || len(out) != 2 || math.Abs(float64(out[0][0]+out[0][1]-1)) > 1e-6 {
			t.Errorf("%s: predicts %v, %v", f, out, err)
		}
		again, err := Load(dir, o)
		if err != nil || !slices.EqualFunc(m.Params(), again.Params(), func(a, b Param) bool { return slices.Equal(a.Value(), b.Value()) }) {
			t.Errorf("%s: not the same again (%v)", f, err)
		}
		// A classifier of three labels becomes one of two.
		if err := m.Save(dir, SaveOptions{}); err != nil {
			t.Fatal(err)
		}
		o.Labels = []string{"a", "b", "c"}
		if m, err = Load(dir, o); err != nil {
			t.Fatal(err)
		}
		if out, err := m.Predict(cpu(t, 1), [][]int32{{5}}, 0); err != nil || len(out[0]) != 3 {
			t.Errorf("%s: three labels: %v, %v", f, out, err)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	for what, change := range map[string]func(*Config){
		"family":      func(c *Config) { c.Family = "t5" },
		"vocabulary":  func(c *Config) { c.Vocab = 0 },
		"hidden":      func(c *Config) { c.Hidden = -4 },
		"heads":       func(c *Config) { c.Heads, c.KVHeads = 4, 3 },
		"odd head":    func(c *Config) { c.HeadDim = 5 },
		"act":         func(c *Config) { c.Activation = "gelu" },
		"dropout":     func(c *Config) { c.Drop.Hidden = 1 },
		"head":        func(c *Config) { c.Head = MaskedLM },
		"no labels":   func(c *Config) { c.Head = Classify },
		"problem":     func(c *Config) { c.Head, c.Labels, c.Problem = Classify, []string{"a"}, "x" },
		"no head":     func(c *Config) { c.Head = "lm" },
		"rope":        func(c *Config) { c.Rope.Type = "yarn" },
		"rope factor": func(c *Config) { c.Rope.Type = "linear" },
		"epsilon":     func(c *Config) { c.Eps = math.NaN() },
	} {
		c := tiny(Llama, CausalLM)
		change(&c)
		if _, err := New(c, 1); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for what, b := range map[string]string{
		"JSON": `{`, "labels": `{"model_type":"bert","id2label":{"0":"a","2":"b"}}`, "relative": `{"model_type":"bert","position_embedding_type":"relative_key"}`,
		"biases": `{"model_type":"llama","attention_bias":true}`, "ids": `{"eos_token_id":"x"}`,
	} {
		if _, err := parseConfig([]byte(b)); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func FuzzConfig(f *testing.F) {
	for _, c := range everyTiny() {
		b, err := c.filled().bytes("float32")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"model_type":"llama","rope_parameters":{"rope_type":"llama3","factor":8},"eos_token_id":[1,2],"num_hidden_layers":99999999}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseConfig(b)
		if err != nil {
			return
		}
		if c = c.filled(); c.Head == AsStored {
			c.Head = Body
		}
		if c.validate() != nil || c.Layers > 100 {
			return
		}
		c.specs()
		out, err := c.bytes("float32")
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseConfig(out)
		if err != nil || again.filled().Vocab != c.Vocab || again.filled().Hidden != c.Hidden {
			t.Fatalf("%s\ngives %+v (%v), want %+v", out, again, err, c)
		}
	})
}
