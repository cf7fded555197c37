package index

import (
	"container/heap"
	"errors"

	"sluice/pipeline/state"
)

// fanout is how many generations of one level make one of the next: a key is written once per level, and look-ups go through
// fewer than fanout generations a level.
const fanout = 4

// merge joins generations where enough of one level lie side by side. Only those that a manifest lists take part: the others may
// yet be deleted. While claims are missing nothing is merged, since they belong between what is there.
func (x *Index) merge() error {
	if len(x.missing) > 0 {
		return nil
	}
	merged := false
	for _, s := range x.sorted() {
		for {
			from := x.mergeable(s)
			if from < 0 {
				break
			}
			// Nobody may have claimed on this shelf yet: a crash, or a phase that is over, has left it to be merged.
			if g, err := s.load(x.store); err != nil {
				return x.loseAny(g, err)
			}
			if err := x.join(s, from); err != nil {
				return err
			}
			merged = true
		}
	}
	if r, ok := x.store.(interface{ Reclaim() error }); ok && merged {
		return r.Reclaim()
	}
	return nil
}

// mergeable returns where in s.gens the first fanout generations of one level begin, or -1.
func (x *Index) mergeable(s *shelf) int {
	run := 0
	for i, g := range s.gens {
		if !g.own || !x.counts(s, g) {
			run = 0
			continue
		}
		if run > 0 && s.gens[i-1].Level != g.Level {
			run = 0
		}
		if run++; run == fanout {
			return i - fanout + 1
		}
	}
	return -1
}

// join merges the fanout generations from s.gens[from] on. The new one is whole on the disk before, in one write, it appears and
// the old ones cease to exist; their pages go afterwards.
func (x *Index) join(s *shelf, from int) error {
	old := s.gens[from : from+fanout]
	g := &generation{
		genMeta: genMeta{Dataset: x.dataset, Path: x.o.Path, First: old[0].First, Bands: s.Scheme.Bands, Level: old[0].Level + 1},
		shelf:   s.num, num: s.nextGen, exact: s.Scheme.Exact, own: true,
	}
	s.nextGen++
	shifts := make([]uint32, fanout) // of places
	for i, o := range old {
		shifts[i] = uint32(g.records())
		g.Tokens = append(g.Tokens, o.Tokens...)
		g.Extents = append(g.Extents, o.Extents...)
		g.Keys += o.Keys
		g.Last = max(g.Last, o.Last)
	}
	mark := genKey(kindWipe, s.num, g.num)
	if err := x.store.Write([]state.Op{{Key: mark, Value: marshal(wipeMeta{})}}); err != nil {
		return err
	}
	w := &writer{store: x.store}
	p := newPager(w, g)
	for band := range g.Bands {
		if err := x.joinBand(p, old, shifts, uint8(band)); err != nil {
			return err
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	if err := x.store.Sync(); err != nil {
		return err
	}
	ops := []state.Op{
		{Key: genKey(kindGen, s.num, g.num), Value: marshal(g.genMeta)},
		{Key: mark, Delete: true},
	}
	for _, o := range old {
		ops = append(ops,
			state.Op{Key: genKey(kindGen, s.num, o.num), Delete: true},
			state.Op{Key: genKey(kindWipe, s.num, o.num), Value: marshal(wipeMeta{})})
	}
	if err := x.store.Write(ops); err != nil {
		return err
	}
	if err := x.store.Sync(); err != nil {
		return err
	}
	for _, o := range old {
		if err := wipe(x.store, s.num, o.num, wipeMeta{}); err != nil {
			return err
		}
	}
	s.gens = append(append(append([]*generation(nil), s.gens[:from]...), g), s.gens[from+fanout:]...)
	return nil
}

// joinBand merges one band page by page.
func (x *Index) joinBand(p *pager, old []*generation, shifts []uint32, band uint8) error {
	var h cursors
	for i, o := range old {
		c := &cursor{x: x, g: o, band: band, shift: shifts[i]}
		ok, err := c.next()
		if err != nil {
			return x.loseAny(o, err)
		}
		if ok {
			h = append(h, c)
		}
	}
	heap.Init(&h)
	for len(h) > 0 {
		c := h[0]
		if err := p.add(c.at); err != nil {
			return err
		}
		ok, err := c.next()
		if err != nil {
			return x.loseAny(c.g, err)
		}
		if ok {
			heap.Fix(&h, 0)
		} else {
			heap.Pop(&h)
		}
	}
	return p.endBand()
}

// loseAny deletes a generation if it was found damaged while merging.
func (x *Index) loseAny(g *generation, cause error) error {
	if !errors.Is(cause, errDamaged) {
		return cause
	}
	for _, s := range x.shelves {
		if s.num == g.shelf {
			return x.lose(s, g, cause)
		}
	}
	return cause
}

// cursor walks over the postings of one band of a generation.
type cursor struct {
	x     *Index
	g     *generation
	band  uint8
	shift uint32
	page  page
	pages int // read so far
	i     int // of the next posting in page
	at    posting
}

func (c *cursor) next() (ok bool, err error) {
	for c.i == c.page.n {
		if c.pages == len(c.g.firsts[c.band]) {
			return false, nil
		}
		if c.page, err = c.g.page(c.x.store, c.band, c.pages); err != nil {
			return false, err
		}
		c.pages++
		c.i = 0
	}
	c.at = c.page.at(c.i)
	c.at.place += c.shift
	c.i++
	return true, nil
}

// cursors is a heap by the postings at hand.
type cursors []*cursor

func (h cursors) Len() int           { return len(h) }
func (h cursors) Less(i, j int) bool { return comparePostings(h[i].at, h[j].at) < 0 }
func (h cursors) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *cursors) Push(v any)        { *h = append(*h, v.(*cursor)) }
func (h *cursors) Pop() any {
	old := *h
	c := old[len(old)-1]
	*h = old[:len(old)-1]
	return c
}
