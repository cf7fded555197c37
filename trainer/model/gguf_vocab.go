package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/trainer/tokenizer"
)

// splits are the ways of cutting words that GGUF has names for, the commonest first; see tokenizer.FromGGUF.
var splits = []string{"gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o"}

// probes are texts on which ways of cutting words differ: contractions, runs of digits, spaces and line ends, cases, marks, scripts, emoji.
var probes = []string{"", " ", "a", " a  b ", "It's what they'LL do, isn't it?", "1 12 123 1234 12345678,90", "x=1;\n\n\n  y\t=\t2\r\n", "CamelCaseWORDS HTTPServer fooBAR",
	"naïve Größe e\u0301", "日本語 עברית русский", "🙂👩‍💻!?…—", "<s>[INST] </s>"}

// Vocabulary gives a tokenizer as GGUF has it. A tokenizer that GGUF cannot express is an error: what comes back gives the same ids for texts that tell the
// ways of cutting words apart.
func Vocabulary(t *tokenizer.Tokenizer) (tokenizer.GGUF, error) {
	var b bytes.Buffer
	if err := t.Write(&b); err != nil {
		return tokenizer.GGUF{}, err
	}
	var f vocabularyFile
	if err := json.Unmarshal(b.Bytes(), &f); err != nil {
		return tokenizer.GGUF{}, fmt.Errorf("tokenizer.json: %w", err)
	}
	if f.Model.Type != "BPE" {
		return tokenizer.GGUF{}, fmt.Errorf("a %s vocabulary has no form in a llama's GGUF: want BPE", f.Model.Type)
	}
	v := f.base(t)
	var tries []tokenizer.GGUF
	if f.Model.ByteFallback {
		v.Model = "llama"
		v.Scores = f.scores(v.Tokens)
		for _, v.NoSpacePrefix = range []bool{false, true} {
			tries = append(tries, v)
		}
	} else {
		v.Model = "gpt2"
		for _, m := range f.Model.Merges {
			v.Merges = append(v.Merges, m[0]+" "+m[1])
		}
		for _, v.Pre = range splits {
			tries = append(tries, v)
		}
	}
	for _, v := range tries {
		if ok, err := f.same(t, v); err != nil || ok {
			return v, err
		}
	}
	return tokenizer.GGUF{}, fmt.Errorf("the tokenizer cuts words in a way that GGUF has no name for: want one of %s, or SentencePiece's BPE", strings.Join(splits, ", "))
}

// vocabularyFile is what a tokenizer.json says that GGUF says too.
type vocabularyFile struct {
	Pre   cutter `json:"pre_tokenizer"`
	Model struct {
		Type         string
		Vocab        map[string]int32
		Merges       mergeList
		ByteFallback bool `json:"byte_fallback"`
	}
}

// A mergeList reads both ways of writing merges: "a b" and ["a", "b"].
type mergeList [][2]string

func (l *mergeList) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*[][2]string)(l)) == nil {
		return nil
	}
	var joined []string
	if err := json.Unmarshal(b, &joined); err != nil {
		return err
	}
	*l = nil
	for _, s := range joined {
		left, right, ok := strings.Cut(s, " ")
		if !ok {
			return fmt.Errorf("merge %q is not two tokens", s)
		}
		*l = append(*l, [2]string{left, right})
	}
	return nil
}

// base gives tokens, their types and the special ones.
func (f *vocabularyFile) base(t *tokenizer.Tokenizer) tokenizer.GGUF {
	const unknown, control, user, unused, single = 2, 3, 4, 5, 6
	s := t.Special()
	v := tokenizer.GGUF{BOS: s.BOS, EOS: s.EOS, UNK: s.UNK, PAD: s.PAD, SEP: s.SEP, CLS: s.CLS, MASK: s.MASK, ChatTemplate: t.ChatTemplate(),
		Tokens: make([]string, t.Vocab()), Types: make([]int32, t.Vocab())}
	for i := range v.Tokens {
		v.Tokens[i], v.Types[i] = fmt.Sprintf("[PAD%d]", i), unused
	}
	for token, id := range f.Model.Vocab {
		v.Tokens[id], v.Types[id] = token, ggufNormal
		if f.Model.ByteFallback && len(token) == 6 && strings.HasPrefix(token, "<0x") && token[5] == '>' {
			v.Types[id] = single
		}
	}
	for _, a := range t.AddedTokens() {
		v.Tokens[a.ID], v.Types[a.ID] = a.Content, user
		if a.Special {
			v.Types[a.ID] = control
		}
		if f.Model.ByteFallback && a.ID == s.UNK {
			v.Types[a.ID] = unknown
		}
	}
	plain, framed := t.AppendIDs(nil, "a", false), t.AppendIDs(nil, "a", true)
	if n := len(framed) - len(plain); n > 0 {
		v.AddBOS = framed[0] == s.BOS && s.BOS >= 0
		v.AddEOS = framed[len(framed)-1] == s.EOS && s.EOS >= 0 && (n > 1 || !v.AddBOS)
	}
	return v
}

// scores turns the order of merges into scores: the first merge is the highest.
func (f *vocabularyFile) scores(tokens []string) []float32 {
	rank := map[string]int{}
	for i, m := range f.Model.Merges {
		if token := m[0] + m[1]; rank[token] == 0 {
			rank[token] = i + 1
		}
	}
	out := make([]float32, len(tokens))
	for i, token := range tokens {
		if r := rank[token]; r > 0 {
			out[i] = -float32(r)
		}
	}
	return out
}

// A cutter is a pre-tokenizer, as far as it decides where words end.
type cutter struct {
	Type       string            `json:"type"`
	Parts      []cutter          `json:"pretokenizers"`
	Pattern    map[string]string `json:"pattern"`
	Behavior   string            `json:"behavior"`
	Invert     bool              `json:"invert"`
	Individual bool              `json:"individual_digits"`
	Regex      *bool             `json:"use_regex"` // absent: true
	Prefix     bool              `json:"add_prefix_space"`
}

// steps lists the parts of nested sequences, each as a text.
func (c cutter) steps() (out []string) {
	if c.Type == "Sequence" {
		for _, p := range c.Parts {
			out = append(out, p.steps()...)
		}
		return out
	}
	return []string{fmt.Sprint(c.Type, c.Pattern, c.Behavior, c.Invert, c.Individual, c.Regex == nil || *c.Regex, c.Prefix)}
}

// same tells whether a vocabulary cuts words in the same steps, if it is byte-level, and gives the tokenizer's ids on the probes.
func (f *vocabularyFile) same(t *tokenizer.Tokenizer, v tokenizer.GGUF) (bool, error) {
	twin, err := tokenizer.FromGGUF(v)
	if err != nil {
		return false, err
	}
	var b bytes.Buffer
	if err := twin.Write(&b); err != nil {
		return false, err
	}
	var g vocabularyFile
	if err := json.Unmarshal(b.Bytes(), &g); err != nil {
		return false, err
	}
	if v.Model == "gpt2" && !slices.Equal(f.Pre.steps(), g.Pre.steps()) {
		return false, nil
	}
	for _, text := range probes {
		if !slices.Equal(t.AppendIDs(nil, text, true), twin.AppendIDs(nil, text, true)) {
			return false, nil
		}
	}
	return true, nil
}
