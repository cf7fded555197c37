package tokenizer

import "math/bits"

// pairTable maps a pair of ids to a value: open addressing with linear probing. It is twice as fast as a Go map
// here, and lookups of merges are most of what byte-pair encoding does.
type pairTable[V any] struct {
	shift uint
	keys  []uint64 // the pair plus one, so that 0 is an empty cell
	vals  []V
	n     int
}

func pairKey(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

func newPairTable[V any](n int) *pairTable[V] {
	size := 1 << bits.Len(uint(2*n+8))
	return &pairTable[V]{
		shift: uint(64 - bits.Len(uint(size-1))),
		keys:  make([]uint64, size),
		vals:  make([]V, size),
	}
}

// find returns the cell of key, or the empty cell where it belongs.
func (t *pairTable[V]) find(key uint64) int {
	mask := len(t.keys) - 1
	i := int(key * 0x9e3779b97f4a7c15 >> t.shift)
	for t.keys[i] != 0 && t.keys[i] != key+1 {
		i = (i + 1) & mask
	}
	return i
}

// get returns the value of key, nil when there is none.
func (t *pairTable[V]) get(key uint64) *V {
	if i := t.find(key); t.keys[i] != 0 {
		return &t.vals[i]
	}
	return nil
}

// at returns the value of key, made if need be; fresh tells which. The pointer is valid until the next at.
func (t *pairTable[V]) at(key uint64) (v *V, fresh bool) {
	i := t.find(key)
	if t.keys[i] != 0 {
		return &t.vals[i], false
	}
	if 2*(t.n+1) > len(t.keys) {
		bigger := newPairTable[V](2 * t.n)
		for j, k := range t.keys {
			if k != 0 {
				c := bigger.find(k - 1)
				bigger.keys[c], bigger.vals[c] = k, t.vals[j]
			}
		}
		bigger.n = t.n
		*t = *bigger
		i = t.find(key)
	}
	t.keys[i] = key + 1
	t.n++
	return &t.vals[i], true
}
