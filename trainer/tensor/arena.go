package tensor

import (
	"slices"

	"sluice/trainer/kernel"
)

// A block is a piece of memory of n floats. In a plan it has no data.
type block struct {
	data []float32
	off  int
	n    int
}

// An arena hands out blocks for one step: first fit among free spans of one address space, which is backed by slabs. The order of requests alone
// decides the addresses, so that a plan (an arena without memory) finds the exact number of floats a step will need.
type arena struct {
	dry   bool
	slabs []slab
	free  []span // by offset, never touching one another within a slab
	size  int    // floats backed by slabs
	peak  int    // the end of the highest block of this step
	used  int    // floats handed out now
	most  int    // the largest used of this step
}

type slab struct {
	off  int
	data []float32
}

type span struct{ off, n int }

const (
	grain    = 16      // floats: blocks begin on 64-byte lines
	slabSize = 1 << 20 // floats: the least that is asked of the heap at once
)

// reset makes everything free again.
func (a *arena) reset() {
	a.free = a.free[:0]
	a.peak, a.used, a.most = 0, 0, 0
	if a.dry {
		a.free = append(a.free, span{0, 1 << 60})
	}
	for _, s := range a.slabs {
		a.free = append(a.free, span{s.off, len(s.data)})
	}
}

// reserve sees to it that n floats lie in one piece; call it between steps.
func (a *arena) reserve(n int) {
	if n <= 0 || slices.ContainsFunc(a.slabs, func(s slab) bool { return len(s.data) >= n }) {
		return
	}
	a.slabs, a.size = nil, 0
	a.grow(n)
	a.reset()
}

func (a *arena) grow(n int) {
	n = max(n, slabSize, a.size/4)
	s := slab{off: a.size, data: kernel.Floats(n)}
	a.slabs = append(a.slabs, s)
	a.free = append(a.free, span{s.off, n})
	a.size += n
}

// alloc gives a block of n floats with any content.
func (a *arena) alloc(n int) block {
	if n == 0 {
		return block{}
	}
	room := (n + grain - 1) &^ (grain - 1)
	i := slices.IndexFunc(a.free, func(s span) bool { return s.n >= room })
	if i < 0 {
		a.grow(room)
		i = len(a.free) - 1
	}
	b := block{off: a.free[i].off, n: n}
	a.free[i].off += room
	a.free[i].n -= room
	if a.free[i].n == 0 {
		a.free = slices.Delete(a.free, i, i+1)
	}
	a.peak = max(a.peak, b.off+room)
	a.used += room
	a.most = max(a.most, a.used)
	if !a.dry {
		s := a.slab(b.off)
		b.data = s.data[b.off-s.off:][:n:n]
	}
	return b
}

func (a *arena) slab(off int) slab {
	i, found := slices.BinarySearchFunc(a.slabs, off, func(s slab, off int) int { return s.off - off })
	if !found {
		i--
	}
	return a.slabs[i]
}

// release gives a block back and joins it with free neighbours of the same slab.
func (a *arena) release(b block) {
	if b.n == 0 {
		return
	}
	room := (b.n + grain - 1) &^ (grain - 1)
	a.used -= room
	i, _ := slices.BinarySearchFunc(a.free, b.off, func(s span, off int) int { return s.off - off })
	a.free = slices.Insert(a.free, i, span{b.off, room})
	if i+1 < len(a.free) && b.off+room == a.free[i+1].off && a.joins(a.free[i+1].off) {
		a.free[i].n += a.free[i+1].n
		a.free = slices.Delete(a.free, i+1, i+2)
	}
	if i > 0 && a.free[i-1].off+a.free[i-1].n == b.off && a.joins(b.off) {
		a.free[i-1].n += a.free[i].n
		a.free = slices.Delete(a.free, i, i+1)
	}
}

// joins tells whether the address continues the slab before it.
func (a *arena) joins(off int) bool { return a.dry || a.slab(off).off != off }
