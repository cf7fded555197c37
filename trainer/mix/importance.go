package mix

import (
	"cmp"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/pipeline/text"
)

// Importance resampling after DSIR (arXiv 2302.03169): how much likelier a text is in a target than in a pool, under models of hashed n-grams. Texts are
// lower-cased and cut into runs of word characters and runs of other marks; every word and pair of words falls into one of 10,000 buckets. With q the bucket
// frequencies of the target and p those of the pool,
//
//	log weight = Σ count · ln((q + 1e-8)/(p + 1e-8))
//
// The reference hashes with sha256, which is slower and no better for the purpose.

const dsirBuckets = 10000

// An Importance weighs texts.
type Importance struct{ ratio [dsirBuckets]float64 }

// NewImportance learns both models.
func NewImportance(target, pool iter.Seq[string]) *Importance {
	q, p := frequencies(target), frequencies(pool)
	m := &Importance{}
	for i := range m.ratio {
		m.ratio[i] = math.Log((q[i] + 1e-8) / (p[i] + 1e-8))
	}
	return m
}

// frequencies is the share of every bucket among all n-grams of the texts.
func frequencies(texts iter.Seq[string]) *[dsirBuckets]float64 {
	f, n := &[dsirBuckets]float64{}, 0.
	for t := range texts {
		grams(t, func(b int) { f[b]++; n++ })
	}
	if n > 0 {
		for i := range f {
			f[i] /= n
		}
	}
	return f
}

// LogWeight gives the log weight of a text and its number of words.
func (m *Importance) LogWeight(s string) (w float64, words int) {
	words = grams(s, func(b int) { w += m.ratio[b] })
	return w, words
}

// grams calls f with the bucket of every word and of every pair of words, and counts the words.
//
//	"I can't": the words i, can, ', t, and three pairs
func grams(s string, f func(bucket int)) (words int) {
	s = strings.ToLower(s)
	last := uint64(0)
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		if unicode.IsSpace(r) {
			i += w
			continue
		}
		j, word := i, wordRune(r)
		for j < len(s) {
			r, w := utf8.DecodeRuneInString(s[j:])
			if unicode.IsSpace(r) || wordRune(r) != word {
				break
			}
			j += w
		}
		h := text.Hash64([]byte(s[i:j]))
		f(int(h % dsirBuckets))
		if words++; words > 1 {
			f(int((last*0x9e3779b97f4a7c15 ^ h) * 0xbf58476d1ce4e5b9 >> 20 % dsirBuckets))
		}
		last, i = h, j
	}
	return words
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// Resample picks k of the weighted ones without replacement, one after another with a chance in proportion to exp(logWeight), by the Gumbel top-k trick.
// It gives their numbers in ascending order. -Inf is never picked.
func Resample(logWeight []float64, k int, seed uint64) []int {
	rng := rand.New(rand.NewPCG(seed, 0x67756d62))
	key := make([]float64, len(logWeight))
	var order []int
	for i, w := range logWeight {
		g := -math.Log(-math.Log(1 - rng.Float64())) // drawn for all: the others' draws do not hang on it
		if key[i] = w + g; !math.IsInf(w, -1) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(key[b], key[a]), cmp.Compare(a, b)) })
	return slices.Sorted(slices.Values(order[:min(k, len(order))]))
}
