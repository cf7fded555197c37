package feed

import (
	"context"
	"fmt"
)

// A Cursor is a place in the examples of a domain.
type Cursor struct {
	Epoch  int `json:"epoch"`
	Window int `json:"window"` // of packing
	Index  int `json:"index"`  // in the window; not packed: in the epoch
	Shards int `json:"shards"` // that the epoch's rows come from
	Of     int `json:"of"`     // units of the window, or of the epoch
}

// Order says how examples are made of rows.
type Order struct {
	Seed    uint64
	Length  int      // tokens of a row; longest record
	Packed  bool     // rows of several documents; else a record to a row
	Overlap bool     // parts of a long document share a token: decoders
	FIM     *FIM     // or nil
	Pad     int32    // the id behind the last document of a row
	Classes []string // of labeled records
	Multi   bool     // labeled records have any number of classes
	Part    float64  // share of the rows that is used, those of a fixed choice; 0: all
	Follow  bool     // take in shards that are sealed meanwhile, at the border of an epoch
	plain   bool     // no shuffling, one epoch: evaluation
}

// A unit is one row of a batch: a packed row, or a record.
type unit struct {
	ids, targets, docs []int32 // packed: all of Order.Length; else targets and docs are nil
	pieces             []Piece
	class              int32
	values             []float32
	domain             int32
	after              Cursor // where the next unit begins
	err                error
}

// A Piece is a document, or a part of one, in a row.
type Piece struct {
	At, Len int    // tokens of the row
	Record  uint64 // names the record
	Offset  int    // first token in the record
	Epoch   int
}

// packWindow is the number of documents that are packed together.
const packWindow = 1 << 16

// A stream makes the units of one domain, epoch after epoch.
type stream struct {
	c      *Corpus
	o      Order
	domain int
	at     Cursor
	set    *Set
	perm   Permutation
	rows   [][]piece // of the window
	turn   Permutation
	class  map[string]int32
}

// open puts the stream at its cursor's epoch and window.
func (s *stream) open(ctx context.Context) error {
	if s.at.Shards == 0 {
		s.at.Shards = s.c.shards(s.domain)
	}
	if have := s.c.shards(s.domain); s.at.Shards > have {
		return fmt.Errorf("data %s: the checkpoint was made with %d shards, there are %d", s.c.Domains[s.domain].Name, s.at.Shards, have)
	}
	s.set = s.c.Train(s.domain, s.at.Shards).Part(s.o.Part)
	return s.start()
}

// start prepares the epoch.
func (s *stream) start() error {
	if s.set.Len() == 0 {
		return fmt.Errorf("data %s is empty: it has no record to train on", s.set.Name)
	}
	s.perm = NewPermutation(s.set.Len(), Hash(s.o.Seed, "epoch "+s.set.Name, uint64(s.at.Epoch)))
	if s.o.Packed {
		s.load()
	}
	return nil
}

// nextEpoch goes on to the next epoch, with what has been sealed meanwhile.
func (s *stream) nextEpoch(ctx context.Context) error {
	if s.o.Follow {
		if err := s.c.refresh(ctx, s.c.Domains[s.domain]); err != nil {
			return err
		}
		if n := s.c.shards(s.domain); n > s.at.Shards {
			s.at.Shards, s.set = n, s.c.Train(s.domain, n).Part(s.o.Part)
		}
	}
	s.at = Cursor{Epoch: s.at.Epoch + 1, Shards: s.at.Shards}
	return s.start()
}

// doc gives the row in the set of document i of the epoch's order.
func (s *stream) doc(i int) int {
	if s.o.plain {
		return i
	}
	return s.perm.At(i)
}

// load packs the window that the cursor is in.
func (s *stream) load() {
	first := s.at.Window * packWindow
	last := min(first+packWindow, s.set.Len())
	var pieces []piece
	for i := first; i < last; i++ {
		c, row := s.set.row(s.doc(i))
		n := c.length(row)
		if s.filled(c, row, n) {
			n += 3
		}
		shift := 0
		if n > s.o.Length && !s.o.plain {
			shift = int(s.chance("shift", c.records[row]) % uint64(max(1, s.o.Length-1)))
		}
		pieces = split(pieces, i-first, n, s.o.Length, shift, s.o.Overlap)
	}
	s.rows = pack(pieces, s.o.Length)
	s.turn = NewPermutation(len(s.rows), Hash(s.o.Seed, "window "+s.set.Name, uint64(s.at.Epoch), uint64(s.at.Window)))
}

