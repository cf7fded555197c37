package text

import "github.com/zeebo/xxh3"

// Hash64 is the 64-bit XXH3 of b: a checksum, never an identity of more than some ten million things.
func Hash64(b []byte) uint64 { return xxh3.Hash(b) }

// Hash128 is the 128-bit XXH3 of b.
func Hash128(b []byte) (hi, lo uint64) {
	h := xxh3.Hash128(b)
	return h.Hi, h.Lo
}
