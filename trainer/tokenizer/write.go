package tokenizer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// bytes returns the tokenizer.json: one line per token, ids ascending, so that equal tokenizers are equal bytes.
func (f file) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"version\": %s,\n", quote(orText(f.Version, "1.0")))
	part := func(name string, raw json.RawMessage) { fmt.Fprintf(&b, "  %q: %s,\n", name, orNull(raw)) }
	part("truncation", f.Truncation)
	part("padding", f.Padding)
	b.WriteString("  \"added_tokens\": [")
	for i, a := range f.AddedTokens {
		sep := ","
		if i == 0 {
			sep = ""
		}
		fmt.Fprintf(&b, "%s\n    {\"id\": %d, \"content\": %s, \"single_word\": %t, \"lstrip\": %t, \"rstrip\": %t, \"normalized\": %t, \"special\": %t}",
			sep, a.ID, quote(a.Content), a.SingleWord, a.LStrip, a.RStrip, a.Normalized, a.Special)
	}
	b.WriteString("\n  ],\n")
	part("normalizer", f.Normalizer)
	part("pre_tokenizer", f.PreTokenizer)
	part("post_processor", f.PostProcessor)
	part("decoder", f.Decoder)
	b.WriteString("  \"model\": {\n")
	f.Model.write(&b)
	b.WriteString("  }\n}\n")
	return b.Bytes()
}

func (m *modelFile) write(b *bytes.Buffer) {
	field := func(name string, v any) {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err) // numbers, strings and booleans always marshal
		}
		fmt.Fprintf(b, "    %q: %s,\n", name, raw)
	}
	field("type", m.kind)
	switch m.kind {
	case "BPE":
		field("dropout", m.Dropout)
		field("unk_token", m.UnkToken)
		field("continuing_subword_prefix", m.Prefix)
		field("end_of_word_suffix", m.Suffix)
		field("fuse_unk", m.FuseUnk)
		field("byte_fallback", m.ByteFallback)
		field("ignore_merges", m.IgnoreMerges)
		m.writeVocab(b)
		b.WriteString(",\n")
		m.writeMerges(b)
	case "WordPiece":
		field("unk_token", orText(orEmpty(m.UnkToken), "[UNK]"))
		prefix, limit := "##", 100
		if m.Prefix != nil {
			prefix = *m.Prefix
		}
		if m.MaxChars != nil {
			limit = *m.MaxChars
		}
		field("continuing_subword_prefix", prefix)
		field("max_input_chars_per_word", limit)
		m.writeVocab(b)
		b.WriteString("\n")
	case "Unigram":
		field("unk_id", m.UnkID)
		field("byte_fallback", m.ByteFallback)
		b.WriteString("    \"vocab\": [")
		for i, t := range m.vocab.tokens {
			fmt.Fprintf(b, "%s\n      [%s, %s]", comma(i), quote(t), number64(m.scores[i]))
		}
		b.WriteString("\n    ]\n")
	}
}

func (m *modelFile) writeVocab(b *bytes.Buffer) {
	b.WriteString("    \"vocab\": {")
	n := 0
	for id, t := range m.vocab.tokens {
		if known, ok := m.vocab.ids[t]; !ok || int(known) != id {
			continue // a gap, or a token that a later one hides
		}
		fmt.Fprintf(b, "%s\n      %s: %d", comma(n), quote(t), id)
		n++
	}
	b.WriteString("\n    }")
}

// writeMerges writes merges in order of their ranks; equal ranks, which the format has not, in their own order.
func (m *modelFile) writeMerges(b *bytes.Buffer) {
	order := make([]int, len(m.merges))
	for i := range order {
		order[i] = i
	}
	if m.ranks != nil {
		slices.SortStableFunc(order, func(x, y int) int { return int(m.ranks[x]) - int(m.ranks[y]) })
	}
	b.WriteString("    \"merges\": [")
	for n, i := range order {
		fmt.Fprintf(b, "%s\n      [%s, %s]", comma(n), quote(m.merges[i][0]), quote(m.merges[i][1]))
	}
	b.WriteString("\n    ]\n")
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// number64 writes a score as the shortest decimal that reads back to the same bits, with a point.
func number64(x float64) string {
	s := strconv.FormatFloat(x, 'g', -1, 64)
	if !bytes.ContainsAny([]byte(s), ".e") {
		s += ".0"
	}
	return s
}

// quote writes a JSON string, without the escapes that HTML wants.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// Hash returns the SHA-256 of the written form without truncation and padding, in hexadecimal: equal hashes, equal
// ids. It keys the token cache.
func (t *Tokenizer) Hash() string {
	f := t.file
	f.Truncation, f.Padding = nil, nil
	sum := sha256.Sum256(f.bytes())
	return hex.EncodeToString(sum[:])
}
