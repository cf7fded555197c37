package index

import (
	"math/bits"

	"sluice/pipeline"
	"sluice/schemas"
)

// table holds the claims that are not sealed yet: a hash table with open addressing from keys to claims, in claim order.
type table struct {
	slots   []uint32 // 1 + number of an entry; 0: free
	entries []entry
	claims  []claim
}

type entry struct {
	hi, lo uint64
	claim  uint32
	band   uint8
}

type claim struct {
	id     schemas.ID
	batch  int64
	sketch []byte
}

// find calls yield with every claim that holds the key, oldest first, until it returns false.
func (t *table) find(k pipeline.Key, h uint64, yield func(claim uint32) bool) {
	if len(t.slots) == 0 {
		return
	}
	for i := t.home(h); t.slots[i] != 0; i = t.after(i) {
		e := &t.entries[t.slots[i]-1]
		if e.lo == k.Lo && e.hi == k.Hi && e.band == k.Band && !yield(e.claim) {
			return
		}
	}
}

func (t *table) home(h uint64) int {
	i, _ := bits.Mul64(h, uint64(len(t.slots)))
	return int(i)
}

func (t *table) after(i int) int {
	if i++; i < len(t.slots) {
		return i
	}
	return 0
}

// add adds a claim and returns its number; its keys are added by [table.key].
func (t *table) add(c claim) uint32 {
	t.claims = append(t.claims, c)
	return uint32(len(t.claims) - 1)
}

func (t *table) key(k pipeline.Key, h uint64, claim uint32) {
	if 3*len(t.slots) <= 4*(len(t.entries)+1) {
		t.grow(max(1<<10, 2*len(t.slots)))
	}
	t.entries = append(t.entries, entry{k.Hi, k.Lo, claim, k.Band})
	t.place(uint32(len(t.entries)), h)
}

func (t *table) place(n uint32, h uint64) {
	i := t.home(h)
	for t.slots[i] != 0 {
		i = t.after(i)
	}
	t.slots[i] = n
}

// grow makes room for size slots. Entries are placed anew in their order, so that equal keys stay oldest first.
func (t *table) grow(size int) {
	t.slots = make([]uint32, size)
	t.placeAll()
}

func (t *table) placeAll() {
	for i := range t.entries {
		e := &t.entries[i]
		t.place(uint32(i+1), mix(e.band, e.hi, e.lo))
	}
}

// drop forgets the first n claims.
func (t *table) drop(n int) {
	t.claims = append([]claim(nil), t.claims[n:]...) // a new slice: the old one holds the sketches
	kept := t.entries[:0]
	for _, e := range t.entries {
		if e.claim >= uint32(n) {
			e.claim -= uint32(n)
			kept = append(kept, e)
		}
	}
	t.entries = kept
	clear(t.slots)
	t.placeAll()
}

// through returns how many claims are of batches up to last. Claims come in the order of batches.
func (t *table) through(last int64) int {
	n := 0
	for n < len(t.claims) && t.claims[n].batch <= last {
		n++
	}
	return n
}
