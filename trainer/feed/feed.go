package feed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"

	"sluice/trainer/mix"
)

// A Feed yields the batches of a training. One goroutine for every domain makes its next rows ahead of need; the mixer decides, on the caller's
// goroutine, which domain gives the next one, so that being ahead changes nothing.
type Feed struct {
	c       *Corpus
	o       Order
	mixer   mix.Mixer
	batch   int
	micros  int
	picks   uint64 // examples so far
	cursors []Cursor
	sizes   []int // rows of the domains at the start
	queues  []chan *unit
	ctx     context.Context // of the streams
	stop    context.CancelFunc
	done    sync.WaitGroup

	window [][]*unit // not packed: batches sorted by length
	index  int       // the next of them
	start  *place    // where the window began
}

// ahead is the number of units a domain has ready.
const ahead = 32

// A place is where the feed stands between two batches.
type place struct {
	Picks   uint64   `json:"picks"`
	Cursors []Cursor `json:"cursors"`
	Mixer   []byte   `json:"mixer"`
}

// A State is what a checkpoint keeps of a feed: resuming from it costs the same at every step.
type State struct {
	place
	Domains []string `json:"domains"`
	Shards  [][]Pin  `json:"shards"`           // of every domain, what its epoch is made of
	Window  *place   `json:"window,omitempty"` // not packed: where the present window of batches began …
	Index   int      `json:"index,omitempty"`  // … and how many of its batches are over
}

// A Batch is what one step trains on, cut into pieces of fixed rows.
type Batch struct {
	Micros []*Micro
	Tokens int // without padding
}

// A Micro is a piece of a batch: Rows rows of Time tokens.
type Micro struct {
	Rows, Time int
	IDs        []int32   // Rows·Time
	Lengths    []int32   // not packed: tokens from here on are padding
	Docs       []int32   // packed: numbers of documents, Rows·Time
	Targets    []int32   // packed: the ids where they are targets, NoTarget elsewhere
	Classes    []int32   // one class for every row
	Values     []float32 // several classes (Rows·classes), or numbers (Rows)
	Domains    []int32   // of every row
	Pieces     [][]Piece // of every row
}

