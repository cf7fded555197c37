package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
)

// modelFile is the model of a tokenizer.json.
type modelFile struct {
	kind   string // BPE, WordPiece, Unigram
	vocab  *vocabulary
	scores []float64   // Unigram
	merges [][2]string // BPE
	ranks  []int32     // BPE: of the merges, nil for their order

	Dropout      *float64 `json:"dropout"`
	UnkToken     *string  `json:"unk_token"`
	UnkID        *int     `json:"unk_id"`
	Prefix       *string  `json:"continuing_subword_prefix"`
	Suffix       *string  `json:"end_of_word_suffix"`
	FuseUnk      bool     `json:"fuse_unk"`
	ByteFallback bool     `json:"byte_fallback"`
	IgnoreMerges bool     `json:"ignore_merges"`
	MaxChars     *int     `json:"max_input_chars_per_word"`
}

func parseModel(raw json.RawMessage) (modelFile, error) {
	var m struct {
		modelFile
		Type   string          `json:"type"`
		Vocab  json.RawMessage `json:"vocab"`
		Merges json.RawMessage `json:"merges"`
	}
	if err := decodeAt(raw, "model", &m); err != nil {
		return modelFile{}, err
	}
	if m.kind = m.Type; m.kind == "" {
		m.kind = guessModel(m.Vocab, m.Merges)
	}
	var err error
	switch m.kind {
	case "BPE":
		if m.vocab, err = parseVocab(m.Vocab); err == nil {
			m.merges, err = parseMerges(m.Merges)
		}
	case "WordPiece":
		m.vocab, err = parseVocab(m.Vocab)
	case "Unigram":
		err = m.modelFile.parseScored(m.Vocab)
	default:
		err = fmt.Errorf("model.type: unknown model %q, want BPE, WordPiece or Unigram", m.kind)
	}
	return m.modelFile, err
}

// guessModel tells the kind of models of old files, which do not name it.
func guessModel(vocab, merges json.RawMessage) string {
	switch {
	case !absent(merges):
		return "BPE"
	case strings.HasPrefix(strings.TrimSpace(string(vocab)), "["):
		return "Unigram"
	}
	return "WordPiece"
}

func parseVocab(raw json.RawMessage) (*vocabulary, error) {
	var ids map[string]int32
	if err := decodeAt(orNull(raw), "model.vocab", &ids); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("model.vocab: empty")
	}
	v, err := vocabularyOf(ids)
	if err != nil {
		return nil, fmt.Errorf("model.vocab: %w", err)
	}
	return v, nil
}

// parseMerges reads the two ways merges are written: "a b" and ["a", "b"].
func parseMerges(raw json.RawMessage) ([][2]string, error) {
	if s := strings.TrimLeft(string(raw), " \t\r\n["); strings.HasPrefix(s, `"`) && strings.Count(string(raw[:len(raw)-len(s)]), "[") == 1 {
		var lines []string
		if err := decodeAt(raw, "model.merges", &lines); err != nil {
			return nil, err
		}
		merges := make([][2]string, len(lines))
		for i, l := range lines {
			a, b, ok := strings.Cut(l, " ")
			if !ok || strings.Contains(b, " ") {
				return nil, fmt.Errorf("model.merges[%d]: %q is not two tokens with a space between", i, l)
			}
			merges[i] = [2]string{a, b}
		}
		return merges, nil
	}
	var lists [][]string
	if err := decodeAt(orNull(raw), "model.merges", &lists); err != nil {
		return nil, err
	}
	merges := make([][2]string, len(lists))
	for i, l := range lists {
		if len(l) != 2 {
			return nil, fmt.Errorf("model.merges[%d]: %d tokens, want 2", i, len(l))
		}
		merges[i] = [2]string(l)
	}
	return merges, nil
}

// parseScored reads the vocabulary of Unigram: [["<unk>", 0.0], ["▁", -2.1], …].
func (m *modelFile) parseScored(raw json.RawMessage) error {
	var rows []json.RawMessage
	if err := decodeAt(orNull(raw), "model.vocab", &rows); err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("model.vocab: empty")
	}
	tokens := make([]string, len(rows))
	m.scores = make([]float64, len(rows))
	for i, row := range rows {
		cells := []any{&tokens[i], &m.scores[i]}
		if err := json.Unmarshal(row, &cells); err != nil || len(cells) != 2 {
			return fmt.Errorf("model.vocab[%d]: %.60s is not [token, score]", i, row)
		}
	}
	m.vocab = newVocabulary(tokens)
	return nil
}

// rawBytes reports whether the model can work on bytes where the pre-tokeniser asks for the byte-level alphabet.
func (m *modelFile) rawBytes() bool {
	return m.kind == "BPE" && orEmpty(m.Prefix) == "" && orEmpty(m.Suffix) == "" && !m.ByteFallback
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// build makes the model; errors begin with the field they are about.
func (m *modelFile) build(raw bool) (model, error) {
	switch m.kind {
	case "BPE":
		if m.Dropout != nil && (*m.Dropout < 0 || *m.Dropout > 1) {
			return nil, fmt.Errorf("dropout: %v, want 0 to 1", *m.Dropout)
		}
		return newBPE(m.vocab, m.merges, m.ranks, bpeOptions{
			raw: raw, unk: orEmpty(m.UnkToken), prefix: orEmpty(m.Prefix), suffix: orEmpty(m.Suffix),
			fuse: m.FuseUnk, byteFallback: m.ByteFallback, ignoreMerges: m.IgnoreMerges,
		})
	case "WordPiece":
		unk, prefix, limit := "[UNK]", "##", 100
		if m.UnkToken != nil {
			unk = *m.UnkToken
		}
		if m.Prefix != nil {
			prefix = *m.Prefix
		}
		if m.MaxChars != nil {
			limit = *m.MaxChars
		}
		return newWordPiece(m.vocab, unk, prefix, limit)
	}
	unk := int32(-1)
	if m.UnkID != nil {
		if *m.UnkID < 0 || *m.UnkID >= len(m.scores) {
			return nil, fmt.Errorf("unk_id: %d is outside the vocabulary of %d", *m.UnkID, len(m.scores))
		}
		unk = int32(*m.UnkID)
	}
	return newUnigram(m.vocab, m.scores, unk, m.ByteFallback), nil
}
