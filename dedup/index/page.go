package index

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// posting is one key of one record. hi is used by exact schemes only.
type posting struct {
	hi, lo uint64
	place  uint32 // of the record in its generation
}

// A page holds up to pageKeys postings in ascending order of (key, place):
//
//	count u32 | lo u64 … | hi u64 … (exact schemes only) | place u32 … | checksum u64
//
// 12 bytes a key, 20 with exact schemes. Places are those of one generation, so 32 bits do.
const pageKeys = 256

func encodePage(ps []posting, exact bool) []byte {
	b := make([]byte, 0, 4+20*len(ps)+8)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(ps)))
	for _, p := range ps {
		b = binary.LittleEndian.AppendUint64(b, p.lo)
	}
	if exact {
		for _, p := range ps {
			b = binary.LittleEndian.AppendUint64(b, p.hi)
		}
	}
	for _, p := range ps {
		b = binary.LittleEndian.AppendUint32(b, p.place)
	}
	return closed(b)
}

// page is a decoded page; its columns are the stored bytes.
type page struct {
	n      int
	lo, hi []byte
	places []byte
}

func decodePage(b []byte, exact bool) (p page, err error) {
	if b, err = opened(b); err != nil {
		return p, err
	}
	if len(b) < 4 {
		return p, errDamaged
	}
	width := 12
	if exact {
		width = 20
	}
	p.n = int(binary.LittleEndian.Uint32(b))
	if b = b[4:]; p.n == 0 || len(b) != p.n*width {
		return p, fmt.Errorf("page of %d keys in %d bytes: %w", p.n, len(b), errDamaged)
	}
	p.lo, b = b[:8*p.n], b[8*p.n:]
	if exact {
		p.hi, b = b[:8*p.n], b[8*p.n:]
	}
	p.places = b
	return p, nil
}

func (p page) at(i int) (q posting) {
	q.lo = binary.LittleEndian.Uint64(p.lo[8*i:])
	if p.hi != nil {
		q.hi = binary.LittleEndian.Uint64(p.hi[8*i:])
	}
	q.place = binary.LittleEndian.Uint32(p.places[4*i:])
	return q
}

// search returns the first posting that is not below key.
func (p page) search(hi, lo uint64) int {
	return sort.Search(p.n, func(i int) bool {
		q := p.at(i)
		return q.hi > hi || q.hi == hi && q.lo >= lo
	})
}

func comparePostings(a, b posting) int {
	return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo), cmp.Compare(a.place, b.place))
}

// sortPostings sorts ps by key, then place, given that places ascend. scratch has the length of ps; what is returned is one of the two.
// Keys are hashes, so three passes of counting sort over their upper 32 bits leave next to nothing to the insertion sort.
func sortPostings(ps, scratch []posting, exact bool) []posting {
	if len(ps) < 256 {
		slices.SortFunc(ps, comparePostings)
		return ps
	}
	top := func(p posting) uint64 { return p.lo }
	if exact {
		top = func(p posting) uint64 { return p.hi }
	}
	for shift := 32; shift < 64; shift += 11 {
		var count [1<<11 + 1]int
		for i := range ps {
			count[top(ps[i])>>shift&(1<<11-1)+1]++
		}
		for i := 1; i < len(count); i++ {
			count[i] += count[i-1]
		}
		for i := range ps {
			k := top(ps[i]) >> shift & (1<<11 - 1)
			scratch[count[k]] = ps[i]
			count[k]++
		}
		ps, scratch = scratch, ps
	}
	for i := 1; i < len(ps); i++ {
		for j := i; j > 0 && comparePostings(ps[j], ps[j-1]) < 0; j-- {
			ps[j], ps[j-1] = ps[j-1], ps[j]
		}
	}
	return ps
}
