package text

import (
	"encoding/binary"
	"slices"
)

// AppendSet appends the set of shingles as the upper halves of their hashes, sorted, each as uvarint of its distance from the one
// before: about two bytes a shingle, for telling the exact similarity later. scratch is used and returned for the next call.
func AppendSet(dst []byte, shingles []uint64, scratch []uint32) ([]byte, []uint32) {
	scratch = scratch[:0]
	for _, h := range shingles {
		scratch = append(scratch, uint32(h>>32))
	}
	slices.Sort(scratch)
	scratch = slices.Compact(scratch)
	last := uint32(0)
	for _, h := range scratch {
		dst = binary.AppendUvarint(dst, uint64(h-last))
		last = h
	}
	return dst, scratch
}

// Jaccard returns the share of shingles that two sets made by [AppendSet] have in common: |A ∩ B| / |A ∪ B|. {1 2 3} and {2 3 4}
// give 0.5. A damaged set counts as far as it decodes.
func Jaccard(a, b []byte) float64 {
	x, y := set{b: a}, set{b: b}
	common, all := 0, 0
	x.next()
	y.next()
	for x.ok || y.ok {
		all++
		switch {
		case !y.ok || x.ok && x.h < y.h:
			x.next()
		case !x.ok || y.h < x.h:
			y.next()
		default:
			common++
			x.next()
			y.next()
		}
	}
	if all == 0 {
		return 0
	}
	return float64(common) / float64(all)
}

// set walks over the elements of a stored set.
type set struct {
	b  []byte
	h  uint64
	ok bool
}

func (s *set) next() {
	d, w := binary.Uvarint(s.b)
	if s.ok = w > 0; s.ok {
		s.h += d
		s.b = s.b[w:]
	}
}
