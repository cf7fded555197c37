package index

import (
	"encoding/binary"

	"sluice/pipeline/state"
)

// writer gathers operations and writes them in chunks, so that memory stays bounded.
type writer struct {
	store state.Store
	ops   []state.Op
	size  int
}

// chunk is how many bytes are written at once.
const chunk = 8 << 20

func (w *writer) set(key, value []byte) error {
	w.ops = append(w.ops, state.Op{Key: key, Value: value})
	if w.size += len(key) + len(value); w.size >= chunk || len(w.ops) >= state.Atomic {
		return w.flush()
	}
	return nil
}

func (w *writer) flush() error {
	if len(w.ops) == 0 {
		return nil
	}
	err := w.store.Write(w.ops)
	w.ops, w.size = nil, 0
	return err
}

// write stores the first n claims of a shelf's table as a generation and returns the operations that make it exist.
func (x *Index) write(s *shelf, n int, token string) (*generation, []state.Op, error) {
	ext := extent{Base: s.next, Count: uint32(n)}
	claims := s.table.claims[:n]
	g := &generation{
		genMeta: genMeta{
			Dataset: x.dataset, Path: x.o.Path, Tokens: []string{token},
			First: claims[0].batch, Last: claims[n-1].batch, Extents: []extent{ext}, Bands: s.Scheme.Bands,
		},
		shelf: s.num, num: s.nextGen, exact: s.Scheme.Exact, own: true,
	}
	s.nextGen++
	bands := make([][]posting, g.Bands)
	for _, e := range s.table.entries {
		if e.claim < uint32(n) {
			bands[e.band] = append(bands[e.band], posting{e.hi, e.lo, e.claim})
			g.Keys++
		}
	}
	mark := genKey(kindWipe, s.num, g.num)
	w := &writer{store: x.store}
	// The mark goes first: pages without a directory entry are found by it and wiped.
	if err := x.store.Write([]state.Op{{Key: mark, Value: marshal(wipeMeta{Extents: g.Extents})}}); err != nil {
		return nil, nil, err
	}
	for i := 0; i < n; i += idBlock {
		b := make([]byte, 0, idBlock*16+8)
		for _, c := range claims[i:min(i+idBlock, n)] {
			b = append(b, c.id[:]...)
		}
		if err := w.set(blockKey(kindIDs, s.num, ext.Base+uint64(i)), closed(b)); err != nil {
			return nil, nil, err
		}
	}
	if s.Scheme.Verify != "" {
		for i := 0; i < n; i += sketchBlock {
			b := encodeSketches(claims[i:min(i+sketchBlock, n)])
			if err := w.set(blockKey(kindSketches, s.num, ext.Base+uint64(i)), b); err != nil {
				return nil, nil, err
			}
		}
	}
	p := newPager(w, g)
	var scratch []posting
	for band, ps := range bands {
		if len(scratch) < len(ps) {
			scratch = make([]posting, len(ps))
		}
		sorted := sortPostings(ps, scratch[:len(ps)], g.exact)
		for _, q := range sorted {
			if err := p.add(q); err != nil {
				return nil, nil, err
			}
		}
		if err := p.endBand(); err != nil {
			return nil, nil, err
		}
		bands[band] = nil
	}
	if err := p.end(); err != nil {
		return nil, nil, err
	}
	var ops []state.Op
	if !s.stored {
		ops = append(ops, state.Op{Key: shelfKey(kindHeader, s.num), Value: marshal(s.header)})
	}
	return g, append(ops,
		state.Op{Key: genKey(kindGen, s.num, g.num), Value: marshal(g.genMeta)},
		state.Op{Key: mark, Delete: true},
	), nil
}

// pager writes the pages, first keys and Bloom filter of a generation from postings in order, band after band.
type pager struct {
	w       *writer
	g       *generation
	pending []posting
	firsts  []uint64 // of the pages of this band
}

func newPager(w *writer, g *generation) *pager {
	g.bloom = newBloom(g.Keys)
	return &pager{w: w, g: g, pending: make([]posting, 0, pageKeys)}
}

func (p *pager) band() int { return len(p.g.firsts) }

func (p *pager) add(q posting) error {
	p.g.bloom.add(mix(uint8(p.band()), q.hi, q.lo))
	p.pending = append(p.pending, q)
	if len(p.pending) == pageKeys {
		return p.flush()
	}
	return nil
}

// flush writes the pending page.
func (p *pager) flush() error {
	if len(p.pending) == 0 {
		return nil
	}
	first := p.pending[0].lo
	if p.g.exact {
		first = p.pending[0].hi
	}
	key := pageKey(kindPage, p.g.shelf, p.g.num, uint8(p.band()), uint32(len(p.firsts)))
	err := p.w.set(key, encodePage(p.pending, p.g.exact))
	p.firsts = append(p.firsts, first)
	p.pending = p.pending[:0]
	return err
}

func (p *pager) endBand() error {
	if err := p.flush(); err != nil {
		return err
	}
	b := make([]byte, 0, 8*len(p.firsts)+8)
	for _, f := range p.firsts {
		b = binary.LittleEndian.AppendUint64(b, f)
	}
	key := pageKey(kindFirsts, p.g.shelf, p.g.num, uint8(p.band()), 0)
	p.g.firsts = append(p.g.firsts, p.firsts)
	p.firsts = nil
	return p.w.set(key, closed(b))
}

func (p *pager) end() error {
	for part := range p.g.bloom.parts() {
		if err := p.w.set(bloomKey(p.g.shelf, p.g.num, uint32(part)), p.g.bloom.encode(part)); err != nil {
			return err
		}
	}
	return p.w.flush()
}
