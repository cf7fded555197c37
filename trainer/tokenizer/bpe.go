package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): a word begins as its characters, and the pair
// of lowest rank is merged, the leftmost of equals first, until none is left.
//
//	merges l+o, lo+w; "low" -> l o w -> lo w -> low
type bpe struct {
	vocab  *vocabulary
	merges *pairTable[merge]

	// raw: words are bytes, and the tokens of the vocabulary are written in the byte-level alphabet.
	raw     bool
	lengths []int32 // raw: bytes of each token
	byteID  [256]int32

	runeID       map[rune]int32 // not raw: the tokens of one character
	unk          int32          // -1: unknown characters vanish
	fallback     *[256]int32    // ids of the byte tokens, or nil
	fuse         bool           // join unknown neighbours to one token
	ignoreMerges bool           // a word of the vocabulary is one token, merges or not
	whole        map[string]int32
	prefix       string // of characters inside a word
	suffix       string // of the last character of a word
	cutAt        string // words may be cut before this mark without a change of the result; "" is never
}

// merge is what a pair becomes, and how early.
type merge struct{ rank, id int32 }

// bpeOptions are the settings of a BPE model beside its vocabulary and merges.
type bpeOptions struct {
	raw, fuse, ignoreMerges, byteFallback bool
	unk, prefix, suffix                   string
}

// newBPE builds the model; ranks[i] is the rank of merges[i], or nil for the order of the list.
func newBPE(v *vocabulary, merges [][2]string, ranks []int32, o bpeOptions) (*bpe, error) {
	m := &bpe{
		vocab: v, merges: newPairTable[merge](len(merges)), raw: o.raw, unk: v.id(o.unk),
		fuse: o.fuse, ignoreMerges: o.ignoreMerges, prefix: o.prefix, suffix: o.suffix,
	}
	for i, p := range merges {
		a, b, joined := v.id(p[0]), v.id(p[1]), int32(-1)
		if rest, ok := strings.CutPrefix(p[1], o.prefix); ok {
			joined = v.id(p[0] + rest)
		}
		if a < 0 || b < 0 || joined < 0 {
			return nil, fmt.Errorf("merges[%d]: %q + %q, or what they make, is not in the vocabulary", i, p[0], p[1])
		}
		rank := int32(i)
		if ranks != nil {
			rank = ranks[i]
		}
		e, _ := m.merges.at(pairKey(a, b))
		*e = merge{rank, joined} // of two equal pairs the later counts, as in the reference
	}
	if o.byteFallback {
		m.fallback = v.byteIDs()
	}
	if o.raw {
		m.indexBytes()
	} else {
		m.indexRunes()
		m.findCut(merges)
	}
	return m, nil
}

func (m *bpe) indexBytes() {
	m.lengths = make([]int32, len(m.vocab.tokens))
	m.whole = map[string]int32{}
	for i := range m.byteID {
		m.byteID[i] = -1
	}
	for id, t := range m.vocab.tokens {
		m.lengths[id] = int32(utf8.RuneCountInString(t))
		raw, ok := fromByteLevel(t)
		if !ok || raw == "" {
			continue
		}
		if len(raw) == 1 {
			m.byteID[raw[0]] = int32(id)
		}
		if m.ignoreMerges {
			m.whole[raw] = int32(id)
		}
	}
}

func (m *bpe) indexRunes() {
	m.runeID = map[rune]int32{}
	for id, t := range m.vocab.tokens {
		if r, n := utf8.DecodeRuneInString(t); n == len(t) && n > 0 {
			m.runeID[r] = int32(id)
		}
	}
	if m.ignoreMerges {
		m.whole = m.vocab.ids
	}
}

// findCut looks whether a text can be cut before every ▁ that follows something else: no merge then reaches across.
// Models without pre-tokeniser (Llama-2) take whole documents as one word; cut, they profit from the cache.
func (m *bpe) findCut(merges [][2]string) {
	const mark = "▁"
	if m.vocab.id(mark) < 0 || m.ignoreMerges || m.prefix != "" || m.suffix != "" {
		return
	}
	for _, p := range merges {
		if strings.Contains(strings.TrimLeft(p[0]+p[1], mark), mark) {
			return
		}
	}
	m.cutAt = mark
}

// next returns the end of the part of word that begins at i and can be encoded by itself.
func (m *bpe) next(word string, i int) int {
	if m.cutAt == "" {
		return len(word)
	}
	for strings.HasPrefix(word[i:], m.cutAt) {
		i += len(m.cutAt)
	}
	if j := strings.Index(word[i:], m.cutAt); j >= 0 {
		return i + j
	}
	return len(word)
}

func (m *bpe) tokenize(w *work, word string, dst []token) []token {
	if m.ignoreMerges {
		if id, ok := m.whole[word]; ok {
			return append(dst, token{id, 0, int32(len(word))})
		}
	}
	m.characters(w, word)
	w.mergeAll(m.merges)
	at := int32(0)
	for i := int32(0); i >= 0; i = w.symbols[i].next {
		if s := w.symbols[i]; s.n > 0 {
			dst = append(dst, token{s.id, at, at + s.n})
			at += s.n
		}
	}
	return dst
}

// characters fills w.symbols with the word's first symbols.
func (m *bpe) characters(w *work, word string) {
	w.symbols = w.symbols[:0]
	unknown := symbol{id: -1} // a run of unknown characters that is not written yet
	flush := func() {
		if unknown.n > 0 {
			w.symbols = append(w.symbols, unknown)
			unknown.n = 0
		}
	}
	for i := 0; i < len(word); {
		id, n := m.character(word, i)
		switch {
		case id >= 0:
			flush()
			w.symbols = append(w.symbols, symbol{id: id, n: int32(n)})
		case m.fallback != nil && m.covers(word[i:i+n]):
			for _, b := range []byte(word[i : i+n]) { // the reference does not flush here
				w.symbols = append(w.symbols, symbol{id: m.fallback[b], n: 1})
			}
		case m.unk >= 0:
			if !m.fuse {
				flush()
			}
			unknown.id = m.unk
			unknown.n += int32(n)
		}
		i += n
	}
	flush()
}

// character returns the id and width of the character at word[i]; the id is -1 when it is unknown.
func (m *bpe) character(word string, i int) (int32, int) {
	if m.raw {
		return m.byteID[word[i]], 1
	}
	r, n := utf8.DecodeRuneInString(word[i:])
	if m.prefix == "" && m.suffix == "" {
		if id, ok := m.runeID[r]; ok && !(r == utf8.RuneError && n == 1) {
			return id, n
		}
		return -1, n
	}
	s := word[i : i+n]
	if i > 0 {
		s = m.prefix + s
	}
	if i+n == len(word) {
		s += m.suffix
	}
	return m.vocab.id(s), n
}

func (m *bpe) covers(s string) bool {
	for i := range len(s) {
		if m.fallback[s[i]] < 0 {
			return false
		}
	}
	return true
}
