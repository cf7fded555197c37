package index

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"sluice/pipeline"
	"sluice/pipeline/state"
)

// Index implements [pipeline.Index] for one dataset. Its methods may be called concurrently.
type Index struct {
	store   state.Store
	dataset string
	o       Options

	mu       sync.Mutex
	shelves  map[string]*shelf // by identity of their headers
	nextNum  uint32
	tokens   map[string]tokenMeta // of this dataset
	settled  map[string]bool      // tokens that a manifest lists, so that their generations may be merged
	sealed   []string             // tokens of this process whose manifest is not known to be written
	missing  map[string]bool
	overflow int64
	broken   error
}

// Options of [New]. The zero value suits a dataset that shares claims with no other.
type Options struct {
	Path     string       // folder of the dataset: where others that share scope global look what counts
	Run      string       // id of the run, kept over its resumptions: claims of scope run are of that run alone
	Replaces string       // id of a dataset whose claims of scope global do not count, since this one will take its place
	Warn     func(string) // told of claims of other datasets that cannot be counted
}

// New opens the claims of a dataset in s. counted are the tokens that its manifest lists: all that other tokens brought is
// deleted. [Index.Missing] tells which of the counted have lost their claims.
func New(s state.Store, dataset string, counted []string, o Options) (*Index, error) {
	x := &Index{
		store: s, dataset: dataset, o: o,
		shelves: make(map[string]*shelf), tokens: make(map[string]tokenMeta),
		settled: make(map[string]bool), missing: make(map[string]bool),
	}
	for _, t := range counted {
		x.settled[t] = true
	}
	if err := x.open(); err != nil {
		return nil, fmt.Errorf("open dedup index: %w", err)
	}
	missing, err := x.Missing(counted)
	if err != nil {
		return nil, err
	}
	for _, t := range missing {
		x.missing[t] = true
	}
	return x, nil
}

