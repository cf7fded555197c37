package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Ledger is the book of what was asked of models, what came back, and what it cost. A request is noted as an [Intent] before it
// leaves; its answer and its price are stored together, and the intent goes in the same stroke. So a crash at any
// moment leaves either an intent (the request may have been paid) or an answer that is never paid again.
//
// A Ledger may be used by hundreds of goroutines at once: writes that meet are stored in one transaction (commit.go).
// After a write has failed nobody knows what the store holds, so every later call returns that error.
type Ledger struct {
	store Store

	mu     sync.Mutex
	open   map[uint64]Intent // intents of this process
	spent  map[cell]Spend    // as stored, plus the group being written
	first  uint64            // ids below are intents of earlier processes
	next   uint64
	bound  uint64 // ids below may be given out: stored under "n"
	broken error

	queue   []*entry
	leading bool // one of the callers is writing
}

// Intent is a request that may be under way.
type Intent struct {
	ID          uint64   // given by [Ledger.Begin]
	Dataset     string   // whose cap it counts against
	Key         [32]byte // of the whole rendered request
	Model       string   // name in the recipe
	Stage       string   // identity of the stage that asks
	Worst       int64    // the most it can cost, in pico-units
	WorstTokens int64    // the most tokens it can take
	Run         string   // id of the run that asked
}

// idBlock is how many ids are reserved with one write.
const idBlock = 1 << 12

// NewLedger opens the book in s. One store has one ledger at a time.
func NewLedger(s Store) (*Ledger, error) {
	l := &Ledger{store: s, open: make(map[uint64]Intent), spent: make(map[cell]Spend)}
	switch b, err := s.Get(boundKey); {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, fmt.Errorf("ledger: %w", err)
	default:
		if b, err = unsealed(b); err != nil || len(b) != 8 {
			return nil, fmt.Errorf("ledger: counter of requests: %w", cmpErr(err, errDamaged))
		}
		l.bound = binary.LittleEndian.Uint64(b)
	}
	l.first, l.next = l.bound, l.bound
	for e, err := range s.Scan([]byte{'s'}) {
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		c, spend, err := loadSpend(e)
		if err != nil {
			return nil, fmt.Errorf("ledger: spend %q: %w", e.Key, err)
		}
		l.spent[c] = spend
	}
	return l, nil
}

var boundKey = []byte{'n'}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func loadSpend(e Entry) (c cell, s Spend, err error) {
	if c, err = parseCell(e.Key); err != nil {
		return c, s, err
	}
	v, err := e.Value()
	if err != nil {
		return c, s, err
	}
	s, err = decodeSpend(v)
	return c, s, err
}

// Answers returns all answers stored under key, oldest first: usually none or one.
func (l *Ledger) Answers(key [32]byte) ([][]byte, error) {
	v, err := l.store.Get(answerKey(key))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: answers %x: %w", key, err)
	}
	answers, err := decodeAnswers(v)
	if err != nil {
		return nil, fmt.Errorf("ledger: answers %x: %w", key, err)
	}
	return answers, nil
}

// Begin notes a request that is about to leave. The note survives kill -9 when Begin returns.
func (l *Ledger) Begin(in Intent) (id uint64, err error) {
	if strings.ContainsRune(in.Dataset+in.Model+in.Stage, 0) {
		return 0, fmt.Errorf("ledger: names %q, %q, %q must not hold a zero byte", in.Dataset, in.Model, in.Stage)
	}
	e := &entry{ops: make([]Op, 0, 2)}
	l.mu.Lock()
	id = l.next
	l.next++
	if id >= l.bound {
		l.bound = id + idBlock
		e.ops = append(e.ops, Op{Key: boundKey, Value: sealed(binary.LittleEndian.AppendUint64(nil, l.bound))})
	}
	in.ID = id
	l.open[id] = in
	e.ops = append(e.ops, Op{Key: intentKey('i', id), Value: encodeIntent(in)})
	l.commitLocked(e)
	if e.err != nil {
		l.forget(id)
		return 0, e.err
	}
	return id, nil
}

// Finish stores the answer and what it cost, and takes the intent off, all in one stroke that survives kill -9 when Finish
// returns. A nil answer was paid for, but there is nothing to keep.
func (l *Ledger) Finish(id uint64, answer []byte, spent Spend) error {
	l.mu.Lock()
	in, ok := l.open[id]
	if !ok {
		l.mu.Unlock()
		return fmt.Errorf("ledger: request %d is not under way", id)
	}
	e := &entry{
		ops:  []Op{{Key: intentKey('i', id), Delete: true}},
		cell: cell{in.Dataset, in.Model, in.Stage}, spent: spent,
	}
	if answer != nil {
		e.key, e.answer = answerKey(in.Key), answer
	}
	l.commitLocked(e)
	if e.err == nil {
		l.forget(id)
	}
	return e.err
}

// Cancel takes off the intent of a request that was certainly not paid: refused, or never connected.
func (l *Ledger) Cancel(id uint64) error {
	l.mu.Lock()
	if _, ok := l.open[id]; !ok {
		l.mu.Unlock()
		return fmt.Errorf("ledger: request %d is not under way", id)
	}
	e := &entry{ops: []Op{{Key: intentKey('i', id), Delete: true}}}
	l.commitLocked(e)
	if e.err == nil {
		l.forget(id)
	}
	return e.err
}

func (l *Ledger) forget(id uint64) {
	l.mu.Lock()
	delete(l.open, id)
	l.mu.Unlock()
}

func answerKey(key [32]byte) []byte { return append([]byte{'a'}, key[:]...) }

func intentKey(space byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{space}, id)
}
