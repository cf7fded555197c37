package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// GGUF is what the metadata of a GGUF file says about a tokenizer: the keys tokenizer.ggml.* and tokenizer.chat_template.
type GGUF struct {
	Model  string    // tokenizer.ggml.model: gpt2, llama or bert
	Pre    string    // tokenizer.ggml.pre: which pattern splits words (gpt2)
	Tokens []string  // tokenizer.ggml.tokens
	Scores []float32 // tokenizer.ggml.scores (llama)
	Types  []int32   // tokenizer.ggml.token_type: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte
	Merges []string  // tokenizer.ggml.merges: "a b" (gpt2)

	BOS, EOS, UNK, PAD, SEP, CLS, MASK int32 // tokenizer.ggml.*_token_id, -1 where absent
	AddBOS, AddEOS                     bool  // tokenizer.ggml.add_bos_token, add_eos_token
	NoSpacePrefix                      bool  // tokenizer.ggml.add_space_prefix is false (llama)
	Cased                              bool  // bert: keep case and accents; GGUF does not say

	ChatTemplate string
}

const (
	ggufNormal = 1 + iota
	ggufUnknown
	ggufControl
	ggufUser
	ggufUnused
	ggufByte
)

// ggufSplits are the values of tokenizer.ggml.pre and what they mean.
var ggufSplits = map[string]string{
	"": "gpt2", "gpt-2": "gpt2", "phi-2": "gpt2", "mpt": "gpt2", "olmo": "gpt2", "jais": "gpt2",
	"smollm": "digits", "starcoder": "digits", "refact": "digits", "command-r": "digits", "codeshell": "digits",
	"llama-bpe": "llama3", "llama3": "llama3", "llama-v3": "llama3",
	"qwen2": "qwen2", "deepseek-r1-qwen": "qwen2",
	"gpt-4o": "o200k", "llama4": "o200k",
}

// FromGGUF builds the tokenizer of a GGUF file.
func FromGGUF(g GGUF) (*Tokenizer, error) {
	if len(g.Types) != 0 && len(g.Types) != len(g.Tokens) {
		return nil, fmt.Errorf("tokenizer.ggml.token_type: %d types for %d tokens", len(g.Types), len(g.Tokens))
	}
	var f file
	var err error
	switch g.Model {
	case "gpt2":
		f, err = g.byteLevel()
	case "llama":
		f, err = g.sentencePiece()
	case "bert":
		f = g.wordPiece()
	default:
		err = fmt.Errorf("tokenizer.ggml.model: unknown model %q, want gpt2, llama or bert", g.Model)
	}
	if err != nil {
		return nil, err
	}
	if added := g.added(); len(added) > 0 {
		f.AddedTokens = added
	}
	if f.PostProcessor == nil {
		f.PostProcessor = g.template()
	}
	t, err := build(f)
	if err != nil {
		return nil, fmt.Errorf("gguf vocabulary: %w", err)
	}
	t.chat = g.ChatTemplate
	for _, s := range []struct {
		id   int32
		into *int32
	}{
		{g.BOS, &t.special.BOS}, {g.EOS, &t.special.EOS}, {g.UNK, &t.special.UNK}, {g.PAD, &t.special.PAD},
		{g.SEP, &t.special.SEP}, {g.CLS, &t.special.CLS}, {g.MASK, &t.special.MASK},
	} {
		if s.id >= int32(len(g.Tokens)) {
			return nil, fmt.Errorf("gguf vocabulary: special token %d of %d tokens", s.id, len(g.Tokens))
		}
		if s.id >= 0 {
			*s.into = s.id
		}
	}
	return t, nil
}

func (g *GGUF) kind(id int) int32 {
	if len(g.Types) == 0 {
		return ggufNormal
	}
	return g.Types[id]
}

// added returns the tokens that texts may spell out: control and user defined ones.
func (g *GGUF) added() []AddedToken {
	var out []AddedToken
	for id, t := range g.Tokens {
		k := g.kind(id)
		special := k == ggufControl || k == ggufUnknown
		if t != "" && (special || k == ggufUser) {
			out = append(out, AddedToken{ID: int32(id), Content: t, Special: special})
		}
	}
	return out
}

// template puts the beginning and end tokens around a text when the file asks for it.
func (g *GGUF) template() json.RawMessage {
	bos, eos := g.AddBOS && g.BOS >= 0 && int(g.BOS) < len(g.Tokens), g.AddEOS && g.EOS >= 0 && int(g.EOS) < len(g.Tokens)
	if !bos && !eos {
		return nil
	}
	special := map[string]any{}
	token := func(id int32, kind int) any {
		name := g.Tokens[id]
		special[name] = map[string]any{"id": name, "ids": []int32{id}, "tokens": []string{name}}
		return map[string]any{"SpecialToken": map[string]any{"id": name, "type_id": kind}}
	}
	around := func(text string, kind int) []any {
		var items []any
		if bos {
			items = append(items, token(g.BOS, kind))
		}
		items = append(items, map[string]any{"Sequence": map[string]any{"id": text, "type_id": kind}})
		if eos {
			items = append(items, token(g.EOS, kind))
		}
		return items
	}
	return component(map[string]any{
		"type": "TemplateProcessing", "single": around("A", 0), "pair": append(around("A", 0), around("B", 1)...),
		"special_tokens": special,
	})
}

