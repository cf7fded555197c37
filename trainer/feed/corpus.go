package feed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"sort"
	"sync"

	"sluice/schemas"
	"sluice/trainer/tokenizer"
)

// Options say what to read and how.
type Options struct {
	Sources    []Source
	Role       string // of the shards of datasets; empty: schemas.RoleTrain
	Tokenizer  *tokenizer.Tokenizer
	Form       Form
	Cache      string  // folder of the token caches
	Validation float64 // share of the families of records that is kept back for validation; which ones depends on their ids alone
	Threads    int     // of tokenizing
	FS         schemas.FS
	Progress   func(what string) // optional
}

// A Corpus is the tokens of all sources.
type Corpus struct {
	Domains []*Domain
	o       Options
	former  *former
}

// A Domain is the tokens of one source.
type Domain struct {
	Name   string
	source Source

	mu     sync.Mutex // a followed dataset grows while its rows are read
	shards []shard
	caches []*cache
}

// Open verifies every shard and has its tokens at hand, from the cache or made anew. Nothing is trained on a shard whose size or hash is not the
// manifest's.
func Open(ctx context.Context, o Options) (*Corpus, error) {
	if o.Role == "" {
		o.Role = schemas.RoleTrain
	}
	if o.FS == nil {
		o.FS = schemas.Disk
	}
	c := &Corpus{o: o}
	var err error
	if c.former, err = newFormer(o.Form, o.Tokenizer); err != nil {
		return nil, err
	}
	for _, s := range o.Sources {
		d := &Domain{Name: s.Name, source: s}
		c.Domains = append(c.Domains, d)
		if err := c.refresh(ctx, d); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// refresh takes in the shards that a domain has gained. Shards it knows stay in their places.
func (c *Corpus) refresh(ctx context.Context, d *Domain) error {
	found, err := d.source.list(c.o.Role)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range found {
		if slices.ContainsFunc(d.shards, func(k shard) bool { return k.sha == s.sha && k.name == s.name }) {
			continue
		}
		if err := s.verify(); err != nil {
			return fmt.Errorf("data %s: %w", d.Name, err)
		}
		t, err := c.tokens(ctx, s)
		if err != nil {
			return fmt.Errorf("data %s: %w", d.Name, err)
		}
		t.shard = s.path
		d.shards, d.caches = append(d.shards, s), append(d.caches, t)
	}
	return nil
}

// Close unmaps the caches. Nothing that the feed gave out lies in them.
func (c *Corpus) Close() (err error) {
	for _, d := range c.Domains {
		for _, t := range d.caches {
			err = errors.Join(err, t.Close())
		}
		d.caches = nil
	}
	return err
}

// A Set is the training rows or the validation rows of a domain, as it was when the set was made.
type Set struct {
	Name   string
	Tokens int64
	caches []*cache
	before []int    // rows of all caches before each
	rows   []uint32 // numbers of the rows among all rows of the domain
}

// Train gives the rows of a domain to train on, of its first n shards; all: -1.
func (c *Corpus) Train(k, n int) *Set { return c.set(k, n, false) }

// Validation gives the rows that are kept back. All rows of a family, a seed and what was made of it, are on one side.
func (c *Corpus) Validation(k int) *Set { return c.set(k, -1, true) }

// shards is the number of shards a domain has now.
func (c *Corpus) shards(k int) int {
	c.Domains[k].mu.Lock()
	defer c.Domains[k].mu.Unlock()
	return len(c.Domains[k].caches)
}

func (c *Corpus) set(k, n int, validation bool) *Set {
	d := c.Domains[k]
	d.mu.Lock()
	defer d.mu.Unlock()
	if n < 0 {
		n = len(d.caches)
	}
	s := &Set{Name: d.Name, caches: slices.Clone(d.caches[:n])}
	rows := 0
	for _, t := range s.caches {
		s.before = append(s.before, rows)
		for i, f := range t.families {
			if (fraction(Hash(0, "validation", f)) < c.o.Validation) == validation {
				s.rows = append(s.rows, uint32(rows+i))
				s.Tokens += int64(t.length(i))
			}
		}
		rows += t.Rows
	}
	return s
}

// Len is the number of rows.
func (s *Set) Len() int { return len(s.rows) }

// Head gives the first n rows; 0: all.
func (s *Set) Head(n int) *Set {
	if n <= 0 || n >= s.Len() {
		return s
	}
	h := *s
	h.rows, h.Tokens = s.rows[:n], 0
	for i := range n {
		c, row := h.row(i)
		h.Tokens += int64(c.length(row))
	}
	return &h
}

// Part gives about the share of the rows, at least one of them, which ones depends on the records alone: the rows of a smaller share are among those of a
// larger. Small trainings on it repeat their data as often as large ones on the whole. 0 and 1: all.
func (s *Set) Part(share float64) *Set {
	if share <= 0 || share >= 1 || s.Len() == 0 {
		return s
	}
	p := &Set{Name: s.Name, caches: s.caches, before: s.before}
	least, lowest := 0, math.Inf(1)
	for i, r := range s.rows {
		c, row := s.row(i)
		f := fraction(Hash(0, "part", c.records[row]))
		if f < lowest {
			least, lowest = i, f
		}
		if f < share {
			p.rows = append(p.rows, r)
			p.Tokens += int64(c.length(row))
		}
	}
	if p.rows == nil {
		c, row := s.row(least)
		p.rows, p.Tokens = s.rows[least:least+1], int64(c.length(row))
	}
	return p
}

// Hash names the data: what the domains are called, and the hashes of their shards.
func (c *Corpus) Hash() string {
	h := sha256.New()
	for _, d := range c.Domains {
		fmt.Fprintf(h, "%q\n", d.Name)
		d.mu.Lock()
		for _, s := range d.shards {
			fmt.Fprintf(h, "%s\n", s.sha)
		}
		d.mu.Unlock()
	}
	return hex.EncodeToString(h.Sum(nil))
}

// row finds row i of the set.
func (s *Set) row(i int) (*cache, int) {
	r := int(s.rows[i])
	k := sort.Search(len(s.before), func(k int) bool { return s.before[k] > r }) - 1
	return s.caches[k], r - s.before[k]
}

// Labels lists the labels of the rows of all sets, sorted.
func Labels(sets []*Set) []string {
	seen := map[string]bool{}
	for _, s := range sets {
		for i := range s.Len() {
			c, row := s.row(i)
			for _, l := range c.labels(row) {
				seen[l] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// LabelsOf gives the labels of row i.
func (s *Set) LabelsOf(i int) []string {
	c, row := s.row(i)
	return c.labels(row)
}

// NumberOf gives the number of row i.
func (s *Set) NumberOf(i int) float64 {
	c, row := s.row(i)
	return math.Float64frombits(binary.LittleEndian.Uint64(c.extraOf(row)))
}

// IDs gives the tokens of row i.
func (s *Set) IDs(i int) []int32 {
	c, row := s.row(i)
	ids := make([]int32, c.length(row))
	c.read(ids, row, 0)
	return ids
}

// Place names row i for messages: the file and the number of the row among those with an example.
func (s *Set) Place(i int) string {
	c, row := s.row(i)
	return fmt.Sprintf("row %d of %s (record %016x…)", row, c.shard, c.records[row])
}

// Left counts the records that gave no example, or only part of one, by reason.
func (c *Corpus) Left() map[string]int64 {
	out := map[string]int64{}
	for _, d := range c.Domains {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, t := range d.caches {
			for k, n := range t.Left {
				out[k] += n
			}
		}
	}
	return out
}

// Records reads the records of a domain anew, for mixers that look at texts and scores.
func (c *Corpus) Records(k int) iter.Seq2[*schemas.Record, error] {
	return func(yield func(*schemas.Record, error) bool) {
		d := c.Domains[k]
		d.mu.Lock()
		shards := slices.Clone(d.shards)
		d.mu.Unlock()
		for _, s := range shards {
			for r, err := range s.records(c.o.Form) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// Texts reads the texts of sources before there is a tokenizer: to train one on. Damaged shards are found here as they are by [Open].
func Texts(ctx context.Context, sources []Source, f Form, fail func(error)) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, src := range sources {
			shards, err := src.list(schemas.RoleTrain)
			if err != nil {
				fail(err)
				return
			}
			for _, s := range shards {
				if err := s.verify(); err != nil {
					fail(fmt.Errorf("data %s: %w", src.Name, err))
					return
				}
				for r, err := range s.records(f) {
					if err == nil && ctx.Err() != nil {
						err = context.Cause(ctx)
					}
					if err != nil {
						fail(err)
						return
					}
					for _, text := range words(r, f) {
						if !yield(text) {
							return
						}
					}
				}
			}
		}
	}
}

// words are the texts of a record that a tokenizer will meet.
func words(r *schemas.Record, f Form) []string {
	if f.Kind != Completion {
		return []string{r.Content()}
	}
	var out []string
	for _, name := range []string{f.Prompt, f.Completion} {
		if t, ok := r.Columns[name].(string); ok {
			out = append(out, t)
		}
	}
	if len(out) < 2 {
		out = append(out, r.Content())
	}
	return out
}
