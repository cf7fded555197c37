package tokenizer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// FromVocabText builds a BERT tokenizer from a vocab.txt, one token a line. Lowercase is for the "uncased" models,
// whose accents go as well.
func FromVocabText(r io.Reader, lowercase bool) (*Tokenizer, error) {
	var tokens []string
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		tokens = append(tokens, strings.TrimRight(s.Text(), " \t\r\n"))
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("vocab.txt, line %d: %w", len(tokens)+1, err)
	}
	t, err := build(bertFile(tokens, lowercase))
	if err != nil {
		return nil, fmt.Errorf("vocab.txt: %w", err)
	}
	return t, nil
}

// bertFile is the frame of a BERT tokenizer: [CLS] text [SEP], with the special tokens that the vocabulary has.
func bertFile(tokens []string, lowercase bool) file {
	v := newVocabulary(tokens)
	f := file{
		Normalizer: component(map[string]any{
			"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": lowercase,
		}),
		PreTokenizer: json.RawMessage(`{"type":"BertPreTokenizer"}`),
		Decoder:      json.RawMessage(`{"type":"WordPiece","prefix":"##","cleanup":true}`),
		Model:        modelFile{kind: "WordPiece", vocab: v},
	}
	for _, name := range bertSpecials {
		if id := v.id(name); id >= 0 {
			f.AddedTokens = append(f.AddedTokens, AddedToken{ID: id, Content: name, Special: true})
		}
	}
	if cls, sep := v.id("[CLS]"), v.id("[SEP]"); cls >= 0 && sep >= 0 {
		f.PostProcessor = component(map[string]any{
			"type": "BertProcessing", "sep": []any{"[SEP]", sep}, "cls": []any{"[CLS]", cls},
		})
	}
	return f
}

var bertSpecials = []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}

// Characters builds a tokenizer whose tokens are the special ones, then the characters of sample, in order of their code points:
// byte-pair encoding without merges. Characters that sample has not are left out of encodings.
func Characters(sample string, special ...string) (*Tokenizer, error) {
	seen := map[rune]bool{}
	for _, r := range sample {
		seen[r] = true
	}
	tokens := make([]string, 0, len(seen))
	for r := range seen {
		tokens = append(tokens, string(r))
	}
	slices.Sort(tokens)
	if len(tokens) == 0 {
		return nil, fmt.Errorf("character tokenizer: the sample is empty")
	}
	return build(file{
		AddedTokens: specialTokens(special),
		Decoder:     json.RawMessage(`{"type":"Fuse"}`),
		Model:       modelFile{kind: "BPE", vocab: newVocabulary(slices.Concat(special, tokens))},
	})
}
