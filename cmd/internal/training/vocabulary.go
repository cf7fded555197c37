package training

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"sluice/trainer/tokenizer"
)

// The types of tokens in GGUF.
const (
	ggufNormal = 1 + iota
	ggufUnknown
	ggufControl
	ggufUser
	ggufUnused
	ggufByte
)

// ggufPres are the names GGUF has for ways to split words, one for each way.
var ggufPres = []string{"gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o"}

// A tokenizerFile is what GGUF wants to know of a tokenizer.json.
type tokenizerFile struct {
	AddedTokens  []tokenizer.AddedToken `json:"added_tokens"`
	Normalizer   any                    `json:"normalizer"`
	PreTokenizer any                    `json:"pre_tokenizer"`
	Model        struct {
		Type         string
		Vocab        json.RawMessage
		Merges       [][2]string
		ByteFallback bool `json:"byte_fallback"`
	}
}

func written(t *tokenizer.Tokenizer) (f tokenizerFile, err error) {
	var b bytes.Buffer
	if err = t.Write(&b); err == nil {
		err = json.Unmarshal(b.Bytes(), &f)
	}
	return f, err
}

// Vocabulary gives a BPE tokenizer as GGUF has it, byte-level or in the way of SentencePiece. It is an error when the
// tokenizer that a reader of the file builds would give other ids.
func Vocabulary(t *tokenizer.Tokenizer) (tokenizer.GGUF, error) {
	f, err := written(t)
	if err != nil {
		return tokenizer.GGUF{}, err
	}
	if f.Model.Type != "BPE" {
		return tokenizer.GGUF{}, fmt.Errorf("GGUF has no %s vocabulary for models that generate: want BPE", f.Model.Type)
	}
	var vocab map[string]int32
	if err := json.Unmarshal(f.Model.Vocab, &vocab); err != nil {
		return tokenizer.GGUF{}, err
	}
	s := t.Special()
	v := tokenizer.GGUF{Model: "gpt2", BOS: s.BOS, EOS: s.EOS, UNK: s.UNK, PAD: s.PAD, SEP: s.SEP, CLS: s.CLS, MASK: s.MASK,
		ChatTemplate: t.ChatTemplate(), Tokens: make([]string, t.Vocab()), Types: slices.Repeat([]int32{ggufUnused}, t.Vocab())}
	for token, id := range vocab {
		v.Tokens[id], v.Types[id] = token, ggufNormal
	}
	for _, a := range f.AddedTokens {
		if v.Tokens[a.ID], v.Types[a.ID] = a.Content, ggufUser; a.Special {
			v.Types[a.ID] = ggufControl
		}
	}
	for id := range v.Tokens {
		if v.Types[id] == ggufUnused {
			v.Tokens[id] = fmt.Sprintf("[UNUSED%d]", id)
		}
	}
	bare, full := t.AppendIDs(nil, "a", false), t.AppendIDs(nil, "a", true)
	v.AddBOS = len(full) > len(bare) && full[0] == s.BOS
	v.AddEOS = len(full) > len(bare) && full[len(full)-1] == s.EOS
	if f.Model.ByteFallback {
		f.sentencePiece(&v, vocab)
		return v, sameIDs(t, v)
	}
	for _, m := range f.Model.Merges {
		v.Merges = append(v.Merges, m[0]+" "+m[1])
	}
	if v.Pre, err = f.pre(v); err != nil {
		return v, err
	}
	return v, sameIDs(t, v)
}

// sentencePiece fills in what that way has: the earlier a token is merged, the higher its score.
func (f *tokenizerFile) sentencePiece(v *tokenizer.GGUF, vocab map[string]int32) {
	v.Model, v.Scores = "llama", make([]float32, len(v.Tokens))
	for id := range v.Scores {
		v.Scores[id] = -float32(len(f.Model.Merges) + 1)
	}
	for rank, m := range slices.Backward(f.Model.Merges) {
		if id, ok := vocab[m[0]+m[1]]; ok {
			v.Scores[id] = -float32(rank)
		}
	}
	for b := range 256 {
		if id, ok := vocab[fmt.Sprintf("<0x%02X>", b)]; ok {
			v.Types[id] = ggufByte
		}
	}
	if v.UNK >= 0 {
		v.Types[v.UNK] = ggufUnknown
	}
	steps, _ := json.Marshal(f.Normalizer)
	v.NoSpacePrefix = !bytes.Contains(steps, []byte(`"Prepend"`))
}

// pre finds GGUF's name for the way words are split.
func (f *tokenizerFile) pre(v tokenizer.GGUF) (string, error) {
	want := plainSteps(f.PreTokenizer)
	v.ChatTemplate = ""
	for _, v.Pre = range ggufPres {
		t, err := tokenizer.FromGGUF(v)
		if err != nil {
			return "", err
		}
		twin, err := written(t)
		if err != nil {
			return "", err
		}
		if reflect.DeepEqual(plainSteps(twin.PreTokenizer), want) {
			return v.Pre, nil
		}
	}
	raw, _ := json.Marshal(f.PreTokenizer)
	return "", fmt.Errorf("GGUF has no name for this tokenizer's way to split words: %.200s", raw)
}

// plainSteps leaves out of a pre-tokenizer what changes no ids, and fills in what is not said.
func plainSteps(step any) any {
	m, ok := step.(map[string]any)
	if !ok {
		return step
	}
	if list, ok := m["pretokenizers"].([]any); ok {
		for i := range list {
			list[i] = plainSteps(list[i])
		}
		if len(list) == 1 {
			return list[0]
		}
	}
	if m["type"] == "ByteLevel" {
		delete(m, "trim_offsets")
		if m["use_regex"] == nil {
			m["use_regex"] = true
		}
	}
	return m
}

// ErrOtherIDs is a tokenizer that GGUF cannot hold.
var ErrOtherIDs = errors.New("GGUF cannot hold this tokenizer")

// probes are texts on which tokenizers differ.
var probes = []string{"", " ", "a", "Hello, world!", "  two  spaces\n\n\tand a tab ", "don't DON'T I'll we've", "in 2024: 1234567 or 3.14, 100%",
	"naïve café — “quoted”", "日本語のテキスト 中文 한국어", "мир العالم עולם हिन्दी", "🙂👩‍🚀 e\u0301", "x = foo(bar[0]);\n\treturn x*2\n", "\r\n\u00a0\u200b",
	"https://example.org/a?b=c&d", "SomeCamelCase snake_case ALLCAPS"}

// sameIDs holds the tokenizer that a reader of GGUF builds against t, on probes and on the texts of single tokens.
func sameIDs(t *tokenizer.Tokenizer, v tokenizer.GGUF) error {
	twin, err := tokenizer.FromGGUF(v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOtherIDs, err)
	}
	return EqualIDs(t, twin)
}

// EqualIDs holds two tokenizers against each other, on probes and on the texts of tokens, spread over the vocabulary.
func EqualIDs(t, twin *tokenizer.Tokenizer) error {
	texts := slices.Clone(probes)
	for id := 0; id < t.Vocab(); id += max(1, t.Vocab()/5000) {
		texts = append(texts, "x "+t.Decode([]int32{int32(id)}, false)+" y")
	}
	for _, text := range texts {
		for _, special := range []bool{false, true} {
			a, b := t.AppendIDs(nil, text, special), twin.AppendIDs(nil, text, special)
			if !slices.Equal(a, b) {
				return fmt.Errorf("%w: %q would be %v instead of %v", ErrOtherIDs, text, b, a)
			}
		}
	}
	return nil
}