// chance is a number that belongs to a record in this epoch.
func (s *stream) chance(purpose string, record uint64) uint64 {
	return Hash(s.o.Seed, purpose, uint64(s.at.Epoch), record)
}

// filled tells whether a document is rearranged in this epoch; only one that fits a row is.
func (s *stream) filled(c *cache, row, n int) bool {
	return s.o.FIM != nil && !s.o.plain && n+3 <= s.o.Length && s.o.FIM.chosen(s.chance("fim", c.records[row]))
}

// next makes the unit at the cursor and moves on.
func (s *stream) next(ctx context.Context) *unit {
	var u *unit
	var err error
	if s.o.Packed {
		u, err = s.packed(ctx)
	} else {
		u, err = s.single(ctx)
	}
	if err != nil {
		return &unit{err: err}
	}
	u.domain, u.after = int32(s.domain), s.at
	return u
}

func (s *stream) packed(ctx context.Context) (*unit, error) {
	for s.at.Index == len(s.rows) {
		if s.at.Window, s.at.Index = s.at.Window+1, 0; s.at.Window*packWindow < s.set.Len() {
			s.load()
		} else if err := s.nextEpoch(ctx); err != nil {
			return nil, err
		}
	}
	i := s.at.Index
	if !s.o.plain {
		i = s.turn.At(i)
	}
	u := s.row(s.rows[i])
	s.at.Index, s.at.Of = s.at.Index+1, len(s.rows)
	return u, nil
}

// row fills a packed row. Behind the last document comes padding, a document of its own without targets.
func (s *stream) row(pieces []piece) *unit {
	n := s.o.Length
	buf := make([]int32, 3*n)
	u := &unit{ids: buf[:n:n], targets: buf[n : 2*n : 2*n], docs: buf[2*n:], pieces: make([]Piece, 0, len(pieces))}
	at := 0
	for k, p := range pieces {
		c, row := s.set.row(s.doc(s.at.Window*packWindow + int(p.doc)))
		end := at + int(p.length)
		ids := u.ids[at:end]
		if s.filled(c, row, c.length(row)) {
			whole := make([]int32, c.length(row))
			c.read(whole, row, 0)
			s.o.FIM.apply(ids[:0], whole, s.chance("cut", c.records[row]))
			copy(u.targets[at:end], ids)
		} else {
			c.read(ids, row, int(p.offset))
			c.targets(u.targets[at:end], ids, row, int(p.offset))
		}
		for i := at; i < end; i++ {
			u.docs[i] = int32(k)
		}
		u.pieces = append(u.pieces, Piece{at, int(p.length), c.records[row], int(p.offset), s.at.Epoch})
		at = end
	}
	for ; at < n; at++ {
		u.ids[at], u.targets[at], u.docs[at] = s.o.Pad, NoTarget, int32(len(pieces))
	}
	return u
}

func (s *stream) single(ctx context.Context) (*unit, error) {
	if s.at.Index == s.set.Len() {
		if err := s.nextEpoch(ctx); err != nil {
			return nil, err
		}
	}
	i := s.doc(s.at.Index)
	s.at.Index, s.at.Of = s.at.Index+1, s.set.Len()
	return s.o.record(s.set, i, s.at.Epoch, s.class)
}

// record makes the unit of a record that is a row of its own.
func (o Order) record(set *Set, i, epoch int, class map[string]int32) (*unit, error) {
	c, row := set.row(i)
	u := &unit{ids: set.IDs(i)}
	u.pieces = []Piece{{0, len(u.ids), c.records[row], 0, epoch}}
	if o.Classes == nil {
		u.values = []float32{float32(set.NumberOf(i))}
		return u, nil
	}
	if o.Multi {
		u.values = make([]float32, len(o.Classes))
	}
	for _, l := range c.labels(row) {
		k, ok := class[l]
		if !ok {
			return nil, fmt.Errorf("label %q of %s is none of the model's %d labels: it does not occur in the training rows; list it under labels or leave the row out",
				l, set.Place(i), len(o.Classes))
		}
		if u.class = k; o.Multi {
			u.values[k] = 1
		}
	}
	return u, nil
}

func (o Order) classes() map[string]int32 {
	m := map[string]int32{}
	for i, l := range o.Classes {
		m[l] = int32(i)
	}
	return m
}
