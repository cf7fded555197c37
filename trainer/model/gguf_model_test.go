package model

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/model/gguf"
	"sluice/trainer/tensor"
	"sluice/trainer/tokenizer"
)

// words is a vocabulary of SentencePiece's kind with n tokens.
func words(n int) tokenizer.GGUF {
	v := tokenizer.GGUF{Model: "llama", BOS: 1, EOS: 2, UNK: 0, PAD: -1, SEP: -1, CLS: -1, MASK: -1, AddBOS: true, ChatTemplate: "{{ messages }}"}
	for i := range n {
		v.Tokens, v.Scores, v.Types = append(v.Tokens, fmt.Sprintf("▁w%d", i)), append(v.Scores, -float32(i)), append(v.Types, 1)
	}
	v.Types[0], v.Types[1], v.Types[2] = 2, 3, 3
	return v
}

func logitsOf(t *testing.T, m *Model, in Input) (out []float32) {
	t.Helper()
	if err := cpu(t, 2).Infer(func(g *tensor.Graph) { out = slices.Clone(m.Logits(g, in).Value()) }); err != nil {
		t.Fatal(err)
	}
	return out
}

// A llama written as GGUF and read again is the same model to the format's precision, with its vocabulary, and what was rounded once is written
// again to the same bytes.
func TestGGUF(t *testing.T) {
	for _, untied := range []bool{false, true} {
		c := tiny(Llama, CausalLM)
		c.Hidden, c.HeadDim, c.FFN, c.Untied = 64, 16, 96, untied
		c.Rope = RopeConfig{Theta: 5e4, Type: "linear", Factor: 2}
		c.InitRange = .05
		m := fresh(t, c)
		in := ragged(m.Config)
		want := logitsOf(t, m, in)
		deviation := 0.0
		for _, v := range want {
			deviation += float64(v) * float64(v) / float64(len(want))
		}
		for f, part := range map[gguf.Format]float64{gguf.F32: 0, gguf.F16: .002, gguf.Q8_0: .02, gguf.Q4_0: .35} {
			path := filepath.Join(t.TempDir(), "m.gguf")
			v := words(50)
			if err := m.SaveGGUF(path, f, v); err != nil {
				t.Fatal(err)
			}
			got, gv, err := LoadGGUF(path)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			if gv.Tokens[50] != "[PAD50]" || gv.Types[50] != 5 || len(gv.Tokens) != c.Vocab {
				t.Errorf("rows without a token: %q of type %d", gv.Tokens[50], gv.Types[50])
			}
			gv.Tokens, gv.Types, gv.Scores = gv.Tokens[:50], gv.Types[:50], gv.Scores[:50]
			if !reflect.DeepEqual(gv, v) {
				t.Errorf("vocabulary %+v, want %+v", gv, v)
			}
			wantConfig := m.Config
			wantConfig.InitRange, wantConfig.Eps, got.Config.Eps = .02, 1e-5, math.Round(got.Config.Eps*1e9)/1e9
			if !reflect.DeepEqual(got.Config, wantConfig) {
				t.Errorf("config\n%+v, want\n%+v", got.Config, wantConfig)
			}
			square := 0.0
			for i, z := range logitsOf(t, got, in) {
				d := float64(z - want[i])
				square += d * d / float64(len(want))
			}
			if r := math.Sqrt(square / deviation); r > part {
				t.Errorf("%s: logits differ by %.4f of their size, want at most %.4f", f, r, part)
			}
			again := path + "2"
			if err := got.SaveGGUF(again, f, v); err != nil {
				t.Fatal(err)
			}
			a, _ := os.ReadFile(path)
			b, _ := os.ReadFile(again)
			if got.Config.Eps = m.Config.Eps; !bytes.Equal(a, b) {
				t.Errorf("%s: other bytes when written again", f)
			}
		}
	}
}

// Rows of a head of six: halves 0 1 2 | 3 4 5 become pairs 0 3 1 4 2 5, and come back.
func TestInterleave(t *testing.T) {
	x := []float32{0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15}
	want := []float32{0, 10, 3, 13, 1, 11, 4, 14, 2, 12, 5, 15}
	if got := interleave(x, 1, 2); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if back := halves(interleave(x, 1, 2), 1, 2); !slices.Equal(back, x) {
		t.Errorf("back: %v", back)
	}
	two := append(slices.Clone(x), x...)
	if got := interleave(two, 2, 2); !slices.Equal(got[:12], want) || !slices.Equal(got[12:], want) {
		t.Errorf("two heads: %v", got)
	}
}

