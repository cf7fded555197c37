package tokenizer

import (
	"math"
	"math/rand/v2"
)

// symbol is a token in the making: n bytes of the word, and its neighbours in w.symbols (-1 is none). A symbol that
// was merged away has n == 0.
type symbol struct {
	id, n, prev, next int32
}

// work is the scratch memory of one encoding.
type work struct {
	symbols []symbol
	ranks   []int32  // of the pair that begins at each symbol
	heap    []uint64 // rank<<32 | place
	aside   []uint64 // entries that dropout passed over
	tokens  []token
	parts   [2][]segment
	best    []pathNode

	dropout float64 // the chance that a merge is passed over
	random  *rand.Rand
}

// longWord is where the heap begins to pay: below, looking through all pairs is faster.
const longWord = 24

const noPair = math.MaxInt32

// mergeAll merges w.symbols until no pair is left.
func (w *work) mergeAll(merges *pairTable[merge]) {
	n := len(w.symbols)
	if n == 0 {
		w.symbols = append(w.symbols, symbol{next: -1})
		return
	}
	for i := range w.symbols {
		w.symbols[i].prev, w.symbols[i].next = int32(i-1), int32(i+1)
	}
	w.symbols[n-1].next = -1
	switch {
	case w.random != nil:
		w.mergeHeap(merges, true)
	case n > longWord:
		w.mergeHeap(merges, false)
	default:
		w.mergeShort(merges)
	}
}

// mergeShort looks for the lowest rank anew after each merge. The symbols stay packed; their links are rebuilt.
func (w *work) mergeShort(merges *pairTable[merge]) {
	s := w.symbols
	rank := func(i int) int32 {
		if m := merges.get(pairKey(s[i].id, s[i+1].id)); m != nil {
			return m.rank
		}
		return noPair
	}
	w.ranks = w.ranks[:0]
	for i := range len(s) - 1 {
		w.ranks = append(w.ranks, rank(i))
	}
	r := w.ranks
	for len(r) > 0 {
		at, low := 0, r[0]
		for i, x := range r {
			if x < low {
				at, low = i, x
			}
		}
		if low == noPair {
			break
		}
		s[at].id = merges.get(pairKey(s[at].id, s[at+1].id)).id
		s[at].n += s[at+1].n
		s = append(s[:at+1], s[at+2:]...)
		r = append(r[:at], r[at+1:]...)
		if at < len(r) {
			r[at] = rank(at)
		}
		if at > 0 {
			r[at-1] = rank(at - 1)
		}
	}
	for i := range s {
		s[i].next = int32(i + 1)
	}
	s[len(s)-1].next = -1
	w.symbols = s
}

// mergeHeap takes the pairs from a heap, lowest rank first, leftmost of equals. An entry whose pair has changed in
// the meantime is passed by. With dropout (Provilkov et al. 2020, arXiv 1910.13267) an entry is put aside by
// chance, until another has been taken.
func (w *work) mergeHeap(merges *pairTable[merge], dropout bool) {
	w.heap, w.aside = w.heap[:0], w.aside[:0]
	push := func(i int32) {
		j := w.symbols[i].next
		if j < 0 {
			return
		}
		if m := merges.get(pairKey(w.symbols[i].id, w.symbols[j].id)); m != nil {
			w.push(uint64(uint32(m.rank))<<32 | uint64(uint32(i)))
		}
	}
	for i := range w.symbols {
		push(int32(i))
	}
	for len(w.heap) > 0 {
		top := w.pop()
		if dropout && w.random.Float64() < w.dropout {
			w.aside = append(w.aside, top)
			continue
		}
		for _, e := range w.aside {
			w.push(e)
		}
		w.aside = w.aside[:0]
		i := int32(uint32(top))
		left := &w.symbols[i]
		if left.n == 0 || left.next < 0 {
			continue
		}
		right := &w.symbols[left.next]
		m := merges.get(pairKey(left.id, right.id))
		if m == nil || m.rank != int32(top>>32) {
			continue
		}
		left.id = m.id
		left.n += right.n
		left.next = right.next
		right.n = 0
		if left.next >= 0 {
			w.symbols[left.next].prev = i
		}
		if left.prev >= 0 {
			push(left.prev)
		}
		push(i)
	}
}

func (w *work) push(e uint64) {
	h := append(w.heap, e)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if h[p] <= e {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = e
	w.heap = h
}

func (w *work) pop() uint64 {
	h := w.heap
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if last <= h[c] {
			break
		}
		h[i] = h[c]
		i = c
	}
	if len(h) > 0 {
		h[i] = last
	}
	w.heap = h
	return top
}
