package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"

	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/pipeline/text"
	"sluice/schemas"
)

// generation is a sealed, immutable set of claims: what of it lies in RAM.
type generation struct {
	genMeta
	shelf, num uint32
	exact      bool
	own        bool       // of the dataset that is open
	firsts     [][]uint64 // first key of every page, by band: the upper half for exact schemes
	bloom      *bloom
}

const (
	idBlock     = 1024 // ids in one entry
	sketchBlock = 64   // sketches in one entry
)

// load reads what lies in RAM; a lost Bloom filter is made again from the pages.
func (g *generation) load(s state.Store) error {
	g.firsts = make([][]uint64, g.Bands)
	for band := range g.firsts {
		b, err := get(s, pageKey(kindFirsts, g.shelf, g.num, uint8(band), 0))
		if err != nil {
			return fmt.Errorf("pages of band %d: %w", band, err)
		}
		for ; len(b) >= 8; b = b[8:] {
			g.firsts[band] = append(g.firsts[band], binary.LittleEndian.Uint64(b))
		}
	}
	g.bloom = newBloom(g.Keys)
	for part := range g.bloom.parts() {
		stored, err := s.Get(bloomKey(g.shelf, g.num, uint32(part)))
		if err == nil {
			err = g.bloom.decode(part, stored)
		}
		if errors.Is(err, state.ErrNotFound) || errors.Is(err, errDamaged) {
			return g.rebuildBloom(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *generation) rebuildBloom(s state.Store) error {
	f := newBloom(g.Keys)
	for band := range g.firsts {
		for i := range g.firsts[band] {
			p, err := g.page(s, uint8(band), i)
			if err != nil {
				return err
			}
			for j := range p.n {
				q := p.at(j)
				f.add(mix(uint8(band), q.hi, q.lo))
			}
		}
	}
	g.bloom = f
	return nil
}

func (g *generation) page(s state.Store, band uint8, i int) (page, error) {
	b, err := s.Get(pageKey(kindPage, g.shelf, g.num, band, uint32(i)))
	if err != nil {
		return page{}, damage(err)
	}
	return decodePage(b, g.exact)
}

// find calls yield with the place of every record that holds the key, in stream order, until it returns false.
func (g *generation) find(s state.Store, k pipeline.Key, h uint64, yield func(place uint32) bool) error {
	if int(k.Band) >= len(g.firsts) || !g.bloom.has(h) {
		return nil
	}
	firsts, top := g.firsts[k.Band], k.Lo
	if g.exact {
		top = k.Hi
	}
	// Equal keys may begin at the end of the page before the first that begins with the key.
	i := max(0, sort.Search(len(firsts), func(i int) bool { return firsts[i] >= top })-1)
	for ; i < len(firsts) && firsts[i] <= top; i++ {
		p, err := g.page(s, k.Band, i)
		if err != nil {
			return err
		}
		for j := p.search(k.Hi, k.Lo); j < p.n; j++ {
			q := p.at(j)
			if q.hi != k.Hi || q.lo != k.Lo || !yield(q.place) {
				return nil
			}
		}
	}
	return nil
}

// locate returns the ordinal of the record at place and the extent it lies in.
func (g *generation) locate(place uint32) (ordinal uint64, e extent, err error) {
	rest := place
	for _, e := range g.Extents {
		if rest < e.Count {
			return e.Base + uint64(rest), e, nil
		}
		rest -= e.Count
	}
	return 0, e, fmt.Errorf("place %d is behind the last record: %w", place, errDamaged)
}

func (g *generation) id(s state.Store, place uint32) (id schemas.ID, err error) {
	ordinal, e, err := g.locate(place)
	if err != nil {
		return id, err
	}
	at := (ordinal - e.Base) % idBlock
	b, err := get(s, blockKey(kindIDs, g.shelf, ordinal-at))
	if err != nil {
		return id, err
	}
	if uint64(len(b)) < (at+1)*uint64(len(id)) {
		return id, errDamaged
	}
	copy(id[:], b[at*uint64(len(id)):])
	return id, nil
}

func (g *generation) sketch(s state.Store, place uint32) ([]byte, error) {
	ordinal, e, err := g.locate(place)
	if err != nil {
		return nil, err
	}
	at := (ordinal - e.Base) % sketchBlock
	b, err := get(s, blockKey(kindSketches, g.shelf, ordinal-at))
	if err != nil {
		return nil, err
	}
	return sketchAt(b, int(at))
}

// A block of sketches is their count u32, the end of each u32, then their bytes.
func encodeSketches(claims []claim) []byte {
	size := 4 + 4*len(claims) + 8
	for _, c := range claims {
		size += len(c.sketch)
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(claims)))
	end := 0
	for _, c := range claims {
		end += len(c.sketch)
		b = binary.LittleEndian.AppendUint32(b, uint32(end))
	}
	for _, c := range claims {
		b = append(b, c.sketch...)
	}
	return closed(b)
}

func sketchAt(b []byte, i int) ([]byte, error) {
	if len(b) < 4 {
		return nil, errDamaged
	}
	n := int(binary.LittleEndian.Uint32(b))
	if i >= n || len(b) < 4+4*n {
		return nil, errDamaged
	}
	ends, data := b[4:4+4*n], b[4+4*n:]
	lo, hi := uint32(0), binary.LittleEndian.Uint32(ends[4*i:])
	if i > 0 {
		lo = binary.LittleEndian.Uint32(ends[4*(i-1):])
	}
	if lo > hi || int(hi) > len(data) {
		return nil, errDamaged
	}
	return data[lo:hi], nil
}

// similarity is how alike two sketches are, by the rule of a scheme.
func similarity(verify string, a, b []byte) float64 {
	switch verify {
	case "sketch":
		return text.Estimate(a, b)
	case "exact":
		return text.Jaccard(a, b)
	}
	return 1
}

// accepts reports whether a likeness is enough. An estimate is compared as it is written, to two decimals: a sketch of 128 slots
// knows no more, and cutting it at 0.80 sharp would lose half of the pairs that are 0.80 alike.
func accepts(s pipeline.Scheme, score float64) bool {
	if s.Verify == "sketch" {
		score += 0.005
	}
	return score >= s.Accept
}

// get reads a value that must be there and whole.
func get(s state.Store, key []byte) ([]byte, error) {
	b, err := s.Get(key)
	if err != nil {
		return nil, damage(err)
	}
	return opened(b)
}

// damage turns "not found" into damage: only what a generation says it has is asked for.
func damage(err error) error {
	if errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return err
}
