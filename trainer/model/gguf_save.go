package model

import (
	"fmt"

	"sluice/trainer/model/gguf"
	"sluice/trainer/tokenizer"
)

// fileTypes are the values of general.file_type: what most tensors are.
var fileTypes = map[gguf.Format]uint32{gguf.F32: 0, gguf.F16: 1, gguf.Q4_0: 2, gguf.Q8_0: 7}

// SaveGGUF writes a Llama and its vocabulary as a GGUF file. Matrices are stored in format, except that Q4_0 leaves the tables of tokens at Q8_0, and
// that rows that are no whole blocks of 32 stay F16; gains are F32. Equal models give equal bytes.
func (m *Model) SaveGGUF(path string, format gguf.Format, v tokenizer.GGUF) error {
	c := m.Config
	if c.Family != Llama || c.Head != CausalLM {
		return fmt.Errorf("a %s with a %s head cannot be written as GGUF: want a llama that generates", c.Family, c.Head)
	}
	kind, ok := fileTypes[format]
	if !ok {
		return fmt.Errorf("cannot write %s: want F32, F16, Q8_0 or Q4_0", format)
	}
	if c.Rope.Type != "" && c.Rope.Type != "default" && c.Rope.Type != "linear" {
		return fmt.Errorf("rope scaling %q cannot be written as GGUF", c.Rope.Type)
	}
	if len(v.Tokens) > c.Vocab {
		return fmt.Errorf("%d tokens in the vocabulary, but the model has rows for %d", len(v.Tokens), c.Vocab)
	}
	var tensors []gguf.Tensor
	for i, s := range c.specs() {
		name, ok := toGGUF(s.name)
		if !ok {
			return fmt.Errorf("tensor %q %v has no name in GGUF", s.name, s.shape)
		}
		t, values := gguf.Tensor{Name: name, Shape: s.shape, Format: format}, m.params[i].Value()
		t.Values = func() []float32 {
			if heads, ok := c.permuted(s.name); ok {
				return interleave(values, heads, c.Hidden)
			}
			return values
		}
		switch quantised := format == gguf.Q8_0 || format == gguf.Q4_0; {
		case s.role == Gain:
			t.Format = gguf.F32
		case quantised && s.shape[1]%32 != 0:
			t.Format = gguf.F16
		case format == gguf.Q4_0 && s.role != Matrix:
			t.Format = gguf.Q8_0
		}
		tensors = append(tensors, t)
	}
	return gguf.WriteFile(path, append(c.ggufKeys(kind), vocabularyKeys(v, c.Vocab)...), tensors)
}

func (c Config) ggufKeys(kind uint32) []gguf.KV {
	n := func(v int) uint32 { return uint32(v) }
	keys := []gguf.KV{
		{Key: "general.architecture", Value: "llama"}, {Key: "general.file_type", Value: kind}, {Key: "general.quantization_version", Value: uint32(2)},
		{Key: "llama.context_length", Value: n(c.Positions)}, {Key: "llama.embedding_length", Value: n(c.Hidden)}, {Key: "llama.block_count", Value: n(c.Layers)},
		{Key: "llama.feed_forward_length", Value: n(c.FFN)}, {Key: "llama.attention.head_count", Value: n(c.Heads)},
		{Key: "llama.attention.head_count_kv", Value: n(c.KVHeads)}, {Key: "llama.attention.key_length", Value: n(c.HeadDim)},
		{Key: "llama.attention.value_length", Value: n(c.HeadDim)}, {Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(c.Eps)},
		{Key: "llama.rope.dimension_count", Value: n(c.HeadDim)}, {Key: "llama.rope.freq_base", Value: float32(c.Rope.Theta)}, {Key: "llama.vocab_size", Value: n(c.Vocab)},
	}
	if c.Rope.Type == "linear" {
		keys = append(keys, gguf.KV{Key: "llama.rope.scaling.type", Value: "linear"}, gguf.KV{Key: "llama.rope.scaling.factor", Value: float32(c.Rope.Factor)})
	}
	return keys
}

// The types of tokens that padding rows of a vocabulary get, and ordinary ones.
const (
	ggufNormal = 1
	ggufUnused = 5
)

// vocabularyKeys writes the vocabulary, filled up to the model's rows with tokens that no text makes.
func vocabularyKeys(v tokenizer.GGUF, rows int) []gguf.KV {
	const at = "tokenizer.ggml."
	if v.Model == "" {
		return nil
	}
	tokens, types, scores := append([]string{}, v.Tokens...), append([]int32{}, v.Types...), append([]float32{}, v.Scores...)
	for i := len(types); i < len(tokens); i++ {
		types = append(types, ggufNormal)
	}
	for i := len(tokens); i < rows; i++ {
		tokens, types = append(tokens, fmt.Sprintf("[PAD%d]", i)), append(types, ggufUnused)
		if len(v.Scores) > 0 {
			scores = append(scores, 0)
		}
	}
	keys := []gguf.KV{{Key: at + "model", Value: v.Model}}
	add := func(key string, value any, wanted bool) {
		if wanted {
			keys = append(keys, gguf.KV{Key: key, Value: value})
		}
	}
	add(at+"pre", v.Pre, v.Pre != "")
	add(at+"tokens", tokens, true)
	add(at+"scores", scores, len(scores) > 0)
	add(at+"token_type", types, true)
	add(at+"merges", v.Merges, len(v.Merges) > 0)
	for _, k := range specialKeys(&v) {
		add(at+k.name+"_token_id", uint32(max(0, *k.id)), *k.id >= 0)
	}
	add(at+"add_bos_token", v.AddBOS, true)
	add(at+"add_eos_token", v.AddEOS, v.AddEOS)
	add(at+"add_space_prefix", !v.NoSpacePrefix, v.Model == "llama" || v.NoSpacePrefix)
	add("tokenizer.chat_template", v.ChatTemplate, v.ChatTemplate != "")
	return keys
}
