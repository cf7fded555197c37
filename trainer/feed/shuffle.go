package feed

import (
	"hash/fnv"
	"math/bits"
)

// A Permutation is a bijection of [0, n) without a table: a Feistel network on the smallest even number of bits that covers n, walked until the
// result is below n (cycle walking: Black and Rogaway, Ciphers with Arbitrary Finite Domains, CT-RSA 2002).
type Permutation struct {
	n    uint64
	half uint // bits of each side
	keys [rounds]uint64
}

const rounds = 6

// NewPermutation makes the permutation of [0, n) that belongs to key.
func NewPermutation(n int, key uint64) Permutation {
	p := Permutation{n: uint64(n), half: max(1, uint(bits.Len64(uint64(max(1, n))-1)+1)/2)}
	for r := range p.keys {
		key = mix64(key + uint64(r) + 1)
		p.keys[r] = key
	}
	return p
}

// At gives the place of i, which is below n.
func (p Permutation) At(i int) int {
	mask := uint64(1)<<p.half - 1
	for x := uint64(i); ; {
		l, r := x>>p.half, x&mask
		for _, k := range p.keys {
			l, r = r, l^mix64(r^k)&mask
		}
		if x = l<<p.half | r; x < p.n {
			return int(x)
		}
	}
}

// mix64 is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
func mix64(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Hash makes a number of a seed, a purpose and integers: randomness that belongs to them alone.
func Hash(seed uint64, purpose string, n ...uint64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	x := mix64(seed ^ h.Sum64())
	for _, v := range n {
		x = mix64(x ^ v)
	}
	return x
}

// fraction turns a hash into a number in [0, 1).
func fraction(h uint64) float64 { return float64(h>>11) / (1 << 53) }
