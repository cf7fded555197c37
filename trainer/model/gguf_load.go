package model

import (
	"fmt"
	"math"

	"sluice/trainer/model/gguf"
	"sluice/trainer/tokenizer"
)

// LoadGGUF reads a Llama and its vocabulary from a GGUF file; weights in blocks of integers become float32. tokenizer.FromGGUF makes a tokenizer of
// the vocabulary.
func LoadGGUF(path string) (*Model, tokenizer.GGUF, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, tokenizer.GGUF{}, err
	}
	defer f.Close()
	m, v, err := fromFile(f)
	if err != nil {
		return nil, tokenizer.GGUF{}, err
	}
	return m, v, nil
}

func fromFile(f *gguf.File) (*Model, tokenizer.GGUF, error) {
	v := vocabulary(f.Meta)
	c, err := ggufConfig(f.Meta)
	if err != nil {
		return nil, v, fmt.Errorf("%s: %w", f.Path(), err)
	}
	s := source{where: f.Path(), shape: map[string][]int{}, file: func(string) string { return f.Path() }}
	names := map[string]string{} // GGUF's, by the names that source knows
	for _, t := range f.Infos() {
		if t.Name == "rope_freqs.weight" {
			return nil, v, fmt.Errorf("%s: tensor %q %v: scaled rotary positions are not supported in GGUF", f.Path(), t.Name, t.Shape)
		}
		plain, ok := fromGGUF(t.Name)
		if !ok {
			return nil, v, fmt.Errorf("%s: tensor %q %v is no part of a llama", f.Path(), t.Name, t.Shape)
		}
		names[plain] = t.Name
		s.shape[plain] = t.Shape
		if plain == "embed_tokens.weight" && len(t.Shape) == 2 {
			c.Vocab = t.Shape[0]
		}
		if plain == "lm_head.weight" {
			c.Untied = true
		}
	}
	if c.Vocab < len(v.Tokens) {
		return nil, v, fmt.Errorf("%s: %d tokens in the vocabulary, but rows for %d in token_embd.weight", f.Path(), len(v.Tokens), c.Vocab)
	}
	c = c.filled()
	s.read = func(name string, dst []float32) error {
		if err := f.Read(names[name], dst); err != nil {
			return err
		}
		if heads, ok := c.permuted(name); ok {
			copy(dst, halves(dst, heads, c.Hidden))
		}
		return nil
	}
	m, err := s.model(c, LoadOptions{Head: CausalLM})
	return m, v, err
}

// ggufConfig reads the shape of a llama from the metadata.
func ggufConfig(meta gguf.Metadata) (Config, error) {
	arch := meta.String("general.architecture")
	if arch != "llama" {
		return Config{}, fmt.Errorf("general.architecture %q is not supported: want llama", arch)
	}
	c := Config{Family: Llama, Head: CausalLM, PadID: -1, BOS: -1}
	for _, k := range []struct {
		key      string
		into     *int
		optional bool
	}{
		{"embedding_length", &c.Hidden, false}, {"block_count", &c.Layers, false}, {"feed_forward_length", &c.FFN, false},
		{"attention.head_count", &c.Heads, false}, {"attention.head_count_kv", &c.KVHeads, true}, {"context_length", &c.Positions, false},
		{"attention.key_length", &c.HeadDim, true}, {"vocab_size", &c.Vocab, true},
	} {
		n, ok := meta.Int(arch + "." + k.key)
		if !ok && !k.optional {
			return c, fmt.Errorf("key %s.%s is missing or no number", arch, k.key)
		}
		*k.into = n
	}
	eps, ok := meta.Float(arch + ".attention.layer_norm_rms_epsilon")
	if !ok {
		return c, fmt.Errorf("key %s.attention.layer_norm_rms_epsilon is missing", arch)
	}
	c.Eps = eps
	if theta, ok := meta.Float(arch + ".rope.freq_base"); ok {
		c.Rope.Theta = theta
	}
	if kind := meta.String(arch + ".rope.scaling.type"); kind != "" && kind != "none" {
		factor, _ := meta.Float(arch + ".rope.scaling.factor")
		c.Rope.Type, c.Rope.Factor = kind, factor
	}
	head := c.filled().HeadDim
	if n, ok := meta.Int(arch + ".rope.dimension_count"); ok && n != head {
		return c, fmt.Errorf("%s.rope.dimension_count is %d for heads of %d: turning a part of a head is not supported", arch, n, head)
	}
	if n, ok := meta.Int(arch + ".expert_count"); ok && n > 0 {
		return c, fmt.Errorf("%s.expert_count is %d: experts are not supported", arch, n)
	}
	special := func(name string) int32 {
		if n, ok := meta.Int("tokenizer.ggml." + name + "_token_id"); ok && n >= 0 && n <= math.MaxInt32 {
			return int32(n)
		}
		return -1
	}
	c.BOS, c.PadID = special("bos"), special("padding")
	if eos := special("eos"); eos >= 0 {
		c.EOS = []int32{eos}
	}
	return c, nil
}

// vocabulary hands the metadata of the tokenizer over.
func vocabulary(meta gguf.Metadata) tokenizer.GGUF {
	const at = "tokenizer.ggml."
	v := tokenizer.GGUF{Model: meta.String(at + "model"), Pre: meta.String(at + "pre"), Tokens: meta.Strings(at + "tokens"), Scores: meta.Floats(at + "scores"),
		Types: meta.Ints(at + "token_type"), Merges: meta.Strings(at + "merges"), ChatTemplate: meta.String("tokenizer.chat_template")}
	for _, k := range specialKeys(&v) {
		*k.id = -1
		if n, ok := meta.Int(at + k.name + "_token_id"); ok && n >= 0 && n < math.MaxInt32 {
			*k.id = int32(n)
		}
	}
	v.AddBOS, _ = meta.Bool(at + "add_bos_token")
	if _, said := meta.Bool(at + "add_bos_token"); !said && v.Model == "llama" {
		v.AddBOS = true // the format's default for SentencePiece vocabularies
	}
	v.AddEOS, _ = meta.Bool(at + "add_eos_token")
	if space, said := meta.Bool(at + "add_space_prefix"); said {
		v.NoSpacePrefix = !space
	}
	return v
}

type specialKey struct {
	name string
	id   *int32
}

// specialKeys are GGUF's words for the special tokens.
func specialKeys(v *tokenizer.GGUF) []specialKey {
	return []specialKey{{"bos", &v.BOS}, {"eos", &v.EOS}, {"unknown", &v.UNK}, {"padding", &v.PAD}, {"seperator", &v.SEP}, {"cls", &v.CLS}, {"mask", &v.MASK}}
}