// component writes a part of a tokenizer.json.
func component(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps, lists, strings and numbers always marshal
	}
	return raw
}

func (g *GGUF) byteLevel() (file, error) {
	split, ok := ggufSplits[g.Pre]
	if !ok {
		return file{}, fmt.Errorf("tokenizer.ggml.pre: unknown pre-tokenizer %q", g.Pre)
	}
	f := byteLevelFile(split)
	f.Model = modelFile{kind: "BPE", vocab: newVocabulary(g.Tokens), IgnoreMerges: split == "llama3"}
	for i, m := range g.Merges {
		a, b, ok := strings.Cut(m, " ")
		if !ok {
			return file{}, fmt.Errorf("tokenizer.ggml.merges[%d]: %q is not two tokens with a space between", i, m)
		}
		f.Model.merges = append(f.Model.merges, [2]string{a, b})
	}
	return f, nil
}

// byteLevelFile is the frame of a byte-level tokenizer whose words are split as the models of that name do.
func byteLevelFile(split string) file {
	const level = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":%t}`
	f := file{Decoder: json.RawMessage(`{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}`)}
	pattern := map[string]string{"llama3": llama3Pattern, "qwen2": qwen2Pattern, "o200k": o200kPattern}[split]
	switch {
	case split == "gpt2":
		f.PreTokenizer = fmt.Appendf(nil, level, true)
	case split == "digits":
		f.PreTokenizer = fmt.Appendf(nil, `{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},`+level+`]}`, true)
	default:
		f.PreTokenizer = fmt.Appendf(nil, `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":%s},"behavior":"Isolated","invert":false},`+
			level+`]}`, quote(pattern), false)
	}
	if split == "qwen2" {
		f.Normalizer = json.RawMessage(`{"type":"NFC"}`)
	}
	return f
}

// sentencePiece rebuilds the merges that SentencePiece BPE implies: any two neighbours may join to a token, the one
// of the highest score first. Equal scores are equal ranks, so the leftmost goes first there as well.
func (g *GGUF) sentencePiece() (file, error) {
	if len(g.Scores) != len(g.Tokens) {
		return file{}, fmt.Errorf("tokenizer.ggml.scores: %d scores for %d tokens", len(g.Scores), len(g.Tokens))
	}
	f := file{
		Normalizer: json.RawMessage(`{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}`),
		Decoder:    json.RawMessage(`{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}`),
	}
	if g.NoSpacePrefix {
		f.Normalizer = json.RawMessage(`{"type":"Replace","pattern":{"String":" "},"content":"▁"}`)
		f.Decoder = json.RawMessage(`{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}]}`)
	}
	m := modelFile{kind: "BPE", vocab: newVocabulary(g.Tokens), FuseUnk: true}
	if g.UNK >= 0 && int(g.UNK) < len(g.Tokens) {
		m.UnkToken = &g.Tokens[g.UNK]
	}
	for id := range g.Tokens {
		m.ByteFallback = m.ByteFallback || g.kind(id) == ggufByte
	}
	order := make([]int, 0, len(g.Tokens))
	for id := range g.Tokens {
		if g.kind(id) == ggufNormal {
			order = append(order, id)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(g.Scores[b], g.Scores[a]) })
	normal := func(s string) bool {
		id, ok := m.vocab.ids[s]
		return ok && g.kind(int(id)) == ggufNormal
	}
	rank := int32(-1)
	for i, id := range order {
		if i == 0 || g.Scores[id] != g.Scores[order[i-1]] {
			rank++
		}
		t := g.Tokens[id]
		for cut := range t {
			if cut > 0 && utf8.ValidString(t) && normal(t[:cut]) && normal(t[cut:]) {
				m.merges = append(m.merges, [2]string{t[:cut], t[cut:]})
				m.ranks = append(m.ranks, rank)
			}
		}
	}
	f.Model = m
	return f, nil
}

// wordPiece undoes the spelling of GGUF, which marks the beginning of a word (▁the, ing) where BERT marks the rest of
// it (the, ##ing).
func (g *GGUF) wordPiece() file {
	tokens := make([]string, len(g.Tokens))
	for id, t := range g.Tokens {
		rest, begins := strings.CutPrefix(t, "▁")
		switch {
		case begins:
			tokens[id] = rest
		case g.kind(id) == ggufControl || g.kind(id) == ggufUnknown || strings.HasPrefix(t, "[") && strings.HasSuffix(t, "]"):
			tokens[id] = t
		default:
			tokens[id] = "##" + t
		}
	}
	return bertFile(tokens, !g.Cased)
}
