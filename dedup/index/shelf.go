package index

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// shelf holds all claims of one scope, stage and scheme: sealed ones by generation, in stream order, then the table.
type shelf struct {
	header
	num     uint32
	stored  bool // its header is in the store
	gens    []*generation
	table   table
	nextGen uint32
	sealed  int64  // last batch that this process sealed, plus one
	next    uint64 // ordinal of the next record to be sealed

	cands []uint64
	full  []bool // by key of the likeness at hand: it has as many owners as are ever looked at
	hash  []uint64
}

// maxOwners is how many records that share a key are looked at, oldest first. A key of a template that thousands
// of different records share would make every claim slow.
const maxOwners = 64

// claim decides on one record. A generation that could not be read is returned with the error.
//
// While claims are missing (anew) records of sealed shards pass here again. They were kept, so they are claimed whatever they share
// with records that came after them.
func (s *shelf) claim(st state.Store, batch int64, id schemas.ID, l pipeline.Likeness, anew bool, overflow *int64) (m pipeline.Match, g *generation, err error) {
	if g, err := s.candidates(st, l.Keys, overflow); err != nil {
		return m, g, err
	}
	for _, c := range s.cands {
		g, place := s.gen(c), uint32(c)
		score := 1.0
		if s.Scheme.Verify != "" && l.Sketch != nil {
			sketch, err := s.sketch(st, g, place)
			if err != nil {
				return m, g, err
			}
			if score = similarity(s.Scheme.Verify, l.Sketch, sketch); !accepts(s.Scheme, score) {
				continue
			}
		}
		owner, own, err := s.owner(st, g, place)
		if err != nil {
			return m, g, err
		}
		if own && owner == id {
			return pipeline.Match{}, nil, nil
		}
		if !m.Dup {
			m = pipeline.Match{Dup: true, Owner: owner, Score: score}
		}
		if !anew {
			return m, nil, nil
		}
	}
	n := s.table.add(claim{id: id, batch: batch, sketch: l.Sketch})
	for i, k := range l.Keys {
		// One more owner of a key that has enough would never be looked at, whatever is claimed later.
		if !s.full[i] || anew {
			s.table.key(k, s.hash[i], n)
		}
	}
	return m, nil, nil
}

// owner returns the id of a claimed record, and whether it is of the dataset that is open.
func (s *shelf) owner(st state.Store, g *generation, place uint32) (id schemas.ID, own bool, err error) {
	if g == nil {
		return s.table.claims[place].id, true, nil
	}
	id, err = g.id(st, place)
	return id, g.own, err
}

// candidates sets s.cands to the records that share a key, oldest first: the number of the generation
// (the table behind the last) and the place in it.
func (s *shelf) candidates(st state.Store, keys []pipeline.Key, overflow *int64) (*generation, error) {
	s.cands, s.full, s.hash = s.cands[:0], s.full[:0], s.hash[:0]
	for _, k := range keys {
		if int(k.Band) >= s.Scheme.Bands {
			return nil, fmt.Errorf("key of band %d, the scheme has %d", k.Band, s.Scheme.Bands)
		}
		if k.Hi != 0 && !s.Scheme.Exact {
			return nil, fmt.Errorf("key of band %d has more than 64 bits, which the scheme does not keep", k.Band)
		}
		h := mix(k.Band, k.Hi, k.Lo)
		found := len(s.cands)
		limit := found + maxOwners
		for i, g := range s.gens {
			err := g.find(st, k, h, func(place uint32) bool {
				s.cands = append(s.cands, uint64(i)<<32|uint64(place))
				return len(s.cands) < limit
			})
			if err != nil {
				return g, err
			}
			if len(s.cands) == limit {
				break
			}
		}
		if len(s.cands) < limit {
			s.table.find(k, h, func(claim uint32) bool {
				s.cands = append(s.cands, uint64(len(s.gens))<<32|uint64(claim))
				return len(s.cands) < limit
			})
		}
		s.full = append(s.full, len(s.cands) == limit)
		s.hash = append(s.hash, h)
	}
	slices.Sort(s.cands)
	s.cands = slices.Compact(s.cands)
	if len(s.cands) > maxOwners {
		s.cands = s.cands[:maxOwners]
		*overflow++
	}
	return nil, nil
}

// gen returns the generation of a candidate, or nil for one in the table.
func (s *shelf) gen(candidate uint64) *generation {
	if i := int(candidate >> 32); i < len(s.gens) {
		return s.gens[i]
	}
	return nil
}

func (s *shelf) sketch(st state.Store, g *generation, place uint32) ([]byte, error) {
	if g == nil {
		return s.table.claims[place].sketch, nil
	}
	return g.sketch(st, place)
}

// retire forgets own generations with claims of batch or later: that batch is on its way again, because its shard was
// sealed in part and is being replaced. What the records after it claimed must not be seen by those before.
func (s *shelf) retire(batch int64) {
	late := func(g *generation) bool { return g.own && g.Last >= batch }
	if slices.ContainsFunc(s.gens, late) {
		s.gens = slices.DeleteFunc(s.gens, late)
	}
}

// load reads what lies in RAM of every generation. One that is damaged is returned with the error.
func (s *shelf) load(st state.Store) (*generation, error) {
	for _, g := range s.gens {
		if g.bloom != nil {
			continue
		}
		if err := g.load(st); err != nil {
			return g, err
		}
	}
	return nil, nil
}

func (s *shelf) empty() bool { return len(s.gens) == 0 && len(s.table.claims) == 0 }

// order sorts the generations in stream order: other datasets first, then by batch.
func (s *shelf) order() {
	slices.SortFunc(s.gens, func(a, b *generation) int {
		if a.own != b.own {
			if b.own {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.First, b.First), cmp.Compare(a.num, b.num))
	})
}

// claims is what [Index.Stage] returns: the shelves of one stage, one for each scope it claims in.
type claims struct {
	x       *Index
	stage   string
	scheme  pipeline.Scheme
	shelves map[string]*shelf
}

var _ pipeline.Claimer = (*claims)(nil)

// Claim implements [pipeline.Claimer]. Scopes are "dataset", "run", "global" and "source:" with a name. As long as tokens are
// missing, records of their shards are to be claimed again: each is then claimed, even where a match is returned.
func (c *claims) Claim(batch int64, id schemas.ID, scope string, l pipeline.Likeness) (pipeline.Match, error) {
	if len(l.Keys) == 0 {
		return pipeline.Match{}, nil
	}
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	if c.x.broken != nil {
		return pipeline.Match{}, c.x.broken
	}
	s, ok := c.shelves[scope]
	if !ok {
		var err error
		if s, err = c.x.shelf(scope, c.stage, c.scheme); err != nil {
			return pipeline.Match{}, err
		}
		c.shelves[scope] = s
	}
	anew := len(c.x.missing) > 0
	if !anew {
		if batch < s.sealed {
			return pipeline.Match{}, fmt.Errorf("%s claims for batch %d, which is sealed already", c.stage, batch)
		}
		s.retire(batch)
	}
	m, g, err := s.claim(c.x.store, batch, id, l, anew, &c.x.overflow)
	if err != nil && g != nil && errors.Is(err, errDamaged) {
		return m, c.x.lose(s, g, err)
	}
	return m, err
}
