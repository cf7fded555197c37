package tokenizer

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// TrainOptions says what vocabulary to make.
type TrainOptions struct {
	Vocab   int      // number of tokens, special ones included
	Special []string // special tokens, which get the first ids
	Min     int      // BPE, WordPiece: a pair that is seen less often is not merged; 0 means 2

	// Split is how BPE cuts texts into words: gpt2 (the default), digits (gpt2 with single digits), llama3, qwen2, o200k.
	Split string
	// Cased keeps case and accents in WordPiece.
	Cased bool
	// MaxPiece is the longest Unigram token in characters; 0 means 16.
	MaxPiece int
	// Alphabet bounds the single characters of WordPiece and Unigram, the most frequent ones first; 0 means all. The
	// others are unknown to the tokenizer.
	Alphabet int
}

// TrainBPE learns a byte-level BPE tokenizer from texts: any text can be encoded and decodes to itself. The merges
// are those of the highest count, the smaller ids first among equals, so the result is a function of the texts.
func TrainBPE(texts iter.Seq[string], o TrainOptions) (*Tokenizer, error) {
	split := orText(o.Split, "gpt2")
	if !slices.Contains([]string{"gpt2", "digits", "llama3", "qwen2", "o200k"}, split) {
		return nil, fmt.Errorf("train BPE: unknown split %q, want gpt2, digits, llama3, qwen2 or o200k", split)
	}
	f := byteLevelFile(split)
	counts, err := countWords(texts, f)
	if err != nil {
		return nil, err
	}
	var alphabet []string
	for b := range 256 {
		alphabet = append(alphabet, string(byteRune(byte(b))))
	}
	slices.Sort(alphabet) // by code point, as the reference numbers them
	m, err := newMerger(o, alphabet)
	if err != nil {
		return nil, fmt.Errorf("train BPE: %w", err)
	}
	for _, w := range counts {
		m.add(toByteLevel(w.text), w.count, func(s string, _ bool) int32 { return m.ids[s] })
	}
	m.run("")
	f.Model = modelFile{kind: "BPE", vocab: newVocabulary(m.tokens), merges: m.merges}
	f.AddedTokens = specialTokens(o.Special)
	return build(f)
}

// TrainWordPiece learns the vocabulary of a BERT tokenizer from texts, by merging the most frequent pairs as the
// reference does. Special defaults to [PAD] [UNK] [CLS] [SEP] [MASK].
func TrainWordPiece(texts iter.Seq[string], o TrainOptions) (*Tokenizer, error) {
	if o.Special == nil {
		o.Special = bertSpecials
	}
	if !slices.Contains(o.Special, "[UNK]") {
		return nil, fmt.Errorf("train WordPiece: special tokens %q lack [UNK]", o.Special)
	}
	counts, err := countWords(texts, bertFile(o.Special, !o.Cased))
	if err != nil {
		return nil, err
	}
	m, err := newMerger(o, alphabetOf(counts, o.Alphabet))
	if err != nil {
		return nil, fmt.Errorf("train WordPiece: %w", err)
	}
	const prefix = "##"
	for _, w := range counts {
		m.add(w.text, w.count, func(s string, first bool) int32 {
			if _, known := m.ids[s]; !known {
				return -1
			}
			if !first {
				s = prefix + s
			}
			return m.token(s)
		})
	}
	if len(m.tokens) > o.Vocab {
		return nil, fmt.Errorf("train WordPiece: a vocabulary of %d cannot hold the characters at the beginning and inside of words: "+
			"at least %d, or set Alphabet", o.Vocab, len(m.tokens))
	}
	m.run(prefix)
	f := bertFile(m.tokens, !o.Cased)
	f.AddedTokens = specialTokens(o.Special)
	return build(f)
}

// specialTokens numbers the special tokens from 0.
func specialTokens(names []string) []AddedToken {
	var out []AddedToken
	for i, n := range names {
		out = append(out, AddedToken{ID: int32(i), Content: n, Special: true})
	}
	return out
}

