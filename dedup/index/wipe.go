package index

import (
	"bytes"

	"sluice/pipeline/state"
)

// remove deletes a generation: first it ceases to exist, leaving a mark; then its pages go, and the mark last. With
// records, ids and sketches of its records go too.
func (x *Index) remove(g *generation, records bool) error { return remove(x.store, g, records) }

func remove(s state.Store, g *generation, records bool) error {
	var m wipeMeta
	if records {
		m.Extents = g.Extents
	}
	err := s.Write([]state.Op{
		{Key: genKey(kindWipe, g.shelf, g.num), Value: marshal(m)},
		{Key: genKey(kindGen, g.shelf, g.num), Delete: true},
	})
	if err != nil {
		return err
	}
	return wipe(s, g.shelf, g.num, m)
}

// sweep finishes every removal and undoes every unfinished write that a crash has left.
func sweep(s state.Store) error {
	type mark struct {
		shelf, gen uint32
		meta       wipeMeta
	}
	var marks []mark
	for e, err := range s.Scan([]byte{'x', kindWipe}) {
		if err != nil {
			return err
		}
		var m mark
		if m.shelf, m.gen, err = parseGenKey(e.Key); err != nil {
			return err
		}
		v, err := e.Value()
		if err != nil {
			return err
		}
		if err := unmarshal(v, &m.meta); err != nil {
			m.meta = wipeMeta{} // ids and sketches stay: ordinals that begin anew overwrite them
		}
		marks = append(marks, m)
	}
	for _, m := range marks {
		if err := wipe(s, m.shelf, m.gen, m.meta); err != nil {
			return err
		}
	}
	return nil
}

// wipe deletes the pages of a generation that does not exist, and its mark last.
func wipe(s state.Store, shelf, gen uint32, m wipeMeta) error {
	var ops []state.Op
	flush := func() error {
		err := s.Write(ops)
		ops = ops[:0]
		return err
	}
	del := func(key []byte) error {
		if ops = append(ops, state.Op{Key: key, Delete: true}); len(ops) < state.Atomic {
			return nil
		}
		return flush()
	}
	for _, kind := range []byte{kindPage, kindFirsts, kindBloom} {
		var keys [][]byte
		for e, err := range s.Scan(genKey(kind, shelf, gen)) {
			if err != nil {
				return err
			}
			keys = append(keys, bytes.Clone(e.Key))
		}
		for _, k := range keys {
			if err := del(k); err != nil {
				return err
			}
		}
	}
	for _, e := range m.Extents {
		for i := uint64(0); i < uint64(e.Count); i += sketchBlock {
			if err := del(blockKey(kindSketches, shelf, e.Base+i)); err != nil {
				return err
			}
			if i%idBlock != 0 {
				continue
			}
			if err := del(blockKey(kindIDs, shelf, e.Base+i)); err != nil {
				return err
			}
		}
	}
	if err := del(genKey(kindWipe, shelf, gen)); err != nil {
		return err
	}
	if len(ops) == 0 {
		return nil
	}
	return flush()
}
