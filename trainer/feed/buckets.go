package feed

import (
	"cmp"
	"slices"
)

// windowBatches is the number of batches whose records are sorted by length together: enough for little padding, few enough that order stays random.
const windowBatches = 64

// grain is what lengths of padded rows are rounded up to.
const grain = 8

// bucket sorts the records of a window by length, cuts them into batches of size records, and puts the batches in the order that belongs to key:
// rows of like length share a batch, and long batches do not come first.
//
//	lengths 9 3 8 4, size 2: batches (3 4) (8 9), in some order
func bucket(units []*unit, size int, key uint64) [][]*unit {
	sorted := slices.Clone(units)
	slices.SortStableFunc(sorted, func(a, b *unit) int { return cmp.Compare(len(a.ids), len(b.ids)) })
	var batches [][]*unit
	for len(sorted) > 0 {
		n := min(size, len(sorted))
		batches = append(batches, sorted[:n:n])
		sorted = sorted[n:]
	}
	perm := NewPermutation(len(batches), key)
	out := make([][]*unit, len(batches))
	for i := range batches {
		out[i] = batches[perm.At(i)]
	}
	return out
}

// padded is the length that a row of n tokens is padded to, at most limit.
func padded(n, limit int) int { return min((n+grain-1)/grain*grain, max(limit, n)) }
