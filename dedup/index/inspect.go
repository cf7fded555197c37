package index

import (
	"encoding/binary"
	"errors"
	"fmt"

	"sluice/pipeline/state"
)

// Info tells what a store holds for one shelf: one scope, stage and scheme.
type Info struct {
	Scope, Dataset, Run, Stage string
	Scheme                     string
	Generations                int
	Tokens                     int // seals they came from
	Records, Keys              int64
}

// Inspect lists the shelves of a store in the order in which they were made.
func Inspect(s state.Store) ([]Info, error) {
	var all []Info
	at := make(map[uint32]int)
	for e, err := range s.Scan([]byte{'x', kindHeader}) {
		if err != nil {
			return nil, err
		}
		v, err := e.Value()
		if err != nil {
			return nil, err
		}
		var h header
		if err := unmarshal(v, &h); err != nil || len(e.Key) != 6 {
			return nil, fmt.Errorf("dedup index: header %q: %w", e.Key, errDamaged)
		}
		at[binary.BigEndian.Uint32(e.Key[2:])] = len(all)
		all = append(all, Info{Scope: h.Scope, Dataset: h.Dataset, Run: h.Run, Stage: h.Stage, Scheme: h.Scheme.Name})
	}
	for e, err := range s.Scan([]byte{'x', kindGen}) {
		if err != nil {
			return nil, err
		}
		g, err := readGen(e)
		if err != nil {
			return nil, fmt.Errorf("dedup index: generation %q: %w", e.Key, err)
		}
		i, ok := at[g.shelf]
		if !ok {
			return nil, fmt.Errorf("dedup index: generation %q has no header: %w", e.Key, errDamaged)
		}
		all[i].Generations++
		all[i].Tokens += len(g.Tokens)
		all[i].Records += g.records()
		all[i].Keys += g.Keys
	}
	return all, nil
}

// Verify reads everything that the generations of a store say they have: pages in order, counts, ids, sketches, checksums. The
// error joins all that is damaged.
func Verify(s state.Store) error {
	schemes := make(map[uint32]header)
	for e, err := range s.Scan([]byte{'x', kindHeader}) {
		if err != nil {
			return err
		}
		v, err := e.Value()
		if err != nil {
			return err
		}
		var h header
		if err := unmarshal(v, &h); err != nil || len(e.Key) != 6 {
			return fmt.Errorf("dedup index: header %q: %w", e.Key, errDamaged)
		}
		schemes[binary.BigEndian.Uint32(e.Key[2:])] = h
	}
	var faults []error
	for e, err := range s.Scan([]byte{'x', kindGen}) {
		if err != nil {
			return err
		}
		g, err := readGen(e)
		if err == nil {
			h := schemes[g.shelf]
			g.exact = h.Scheme.Exact
			err = g.verify(s, h.Scheme.Verify != "")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("dedup index: shelf %d generation %d of dataset %s: %w", g.shelf, g.num, g.Dataset, err))
		}
	}
	for e, err := range s.Scan([]byte{'x', kindToken}) {
		if err != nil {
			return err
		}
		v, err := e.Value()
		if err != nil {
			return err
		}
		if err := unmarshal(v, new(tokenMeta)); err != nil {
			faults = append(faults, fmt.Errorf("dedup index: token %q: %w", e.Key, err))
		}
	}
	return errors.Join(faults...)
}

func (g *generation) verify(s state.Store, sketches bool) error {
	if err := g.load(s); err != nil {
		return err
	}
	records := uint32(g.records())
	keys := int64(0)
	for band := range g.firsts {
		var last posting
		for i := range g.firsts[band] {
			p, err := g.page(s, uint8(band), i)
			if err != nil {
				return fmt.Errorf("band %d page %d: %w", band, i, err)
			}
			for j := range p.n {
				q := p.at(j)
				if q.place >= records || (i > 0 || j > 0) && comparePostings(last, q) >= 0 {
					return fmt.Errorf("band %d page %d key %d is out of order: %w", band, i, j, errDamaged)
				}
				if !g.bloom.has(mix(uint8(band), q.hi, q.lo)) {
					return fmt.Errorf("band %d page %d key %d is not in the Bloom filter: %w", band, i, j, errDamaged)
				}
				last = q
			}
			keys += int64(p.n)
		}
	}
	if keys != g.Keys {
		return fmt.Errorf("%d keys in its pages, %d in its directory: %w", keys, g.Keys, errDamaged)
	}
	for _, e := range g.Extents {
		if err := g.verifyExtent(s, e, sketches); err != nil {
			return err
		}
	}
	return nil
}

func (g *generation) verifyExtent(s state.Store, e extent, sketches bool) error {
	for i := uint32(0); i < e.Count; i += idBlock {
		b, err := get(s, blockKey(kindIDs, g.shelf, e.Base+uint64(i)))
		if err == nil && len(b) != 16*int(min(idBlock, e.Count-i)) {
			err = errDamaged
		}
		if err != nil {
			return fmt.Errorf("ids from ordinal %d: %w", e.Base+uint64(i), err)
		}
	}
	if !sketches {
		return nil
	}
	for i := uint32(0); i < e.Count; i += sketchBlock {
		b, err := get(s, blockKey(kindSketches, g.shelf, e.Base+uint64(i)))
		if err == nil {
			_, err = sketchAt(b, int(min(sketchBlock, e.Count-i))-1)
		}
		if err != nil {
			return fmt.Errorf("sketches from ordinal %d: %w", e.Base+uint64(i), err)
		}
	}
	return nil
}

// Forget deletes all claims of a dataset, which is gone or was replaced.
func Forget(s state.Store, dataset string) error {
	if err := sweep(s); err != nil {
		return err
	}
	var gens []*generation
	for e, err := range s.Scan([]byte{'x', kindGen}) {
		if err != nil {
			return err
		}
		if g, err := readGen(e); err == nil && g.Dataset == dataset {
			gens = append(gens, g)
		}
	}
	for _, g := range gens {
		if err := remove(s, g, true); err != nil {
			return err
		}
	}
	var ops []state.Op
	for e, err := range s.Scan(tokenKey(dataset, "")) {
		if err != nil {
			return err
		}
		ops = append(ops, state.Op{Key: append([]byte(nil), e.Key...), Delete: true})
	}
	for e, err := range s.Scan([]byte{'x', kindHeader}) {
		if err != nil {
			return err
		}
		v, err := e.Value()
		if err != nil {
			return err
		}
		var h header
		if unmarshal(v, &h) == nil && h.Dataset == dataset {
			ops = append(ops, state.Op{Key: append([]byte(nil), e.Key...), Delete: true})
		}
	}
	return s.Write(ops)
}
