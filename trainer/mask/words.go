package mask

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
)

// words appends the words of x: from a word's first token to the next word or fixed position. Without word borders every token is a word.
//
//	words   1 0 1 1 0       fixed   0 0 0 1 0
//	gives   [0,2) [2,3) [4,5)
func (x Tokens) words(units []Span) []Span {
	open := false
	for i := range x.IDs {
		if !x.maskable(i) {
			open = false
			continue
		}
		if open && x.Words != nil && !x.Words[i] {
			units[len(units)-1].End = i + 1
			continue
		}
		units = append(units, Span{i, i + 1})
		open = true
	}
	return units
}

// words yields the words of a training sequence.
func (s Seq) words() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		for lo := 0; lo < len(s.IDs); {
			hi := lo + 1
			for hi < len(s.IDs) && s.Words != nil && !s.Words[hi] {
				hi++
			}
			if !yield(s.IDs[lo:hi]) {
				return
			}
			lo = hi
		}
	}
}

// hash names a word, or with the words before it a run of words. Two of a vocabulary's words meet with a chance of about n²/2⁶⁵.
func hash(before uint64, ids []int32) uint64 {
	h := before ^ 0x9e3779b97f4a7c15
	for _, id := range ids {
		h = mix64(h ^ uint64(uint32(id))) // the order of pieces matters
	}
	return mix64(h + uint64(len(ids)))
}

// mix64 is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// count counts the words of the training sequences.
func (e Env) count() (words map[uint64]int64, total int64) {
	words = map[uint64]int64{}
	if e.Corpus == nil {
		return words, 0
	}
	for s := range e.Corpus() {
		for w := range s.words() {
			if !e.fixed(w) {
				words[hash(0, w)]++
				total++
			}
		}
	}
	return words, total
}

// fixed tells whether a word is a special token, which no masker ever masks.
func (e Env) fixed(word []int32) bool { return e.Special != nil && e.Special(word[0]) }

// geometric draws a length from Geometric(p) given that it is at most most: length k has a chance in proportion to (1-p)^(k-1).
func geometric(w uint32, p float64, most int) int {
	under := 1 - math.Pow(1-p, float64(most)) // the chance of a length up to most
	return min(most, 1+int(math.Log1p(-(1-Unit(w))*under)/math.Log1p(-p)))
}

// ranked sorts by score, best first, ties by key, and keeps the first n.
func ranked(all []scored, n int) []scored {
	slices.SortFunc(all, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.key, b.key)) })
	return all[:min(n, len(all))]
}

func sortedKeys(m map[int64]int64) []int64 { return slices.Sorted(maps.Keys(m)) }

type scored struct {
	key   uint64
	score float64
}
