package tokenizer

import (
	"math"
	"unicode/utf8"
)

// unigram finds the tokens whose log probabilities sum highest (Kudo 2018, arXiv 1804.10959), by Viterbi's
// algorithm. A character without token costs the lowest score minus 10; unknown neighbours are one token.
type unigram struct {
	vocab    *vocabulary
	scores   []float64
	tokens   *trie
	unk      int32 // -1: unknown characters vanish
	unkScore float64
	fallback *[256]int32
}

const unknownPenalty = 10

func newUnigram(v *vocabulary, scores []float64, unk int32, byteFallback bool) *unigram {
	m := &unigram{vocab: v, scores: scores, unk: unk}
	low := math.Inf(1)
	entries := make([]trieEntry, len(scores))
	for id, t := range v.tokens {
		entries[id] = trieEntry{t, int32(id)}
		low = min(low, scores[id])
	}
	m.tokens = newTrie(entries)
	m.unkScore = low - unknownPenalty
	if byteFallback {
		m.fallback = v.byteIDs()
	}
	return m
}

// pathNode is the end of the best path to a place: its last token, its score, where that token begins (-1: unreached).
type pathNode struct {
	score float64
	id    int32
	from  int32
}

func (m *unigram) tokenize(w *work, word string, dst []token) []token {
	m.viterbi(w, word)
	n := len(dst)
	for end := int32(len(word)); end > 0; {
		node := w.best[end]
		lo := node.from
		if node.id == m.unk && m.unk >= 0 || node.id < 0 { // join the unknown characters before it
			for lo > 0 && w.best[lo].id == node.id {
				lo = w.best[lo].from
			}
			dst = m.unknown(dst, word, lo, end)
		} else {
			dst = append(dst, token{node.id, lo, end})
		}
		end = lo
	}
	for i, j := n, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}

// viterbi fills w.best[0 .. len(word)].
func (m *unigram) viterbi(w *work, word string) {
	w.best = w.best[:0]
	for range len(word) + 1 {
		w.best = append(w.best, pathNode{from: -1})
	}
	reach := func(at, end int, score float64, id int32) {
		b := &w.best[end]
		if score += w.best[at].score; b.from < 0 || score > b.score {
			*b = pathNode{score, id, int32(at)}
		}
	}
	for at := 0; at < len(word); {
		_, width := utf8.DecodeRuneInString(word[at:])
		single := false
		node := int32(0)
		for i := at; i < len(word); i++ {
			if node = m.tokens.step(node, word[i]); node == 0 {
				break
			}
			if id := m.tokens.id[node]; id >= 0 {
				reach(at, i+1, m.scores[id], id)
				single = single || i+1 == at+width
			}
		}
		if !single {
			reach(at, at+width, m.unkScore, m.unk)
		}
		at += width
	}
}

// unknown appends, in reverse, the tokens of a run of unknown characters: a token of that very text if there is
// one, its bytes where the vocabulary has them all, the unknown token otherwise.
func (m *unigram) unknown(dst []token, word string, lo, hi int32) []token {
	run := word[lo:hi]
	if id, ok := m.vocab.ids[run]; ok {
		return append(dst, token{id, lo, hi})
	}
	if m.fallback != nil {
		n := len(dst)
		for i := len(run) - 1; i >= 0; i-- {
			id := m.fallback[run[i]]
			if id < 0 {
				break
			}
			dst = append(dst, token{id, lo, hi})
		}
		if len(dst)-n == len(run) {
			return dst
		}
		dst = dst[:n]
	}
	if m.unk < 0 {
		return dst
	}
	return append(dst, token{m.unk, lo, hi})
}