// New makes a feed of batches of batch rows, cut into micros pieces. A nil state begins at the first example.
func New(ctx context.Context, c *Corpus, o Order, m mix.Mixer, batch, micros int, state *State) (*Feed, error) {
	f := &Feed{c: c, o: o, mixer: m, batch: batch, micros: min(max(1, micros), batch), cursors: make([]Cursor, len(c.Domains))}
	from := &place{Cursors: f.cursors}
	if state != nil {
		var names []string
		for _, d := range c.Domains {
			names = append(names, d.Name)
		}
		if !slices.Equal(names, state.Domains) {
			return nil, fmt.Errorf("the checkpoint was made with the data %v, this is %v", state.Domains, names)
		}
		if from = &state.place; state.Window != nil {
			from = state.Window
		}
		if err := m.UnmarshalBinary(from.Mixer); err != nil {
			return nil, err
		}
	}
	f.picks, f.cursors = from.Picks, slices.Clone(from.Cursors)
	if err := f.open(ctx); err != nil {
		return nil, err
	}
	if state != nil && state.Window != nil {
		err := f.fill()
		if f.index = state.Index; err == nil {
			err = m.UnmarshalBinary(state.Mixer)
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// open starts the streams.
func (f *Feed) open(ctx context.Context) error {
	ctx, f.stop = context.WithCancel(ctx)
	f.ctx = ctx
	class := f.o.classes()
	for k := range f.c.Domains {
		s := &stream{c: f.c, o: f.o, domain: k, at: f.cursors[k], class: class}
		if err := s.open(ctx); err != nil {
			return errors.Join(err, f.Close())
		}
		f.sizes = append(f.sizes, s.set.Len())
		queue := make(chan *unit, ahead)
		f.queues = append(f.queues, queue)
		f.done.Go(func() {
			for {
				select {
				case queue <- s.next(ctx):
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return nil
}

// Close ends the goroutines.
func (f *Feed) Close() error {
	f.stop()
	f.done.Wait()
	return nil
}

// pull takes the next example from the domain that the mixer picks.
func (f *Feed) pull(step int64) (*unit, error) {
	k := f.mixer.Pick(step, rand.New(rand.NewPCG(Hash(f.o.Seed, "mix"), f.picks)))
	var u *unit
	select {
	case u = <-f.queues[k]:
	case <-f.ctx.Done(): // its stream has ended too
		return nil, context.Cause(f.ctx)
	}
	if u.err != nil {
		return nil, u.err
	}
	f.picks++
	f.cursors[k] = u.after
	return u, nil
}

// Next gives the batch of a step.
func (f *Feed) Next(step int64) (*Batch, error) {
	var units []*unit
	if f.o.Packed {
		for range f.batch {
			u, err := f.pull(step)
			if err != nil {
				return nil, err
			}
			units = append(units, u)
		}
	} else {
		if f.index == len(f.window) {
			if err := f.fill(); err != nil {
				return nil, err
			}
		}
		units = f.window[f.index]
		f.index++
	}
	b := &Batch{}
	for i := range f.micros {
		if part := units[i*len(units)/f.micros : (i+1)*len(units)/f.micros]; len(part) > 0 {
			b.Micros = append(b.Micros, f.o.micro(part))
		}
	}
	for _, u := range units {
		for _, p := range u.pieces {
			b.Tokens += p.Len
		}
	}
	return b, nil
}

// fill takes the records of the next batches and sorts them by length. The mixer decides for all of them at once, unless it follows what is learned: then a
// window is one batch.
func (f *Feed) fill() error {
	batches := windowBatches
	if mix.Reacts(f.mixer) {
		batches = 1
	}
	start, err := f.place()
	if err != nil {
		return err
	}
	units, step := make([]*unit, 0, batches*f.batch), int64(f.picks)/int64(f.batch)
	for range batches * f.batch {
		u, err := f.pull(step)
		if err != nil {
			return err
		}
		units = append(units, u)
	}
	f.start, f.index = start, 0
	f.window = bucket(units, f.batch, Hash(f.o.Seed, "bucket", start.Picks))
	return nil
}

func (f *Feed) place() (*place, error) {
	b, err := f.mixer.MarshalBinary()
	return &place{f.picks, slices.Clone(f.cursors), b}, err
}

// State tells where the feed stands.
func (f *Feed) State() (*State, error) {
	now, err := f.place()
	if err != nil {
		return nil, err
	}
	s := &State{place: *now}
	for _, d := range f.c.Domains {
		s.Domains = append(s.Domains, d.Name)
	}
	s.Shards = f.c.pins(f.cursors)
	if !f.o.Packed && f.window != nil {
		s.Window, s.Index = f.start, f.index
	}
	return s, nil
}

// Epochs tells how far every domain is: 1.25 is a quarter into its second epoch.
func (f *Feed) Epochs() []float64 {
	out := make([]float64, len(f.cursors))
	for k, c := range f.cursors {
		out[k] = float64(c.Epoch)
		if c.Of == 0 {
			continue
		}
		part := float64(c.Index) / float64(c.Of)
		if windows := (f.sizes[k] + packWindow - 1) / packWindow; f.o.Packed {
			part = (float64(c.Window) + part) / float64(windows)
		}
		out[k] += part
	}
	return out
}

// micro joins units to a piece of a batch.
func (o Order) micro(units []*unit) *Micro {
	m := &Micro{Rows: len(units), Time: o.Length}
	if !o.Packed {
		longest := 1
		for _, u := range units {
			longest = max(longest, len(u.ids))
		}
		m.Time = padded(longest, o.Length)
	}
	n := m.Rows * m.Time
	m.IDs = make([]int32, n)
	if o.Packed {
		m.Docs, m.Targets = make([]int32, n), make([]int32, n)
	}
	for i, u := range units {
		row := m.IDs[i*m.Time : (i+1)*m.Time]
		m.Domains, m.Pieces = append(m.Domains, u.domain), append(m.Pieces, u.pieces)
		k := copy(row, u.ids)
		if o.Packed {
			copy(m.Docs[i*m.Time:], u.docs)
			copy(m.Targets[i*m.Time:], u.targets)
			continue
		}
		for j := k; j < m.Time; j++ {
			row[j] = o.Pad
		}
		m.Lengths = append(m.Lengths, int32(k))
		m.Values = append(m.Values, u.values...)
		if o.Classes != nil && !o.Multi {
			m.Classes = append(m.Classes, u.class)
		}
	}
	return m
}

// Once yields all rows of a set in their order on disk, packed or padded, rows at a time: what a model is judged by.
func Once(s *Set, o Order, domain, rows int) iter.Seq2[*Micro, error] {
	o.plain, o.FIM = true, nil
	return func(yield func(*Micro, error) bool) {
		var units []*unit
		give := func(u *unit, err error) bool {
			if err != nil {
				yield(nil, err)
				return false
			}
			u.domain = int32(domain)
			if units = append(units, u); len(units) < rows {
				return true
			}
			m := o.micro(units)
			units = nil
			return yield(m, nil)
		}
		if o.Packed {
			t := &stream{o: o, set: s}
			for ; t.at.Window*packWindow < s.Len(); t.at.Window++ {
				t.load()
				for _, r := range t.rows {
					if !give(t.row(r), nil) {
						return
					}
				}
			}
		} else {
			class := o.classes()
			for i := range s.Len() {
				if !give(o.record(s, i, 0, class)) {
					return
				}
			}
		}
		if len(units) > 0 {
			yield(o.micro(units), nil)
		}
	}
}

// Rows is the number of rows that one epoch of a set makes: packed rows, or records.
func Rows(s *Set, o Order) (n int64) {
	if !o.Packed {
		return int64(s.Len())
	}
	t := &stream{o: o, set: s}
	if s.Len() == 0 {
		return 0
	}
	t.perm = NewPermutation(s.Len(), Hash(o.Seed, "epoch "+s.Name, 0))
	for ; t.at.Window*packWindow < s.Len(); t.at.Window++ {
		t.load()
		n += int64(len(t.rows))
	}
	return n
}

// Padded is the number of tokens of one epoch of a set whose records are rows of their own, padding included, when rows of one length share a batch.
func Padded(s *Set, o Order) (n int64) {
	for i := range s.Len() {
		c, row := s.row(i)
		n += int64(padded(c.length(row), o.Length))
	}
	return n
}