func TestNamesOfGGUF(t *testing.T) {
	for _, s := range (Config{Family: Llama, Head: CausalLM, Vocab: 8, Hidden: 4, Layers: 12, Heads: 2, Untied: true}).filled().specs() {
		name, ok := toGGUF(s.name)
		if back, ok2 := fromGGUF(name); !ok || !ok2 || back != s.name {
			t.Errorf("%s is %s, which is %s", s.name, name, back)
		}
	}
	for _, name := range []string{"blk.x.attn_q.weight", "blk..attn_q.weight", "blk.1.attn_q.bias", "blk.1", "blk.N.attn_q.weight", "rope"} {
		if plain, ok := fromGGUF(name); ok {
			t.Errorf("%s is %s", name, plain)
		}
	}
}

func TestBadGGUF(t *testing.T) {
	c := tiny(Llama, CausalLM)
	m := fresh(t, c)
	keys := func(drop string, add ...gguf.KV) []gguf.KV {
		k := append(m.Config.ggufKeys(0), vocabularyKeys(words(50), c.Vocab)...)
		return append(slices.DeleteFunc(k, func(kv gguf.KV) bool { return kv.Key == drop }), add...)
	}
	var tensors []gguf.Tensor
	for i, s := range m.Config.specs() {
		name, _ := toGGUF(s.name)
		x := m.params[i].Value()
		tensors = append(tensors, gguf.Tensor{Name: name, Shape: s.shape, Values: func() []float32 { return x }})
	}
	stray := gguf.Tensor{Name: "blk.0.attn_q.bias", Shape: []int{24}, Values: func() []float32 { return make([]float32, 24) }}
	for what, c := range map[string]struct {
		keys    []gguf.KV
		tensors []gguf.Tensor
		want    string
	}{
		"architecture": {[]gguf.KV{{Key: "general.architecture", Value: "bert"}}, nil, `"bert"`},
		"no size":      {keys("llama.block_count"), tensors, "llama.block_count"},
		"no epsilon":   {keys("llama.attention.layer_norm_rms_epsilon"), tensors, "epsilon"},
		"stray":        {keys(""), append(slices.Clone(tensors), stray), "blk.0.attn_q.bias"},
		"missing":      {keys(""), tensors[:len(tensors)-1], "model.norm.weight"},
		"part turned":  {keys("llama.rope.dimension_count", gguf.KV{Key: "llama.rope.dimension_count", Value: uint32(2)}), tensors, "dimension_count"},
		"experts":      {keys("", gguf.KV{Key: "llama.expert_count", Value: uint32(8)}), tensors, "experts"},
		"layers":       {keys("llama.block_count", gguf.KV{Key: "llama.block_count", Value: uint32(1 << 31)}), tensors, "layers"},
		"heads":        {keys("llama.attention.head_count", gguf.KV{Key: "llama.attention.head_count", Value: uint32(0)}), tensors, "heads"},
		"vocabulary":   {keys("tokenizer.ggml.tokens", gguf.KV{Key: "tokenizer.ggml.tokens", Value: make([]string, 99)}), tensors, "99 tokens"},
	} {
		path := filepath.Join(t.TempDir(), "bad.gguf")
		if err := gguf.WriteFile(path, c.keys, c.tensors); err != nil {
			t.Fatal(err)
		}
		if _, _, err := LoadGGUF(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.gguf") {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	if err := fresh(t, tiny(GPT2, CausalLM)).SaveGGUF(filepath.Join(t.TempDir(), "x"), gguf.F16, words(50)); err == nil {
		t.Error("a GPT-2 as GGUF: no error")
	}
	if err := m.SaveGGUF(filepath.Join(t.TempDir(), "x"), gguf.F16, words(54)); err == nil {
		t.Error("a vocabulary beyond the model: no error")
	}
}

func FuzzGGUF(f *testing.F) {
	c := tiny(Llama, CausalLM)
	c.Vocab, c.Hidden, c.FFN, c.Heads, c.KVHeads, c.Layers = 5, 4, 4, 2, 1, 1
	m := fresh(f, c)
	path := filepath.Join(f.TempDir(), "seed.gguf")
	if err := m.SaveGGUF(path, gguf.F32, words(4)); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := gguf.Parse("fuzz.gguf", b)
		if err != nil {
			return
		}
		m, _, err := fromFile(file)
		if err == nil && m.Size() > 16*len(b) {
			t.Fatalf("%d weights of %d bytes", m.Size(), len(b))
		}
	})
}