// Stage implements [pipeline.Index].
func (x *Index) Stage(stage string, s pipeline.Scheme) (pipeline.Claimer, error) {
	if s.Bands < 1 || s.Bands > 256 || s.Exact && s.Bands != 1 || s.Exact && s.Verify != "" {
		return nil, fmt.Errorf("%s: scheme %+v: want 1 to 256 bands, exact schemes one and no verification", stage, s)
	}
	if s.Verify != "" && s.Verify != "sketch" && s.Verify != "exact" {
		return nil, fmt.Errorf("%s: unknown verification %q: want sketch or exact", stage, s.Verify)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, sh := range x.shelves {
		if sh.Stage == stage && sh.Dataset == x.dataset && sh.Scheme != s && !sh.empty() {
			return nil, fmt.Errorf("%s: the claims of this dataset were made with other settings:\n  stored: %s\n  now:    %s",
				stage, describe(sh.Scheme), describe(s))
		}
	}
	return &claims{x: x, stage: stage, scheme: s, shelves: make(map[string]*shelf)}, nil
}

func describe(s pipeline.Scheme) string {
	return fmt.Sprintf("%s, %s, %d bands, verify %q at %g", s.Name, s.Settings, s.Bands, s.Verify, s.Accept)
}

// shelf returns the shelf of a scope, and makes it if there is none.
func (x *Index) shelf(scope, stage string, scheme pipeline.Scheme) (*shelf, error) {
	h := header{Scope: scope, Scheme: scheme}
	if scope != scopeGlobal {
		h.Dataset, h.Stage = x.dataset, stage
	}
	if scope == scopeRun {
		h.Run = x.o.Run
	}
	s, ok := x.shelves[h.identity()]
	if !ok {
		s = &shelf{header: h, num: x.nextNum}
		x.nextNum++
		x.shelves[h.identity()] = s
	}
	if s.Scheme != scheme { // nothing is on it: see Stage
		s.header, s.stored = h, false
	}
	if g, err := s.load(x.store); err != nil {
		if errors.Is(err, errDamaged) {
			return nil, x.lose(s, g, err)
		}
		return nil, err
	}
	return s, nil
}

// Missing implements [pipeline.Index]. A token's claims are whole if as many generations list it as were sealed with it.
func (x *Index) Missing(tokens []string) ([]string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	found := make(map[string]tokenMeta) // only counts are set
	for _, s := range x.shelves {
		for _, g := range s.gens {
			if !g.own {
				continue
			}
			for _, t := range g.Tokens {
				m := found[t]
				if s.Scope == scopeRun {
					m.RunGens++
				} else {
					m.Gens++
				}
				found[t] = m
			}
		}
	}
	var missing []string
	for _, t := range tokens {
		want, ok := x.tokens[t]
		got := found[t]
		if !ok || got.Gens != want.Gens || want.Run == x.o.Run && got.RunGens != want.RunGens {
			missing = append(missing, t)
		}
	}
	return missing, nil
}

// Seal implements [pipeline.Index].
func (x *Index) Seal(token string, last int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken != nil {
		return x.broken
	}
	if err := x.seal(token, last); err != nil {
		x.broken = fmt.Errorf("seal dedup claims: %w", err)
		return x.broken
	}
	// A seal follows the manifest of the one before.
	for _, t := range x.sealed {
		x.settled[t] = true
	}
	x.sealed = append(x.sealed[:0], token)
	delete(x.missing, token)
	if err := x.merge(); err != nil {
		x.broken = fmt.Errorf("merge dedup claims: %w", err)
	}
	return x.broken
}

func (x *Index) seal(token string, last int64) error {
	meta := tokenMeta{Last: last, Run: x.o.Run}
	var commit []state.Op
	type made struct {
		s *shelf
		g *generation
	}
	var gens []made
	for _, s := range x.sorted() {
		for _, g := range s.gens { // what a damaged token still had
			if g.own && slices.Contains(g.Tokens, token) {
				meta.count(s)
			}
		}
		n := s.table.through(last)
		if n == 0 {
			continue
		}
		g, ops, err := x.write(s, n, token)
		if err != nil {
			return err
		}
		commit = append(commit, ops...)
		gens = append(gens, made{s, g})
		meta.count(s)
	}
	// The token comes last: without it nothing of this seal counts.
	commit = append(commit, state.Op{Key: tokenKey(x.dataset, token), Value: marshal(meta)})
	if err := x.store.Write(commit); err != nil {
		return err
	}
	if err := x.store.Sync(); err != nil {
		return err
	}
	x.tokens[token] = meta
	for _, m := range gens {
		if len(x.missing) == 0 {
			m.s.sealed = last + 1
		}
		m.s.next += uint64(m.g.records())
		m.s.stored = true
		m.s.gens = append(m.s.gens, m.g)
		m.s.order()
		m.s.table.drop(int(m.g.records()))
	}
	return nil
}

func (m *tokenMeta) count(s *shelf) {
	if s.Scope == scopeRun {
		m.RunGens++
	} else {
		m.Gens++
	}
}

// sorted returns the shelves by number, so that the same claims make the same writes.
func (x *Index) sorted() []*shelf {
	all := make([]*shelf, 0, len(x.shelves))
	for _, s := range x.shelves {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *shelf) int { return int(a.num) - int(b.num) })
	return all
}

// lose deletes a damaged generation, so that its tokens are missing when the dataset is opened again, and returns
// the error that stops the run.
func (x *Index) lose(s *shelf, g *generation, cause error) error {
	s.gens = slices.DeleteFunc(s.gens, func(o *generation) bool { return o == g })
	err := x.remove(g, true)
	x.broken = errors.Join(fmt.Errorf("dedup claims of %d records of %s were damaged and are removed; run again to make them anew from the shards: %w",
		g.records(), g.Dataset, cause), err)
	return x.broken
}

// Overflow returns how many claims shared keys with more records than are looked at.
func (x *Index) Overflow() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.overflow
}

var _ pipeline.Index = (*Index)(nil)
