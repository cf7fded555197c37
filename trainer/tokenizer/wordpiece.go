package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// wordPiece takes the longest token at each place of a word, tokens behind the first being written with a prefix:
// "unaffable" is un, ##aff, ##able (Devlin et al. 2018, arXiv 1810.04805). A word with a hole is unknown as a whole.
type wordPiece struct {
	first  *trie // tokens that begin a word
	inside *trie // tokens behind the prefix
	unk    int32
	limit  int // longer words, in characters, are unknown
}

func newWordPiece(v *vocabulary, unk, prefix string, limit int) (*wordPiece, error) {
	m := &wordPiece{unk: v.id(unk), limit: limit}
	if m.unk < 0 {
		return nil, fmt.Errorf("unk_token: %q is not in the vocabulary", unk)
	}
	var first, inside []trieEntry
	for id, t := range v.tokens {
		first = append(first, trieEntry{t, int32(id)})
		if rest, ok := strings.CutPrefix(t, prefix); ok {
			inside = append(inside, trieEntry{rest, int32(id)})
		}
	}
	m.first, m.inside = newTrie(first), newTrie(inside)
	return m, nil
}

func (m *wordPiece) tokenize(_ *work, word string, dst []token) []token {
	n := len(dst)
	if len(word) <= m.limit || utf8.RuneCountInString(word) <= m.limit {
		at := 0
		for t := m.first; at < len(word); t = m.inside {
			id, end := int32(-1), at
			node := int32(0)
			for i := at; i < len(word); i++ {
				if node = t.step(node, word[i]); node == 0 {
					break
				}
				if t.id[node] >= 0 {
					id, end = t.id[node], i+1
				}
			}
			if id < 0 {
				break
			}
			dst = append(dst, token{id, int32(at), int32(end)})
			at = end
		}
		if at == len(word) {
			return dst
		}
	}
	return append(dst[:n], token{m.unk, 0, int32(len(word))})
}
