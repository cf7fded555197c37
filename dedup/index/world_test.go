package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/pipeline/text"
	"sluice/schemas"
)

// doc is a record as the index sees it.
type doc struct {
	id schemas.ID
	l  pipeline.Likeness
}

var schemes = map[string]pipeline.Scheme{
	"exact":  {Name: "exact/1", Bands: 1, Exact: true, Accept: 1},
	"off":    {Name: "test/1", Settings: "off", Bands: 4},
	"sketch": {Name: "test/1", Settings: "sketch", Bands: 4, Verify: "sketch", Accept: 0.7},
	"set":    {Name: "test/1", Settings: "set", Bands: 4, Verify: "exact", Accept: 0.6},
}

// docs makes n records of which many are alike. A sketch has 16 bytes from a small alphabet, four to a band, so that some keys are
// shared by hundreds of records that are otherwise different.
func docs(n int, seed uint64, s pipeline.Scheme) []doc {
	r := rand.New(rand.NewPCG(seed, 1))
	sketches := make([][16]byte, n)
	all := make([]doc, n)
	for i := range all {
		sk := &sketches[i]
		if i > 0 && r.IntN(3) > 0 { // a changed copy
			*sk = sketches[r.IntN(i)]
			for range r.IntN(8) {
				sk[r.IntN(16)] = byte(r.IntN(8))
			}
		} else {
			for j := range sk {
				sk[j] = byte(r.IntN(8))
			}
			if r.IntN(2) == 0 {
				copy(sk[:4], "same")
			}
		}
		all[i].id = schemas.SeedID("docs", int64(i))
		all[i].l = likeness(sk[:], s)
	}
	return all
}

func likeness(sk []byte, s pipeline.Scheme) (l pipeline.Likeness) {
	if s.Exact {
		hi, lo := text.Hash128(sk[:6])
		return pipeline.Likeness{Keys: []pipeline.Key{{Hi: hi, Lo: lo}}}
	}
	for b := range s.Bands {
		l.Keys = append(l.Keys, pipeline.Key{Band: uint8(b), Lo: text.Hash64(append([]byte{byte(b)}, sk[4*b:4*b+4]...))})
	}
	switch s.Verify {
	case "sketch":
		l.Sketch = append([]byte(nil), sk...)
	case "exact":
		var set []uint64
		for i, c := range sk {
			set = append(set, uint64(binary.BigEndian.Uint16([]byte{byte(i), c}))<<32)
		}
		l.Sketch, _ = text.AppendSet(nil, set, nil)
	}
	return l
}

// bruteForce is the definition: a record repeats the first kept one that shares a key and is like it, among the 64 oldest that share one.
func bruteForce(all []doc, s pipeline.Scheme) []pipeline.Match {
	matches := make([]pipeline.Match, len(all))
	var kept []doc
	for i, d := range all {
		looked := 0
		for _, k := range kept {
			if !shares(d.l, k.l) {
				continue
			}
			if looked++; looked > maxOwners {
				break
			}
			score := similarity(s.Verify, d.l.Sketch, k.l.Sketch)
			if s.Verify == "" || accepts(s, score) {
				matches[i] = pipeline.Match{Dup: true, Owner: k.id, Score: score}
				break
			}
		}
		if !matches[i].Dup {
			kept = append(kept, d)
		}
	}
	return matches
}

func shares(a, b pipeline.Likeness) bool {
	for i := range a.Keys {
		if a.Keys[i] == b.Keys[i] {
			return true
		}
	}
	return false
}

// run is a simulated dataset: batches of records flow past one stage and are sealed in segments. What the real engine keeps in its
// manifest is in segments, whose change is the commit.
type run struct {
	all      []doc
	scheme   pipeline.Scheme
	batch    int // records in one
	segment  int // batches in one
	ahead    int // batches claimed before the seal of the ones before
	segments []segment
	got      []pipeline.Match
	tokens   int
}

type segment struct {
	token       string
	first, last int64
	partial     bool
}

func (r *run) counted() (tokens []string) {
	for _, s := range r.segments {
		tokens = append(tokens, s.token)
	}
	return tokens
}

func (r *run) batches() int64 { return int64((len(r.all) + r.batch - 1) / r.batch) }

// resume opens the index, makes lost claims anew and goes on for at most segments seals; the last is marked partial if partial is set,
// and then it is cut one batch short.
func (r *run) resume(st state.Store, segments int, partial bool) error {
	x, err := New(st, "ds", r.counted(), Options{})
	if err != nil {
		return err
	}
	c, err := x.Stage("dedup/test", r.scheme)
	if err != nil {
		return err
	}
	if err := r.rebuild(x, c); err != nil {
		return err
	}
	next, replaces := int64(0), false
	if n := len(r.segments); n > 0 {
		next = r.segments[n-1].last + 1
		if replaces = r.segments[n-1].partial; replaces {
			next = r.segments[n-1].first
		}
	}
	claimed := next
	for ; segments > 0 && next < r.batches(); segments-- {
		last := min(next+int64(r.segment), r.batches()) - 1
		cut := partial && segments == 1 && last > next
		if cut {
			last--
		}
		for ; claimed < min(last+1+int64(r.ahead), r.batches()); claimed++ {
			if err := r.claim(c, claimed); err != nil {
				return err
			}
		}
		r.tokens++
		token := fmt.Sprintf("token-%d", r.tokens)
		if err := x.Seal(token, last); err != nil {
			return err
		}
		if replaces {
			r.segments = r.segments[:len(r.segments)-1]
			replaces = false
		}
		r.segments = append(r.segments, segment{token, next, last, cut}) // the commit
		next = last + 1
	}
	return nil
}

func (r *run) claim(c pipeline.Claimer, batch int64) error {
	lo := int(batch) * r.batch
	for i := lo; i < min(lo+r.batch, len(r.all)); i++ {
		m, err := c.Claim(batch, r.all[i].id, "dataset", r.all[i].l)
		if err != nil {
			return err
		}
		r.got[i] = m
	}
	return nil
}

// rebuild claims the kept records of segments whose claims were lost, as the engine does from their shards.
func (r *run) rebuild(x *Index, c pipeline.Claimer) error {
	missing, err := x.Missing(r.counted())
	if err != nil {
		return err
	}
	lost := make(map[string]bool)
	for _, t := range missing {
		lost[t] = true
	}
	for _, s := range r.segments {
		if !lost[s.token] {
			continue
		}
		for b := s.first; b <= s.last; b++ {
			lo := int(b) * r.batch
			for i := lo; i < min(lo+r.batch, len(r.all)); i++ {
				if r.got[i].Dup {
					continue
				}
				if _, err := c.Claim(b, r.all[i].id, "dataset", r.all[i].l); err != nil {
					return err
				}
			}
		}
		if err := x.Seal(s.token, s.last); err != nil {
			return err
		}
	}
	return nil
}

// crashing fails the k-th write and all later ones; with late set the k-th is applied first.
type crashing struct {
	state.Store
	mu   sync.Mutex
	k    int
	late bool
}

var errCrash = errors.New("crash")

func (c *crashing) Write(ops []state.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.k--
	if c.k >= 0 || c.k == -1 && c.late {
		if err := c.Store.Write(ops); err != nil {
			return err
		}
	}
	if c.k < 0 {
		return errCrash
	}
	return nil
}

func same(t *testing.T, what string, got, want []pipeline.Match) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: record %d: %+v, want %+v", what, i, got[i], want[i])
		}
	}
}

func entries(t *testing.T, s state.Store, prefix string) (n int) {
	t.Helper()
	for _, err := range s.Scan([]byte(prefix)) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}
