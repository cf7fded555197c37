package text

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// The hashes below, their constants included, are part of every stored key (scheme fss128/1): changing one bit makes old
// keys useless. mum is the 128-bit product folded to 64 bits, as in wyhash (Wang Yi, 2019).
const (
	k0  = 0xa0761d6478bd642f
	k1  = 0xe7037ed1a0b428db
	k2  = 0x8ebc6af09c88c6e3
	k3  = 0x589965cc75374cc3
	k4  = 0x1d8e4e27c47d124f
	phi = 0x9e3779b97f4a7c15
)

func mum(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hashWord hashes the first n ≥ 1 bytes of b, which has at least 8 bytes beyond them. The hash of "the" is 1e389af1c0ec2bfc.
func hashWord(b []byte, n int) uint64 {
	if n <= 8 {
		return hashShort(b, n)
	}
	return hashLong(b, n)
}

func hashShort(b []byte, n int) uint64 {
	x := binary.LittleEndian.Uint64(b) << (64 - 8*n) >> (64 - 8*n)
	return mum(x^k0, uint64(n)^k1)
}

func hashLong(b []byte, n int) uint64 {
	h := uint64(n) ^ k1
	for n > 8 {
		h = mum(binary.LittleEndian.Uint64(b)^k0, h)
		b = b[8:]
		n -= 8
	}
	x := binary.LittleEndian.Uint64(b) << (64 - 8*n) >> (64 - 8*n)
	return mum(x^k2, h)
}

// HashToken is the hash that [Tokeniser.Hashes] gives a token.
func HashToken(token []byte) uint64 {
	b := make([]byte, len(token)+8)
	copy(b, token)
	return hashWord(b, len(token))
}

// AppendShingles appends the hash of every run of n tokens, given the tokens' hashes. Fewer than n tokens are one shingle, none
// are none. Equal runs give equal hashes and are appended as often as they occur.
func AppendShingles(dst, tokens []uint64, n int) []uint64 {
	if len(tokens) == 0 {
		return dst
	}
	if len(tokens) < n {
		return append(dst, chain(tokens))
	}
	if n != 5 {
		for i := range len(tokens) - n + 1 {
			dst = append(dst, chain(tokens[i:i+n]))
		}
		return dst
	}
	at := len(dst)
	dst = slices.Grow(dst, len(tokens)-4)
	out := dst[at : at+len(tokens)-4]
	a, b, c, d := tokens[0]*k0, tokens[1], tokens[2], tokens[3]
	for i, e := range tokens[4:] {
		x := a + bits.RotateLeft64(b, 13)*k1 + bits.RotateLeft64(c, 26)*k2 +
			bits.RotateLeft64(d, 39)*k3 + bits.RotateLeft64(e, 52)*k4
		out[i] = mum(x, k0)
		a, b, c, d = b*k0, c, d, e
	}
	return dst[:at+len(out)]
}

// chain hashes tokens in order.
func chain(tokens []uint64) uint64 {
	h := uint64(0)
	for _, w := range tokens {
		h = mum(h^w, k3)
	}
	return h
}

// AppendCharShingles appends the hash of every run of n characters of s, as [AppendFolded] gives it, by a rolling
// polynomial (Karp and Rabin 1987). A shorter text is one shingle, an empty one none.
func AppendCharShingles(dst []uint64, s []byte, n int) []uint64 {
	if len(s) == 0 {
		return dst
	}
	top := uint64(1) // k1 to the power of n
	for range n {
		top *= k1
	}
	h, count, tail := uint64(0), 0, 0
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRune(s[i:])
		i += w
		h = h*k1 + uint64(r) + 1
		if count++; count < n {
			continue
		}
		if count > n {
			old, w := utf8.DecodeRune(s[tail:])
			tail += w
			h -= top * (uint64(old) + 1)
		}
		dst = append(dst, mum(h^k0, k3))
	}
	if count < n {
		dst = append(dst, mum(h^k0, k3))
	}
	return dst
}
