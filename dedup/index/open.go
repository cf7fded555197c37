package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"sluice/pipeline/state"
	"sluice/schemas"
)

// open reads headers, tokens and generations, finishes what a crash interrupted and deletes what does not count.
func (x *Index) open() error {
	if err := sweep(x.store); err != nil {
		return err
	}
	byNum, err := x.readHeaders()
	if err != nil {
		return err
	}
	foreign, stale, err := x.readTokens()
	if err != nil {
		return err
	}
	var dead []*generation
	for e, err := range x.store.Scan([]byte{'x', kindGen}) {
		if err != nil {
			return err
		}
		g, err := readGen(e)
		if errors.Is(err, errDamaged) {
			dead = append(dead, g)
			continue
		}
		if err != nil {
			return err
		}
		s := byNum[g.shelf]
		g.own = g.Dataset == x.dataset
		if s == nil || g.own && !x.counts(s, g) {
			dead = append(dead, g)
			continue
		}
		s.reserve(g)
		g.exact = s.Scheme.Exact
		if g.own || s.Scope == scopeGlobal && g.Dataset != x.o.Replaces && foreign.count(g) {
			s.gens = append(s.gens, g)
		}
	}
	for _, s := range byNum {
		s.order()
	}
	for _, g := range dead {
		if err := x.remove(g, true); err != nil {
			return err
		}
	}
	return x.store.Write(stale)
}

// counts reports whether an own generation counts: the manifest lists all its tokens, and its run is not over.
func (x *Index) counts(s *shelf, g *generation) bool {
	if s.Scope == scopeRun && s.Run != x.o.Run {
		return false
	}
	return !slices.ContainsFunc(g.Tokens, func(t string) bool { return !x.settled[t] })
}

func (x *Index) readHeaders() (map[uint32]*shelf, error) {
	byNum := make(map[uint32]*shelf)
	for e, err := range x.store.Scan([]byte{'x', kindHeader}) {
		if err != nil {
			return nil, err
		}
		s := &shelf{stored: true}
		v, err := e.Value()
		if err != nil {
			return nil, err
		}
		if len(e.Key) != 6 {
			return nil, fmt.Errorf("key %q: %w", e.Key, errDamaged)
		}
		s.num = binary.BigEndian.Uint32(e.Key[2:])
		x.nextNum = max(x.nextNum, s.num+1)
		if err := unmarshal(v, &s.header); err != nil {
			x.warn("dedup index: header %d is damaged: its claims are made anew", s.num)
			continue
		}
		byNum[s.num] = s
		x.shelves[s.identity()] = s
	}
	return byNum, nil
}

// readTokens reads the tokens of this dataset, and what is known of others. stale deletes own tokens that do not
// count and notes those that do.
func (x *Index) readTokens() (f foreign, stale []state.Op, err error) {
	f = foreign{x: x, counted: make(map[[2]string]bool), manifests: make(map[string]map[string]bool)}
	for e, err := range x.store.Scan([]byte{'x', kindToken}) {
		if err != nil {
			return f, nil, err
		}
		dataset, token, ok := parseTokenKey(e.Key)
		var m tokenMeta
		v, err := e.Value()
		if err != nil {
			return f, nil, err
		}
		ok = ok && unmarshal(v, &m) == nil
		switch {
		case dataset != x.dataset:
			if ok && m.Counted {
				f.counted[[2]string{dataset, token}] = true
			}
		case !ok || !x.settled[token]:
			stale = append(stale, state.Op{Key: bytes.Clone(e.Key), Delete: true})
		default:
			x.tokens[token] = m
			if !m.Counted {
				m.Counted = true
				stale = append(stale, state.Op{Key: bytes.Clone(e.Key), Value: marshal(m)})
			}
		}
	}
	return f, stale, nil
}

// readGen decodes a directory entry. A damaged one is returned as far as its key tells.
func readGen(e state.Entry) (*generation, error) {
	g := new(generation)
	var err error
	if g.shelf, g.num, err = parseGenKey(e.Key); err != nil {
		return g, err
	}
	v, err := e.Value()
	if err != nil {
		return g, err
	}
	if err := unmarshal(v, &g.genMeta); err != nil {
		return g, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return g, nil
}

// reserve keeps the numbers of g from being given out again.
func (s *shelf) reserve(g *generation) {
	s.nextGen = max(s.nextGen, g.num+1)
	for _, e := range g.Extents {
		s.next = max(s.next, e.Base+uint64(e.Count))
	}
}

// foreign tells which generations of other datasets count.
type foreign struct {
	x         *Index
	counted   map[[2]string]bool         // dataset, token: seen in a manifest by its own runs
	manifests map[string]map[string]bool // folder -> tokens its manifest lists; nil: unreadable
}

func (f foreign) count(g *generation) bool {
	for _, t := range g.Tokens {
		if !f.counted[[2]string{g.Dataset, t}] && !f.manifest(g)[t] {
			return false
		}
	}
	return true
}

func (f foreign) manifest(g *generation) map[string]bool {
	tokens, ok := f.manifests[g.Path]
	if ok {
		return tokens
	}
	m, err := schemas.ReadManifest(g.Path)
	switch {
	case err != nil:
		f.x.warn("dedup index: claims of dataset %s do not count, because its manifest cannot be read: %v", g.Dataset, err)
	case m.Dataset == g.Dataset:
		tokens = make(map[string]bool)
		for _, s := range m.Segments {
			tokens[s.Token] = true
		}
	}
	f.manifests[g.Path] = tokens
	return tokens
}

func (x *Index) warn(format string, args ...any) {
	if x.o.Warn != nil {
		x.o.Warn(fmt.Sprintf(format, args...))
	}
}
