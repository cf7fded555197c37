package text

import (
	"unicode/utf8"
)

// Hashed features for linear models (Weinberger et al. 2009): a feature is a bucket number below 2^bits, so that no
// dictionary is needed and a model has a fixed size. Word and character n-grams have hashes of their own kinds: the word "a" and the
// character "a" fall into different buckets, save by chance. bits is 1 to 32.

// AppendWordGrams appends the bucket of every run of 1 to n tokens, given the tokens' hashes (see [Tokeniser.Hashes]): first all
// single tokens, then all pairs, and so on.
func AppendWordGrams(dst []uint32, tokens []uint64, n, bits int) []uint32 {
	for size := 1; size <= n; size++ {
		for i := range len(tokens) - size + 1 {
			dst = append(dst, bucket(chain(tokens[i:i+size])^uint64(size)*k4, bits))
		}
	}
	return dst
}

// AppendCharGrams appends the bucket of every run of n characters of s as [AppendFolded] gives it, with one space before and
// after, so that beginnings and ends of words are features: " cat " has the 4-grams " cat" and "cat ".
func AppendCharGrams(dst []uint32, s []byte, n, bits int) []uint32 {
	if len(s) == 0 {
		return dst
	}
	var ring [maxGram]rune
	n = min(n, maxGram)
	count := 0
	take := func(r rune) {
		ring[count%n] = r
		if count++; count < n {
			return
		}
		h := uint64(n) * k2
		for i := count - n; i < count; i++ {
			h = mum(h^uint64(ring[i%n]), k1)
		}
		dst = append(dst, bucket(h, bits))
	}
	take(' ')
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRune(s[i:])
		i += w
		take(r)
	}
	take(' ')
	return dst
}

// maxGram is the longest run of characters that is a feature.
const maxGram = 16

func bucket(h uint64, bits int) uint32 { return uint32(h * phi >> (64 - bits)) }