// wordCount is a word of the training texts and how often it was seen.
type wordCount struct {
	text  string
	count int
}

// countWords cuts the texts by the normaliser and pre-tokeniser of f and counts the words, in order of the alphabet.
func countWords(texts iter.Seq[string], f file) ([]wordCount, error) {
	norm, err := parseNormalizer(f.Normalizer, "normalizer")
	if err != nil {
		return nil, err
	}
	steps, _, err := parsePretokenizer(f.PreTokenizer, "pre_tokenizer")
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{norm: norm, pre: newPretokenizer(steps), added: &addedTokens{}}
	if norm != nil {
		t.ascii = newASCIIMap(norm)
	}
	index := map[string]int{}
	var counts []wordCount
	w := &work{}
	word := func(p piece) {
		i, ok := index[p.s]
		if !ok {
			s := strings.Clone(p.s)
			i = len(counts)
			index[s] = i
			counts = append(counts, wordCount{text: s})
		}
		counts[i].count++
	}
	for text := range texts {
		t.eachPiece(text, false, w, word)
	}
	slices.SortFunc(counts, func(a, b wordCount) int { return strings.Compare(a.text, b.text) })
	return counts, nil
}

// alphabetOf returns the characters of the words by code point; with a limit, only the most frequent ones.
func alphabetOf(words []wordCount, limit int) []string {
	counts := map[rune]int{}
	for _, w := range words {
		for _, r := range w.text {
			counts[r] += w.count
		}
	}
	all := make([]rune, 0, len(counts))
	for r := range counts {
		all = append(all, r)
	}
	slices.Sort(all)
	if limit > 0 && len(all) > limit {
		slices.SortStableFunc(all, func(a, b rune) int { return counts[b] - counts[a] })
		all = all[:limit]
		slices.Sort(all)
	}
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = string(r)
	}
	return out
}

// metaspacePart is the pre-tokeniser and the decoder of Unigram tokenizers.
const metaspacePart = `{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}`

// TrainUnigram learns a Unigram tokenizer from texts (Kudo 2018, arXiv 1804.10959) over NFKC text cut at spaces.
// Special defaults to <unk> <s> </s> <pad>; its first token is the unknown one.
func TrainUnigram(texts iter.Seq[string], o TrainOptions) (*Tokenizer, error) {
	if len(o.Special) == 0 {
		o.Special = []string{"<unk>", "<s>", "</s>", "<pad>"}
	}
	f := file{
		Normalizer:   json.RawMessage(`{"type":"NFKC"}`),
		PreTokenizer: json.RawMessage(metaspacePart),
		Decoder:      json.RawMessage(metaspacePart),
	}
	counts, err := countWords(texts, f)
	if err != nil {
		return nil, err
	}
	counts = slices.DeleteFunc(counts, func(w wordCount) bool { return !utf8.ValidString(w.text) })
	u := &unigramTrainer{words: counts, alphabet: alphabetOf(counts, o.Alphabet), maxPiece: o.MaxPiece}
	if u.maxPiece <= 0 {
		u.maxPiece = 16
	}
	if least := len(o.Special) + len(u.alphabet); o.Vocab < least {
		return nil, fmt.Errorf("train Unigram: a vocabulary of %d cannot hold %d special tokens and %d characters: at least %d, or set Alphabet",
			o.Vocab, len(o.Special), len(u.alphabet), least)
	}
	pieces := u.train(o.Vocab - len(o.Special))
	unk := 0
	f.Model = modelFile{kind: "Unigram", UnkID: &unk}
	var tokens []string
	for _, s := range o.Special {
		tokens = append(tokens, s)
		f.Model.scores = append(f.Model.scores, 0)
	}
	for _, p := range pieces {
		if !slices.Contains(o.Special, p.text) {
			tokens = append(tokens, p.text)
			f.Model.scores = append(f.Model.scores, p.score)
		}
	}
	f.Model.vocab = newVocabulary(tokens)
	f.AddedTokens = specialTokens(o.Special)
	return build(f)
}
