package state

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// Spend counts what was asked and paid. Tokens are those of the provider or our own upper count, whichever is larger.
type Spend struct {
	Requests, Prompt, Cached, Completion, Reasoning int64
	Cost                                            int64 // pico-units of the recipe's currency
	Estimated                                       int64 // answers whose usage was our own count
}

// Add adds t to s.
func (s *Spend) Add(t Spend) {
	from := t.fields()
	for i, n := range s.fields() {
		*n += *from[i]
	}
}

// Tokens is the number of tokens paid for, read and written.
func (s Spend) Tokens() int64 { return s.Prompt + s.Completion }

func (s *Spend) fields() [7]*int64 {
	return [7]*int64{&s.Requests, &s.Prompt, &s.Cached, &s.Completion, &s.Reasoning, &s.Cost, &s.Estimated}
}

// cell is what spend is booked on.
type cell struct{ dataset, model, stage string }

// Booking is the spend of one model in one stage.
type Booking struct {
	Dataset, Model, Stage string
	Spend
}

// Spent returns all that a dataset has cost, over all its runs.
func (l *Ledger) Spent(dataset string) (Spend, error) {
	var sum Spend
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, s := range l.spent {
		if c.dataset == dataset {
			sum.Add(s)
		}
	}
	return sum, l.broken
}

// SpentBy returns the spend of a dataset by model and stage, in that order; "" is all datasets.
func (l *Ledger) SpentBy(dataset string) ([]Booking, error) {
	var all []Booking
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, s := range l.spent {
		if dataset == "" || c.dataset == dataset {
			all = append(all, Booking{c.dataset, c.model, c.stage, s})
		}
	}
	slices.SortFunc(all, func(a, b Booking) int {
		return cmp.Or(cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Stage, b.Stage))
	})
	return all, l.broken
}

// Recover books what a dataset has cost by want, an earlier book's sum for a model in a stage, and this book does not know of: it returns that.
func (l *Ledger) Recover(dataset, model, stage string, want Spend) (missing Spend, err error) {
	e := &entry{cell: cell{dataset, model, stage}}
	l.mu.Lock()
	known := l.spent[e.cell]
	have := known.fields()
	short := missing.fields()
	for i, n := range want.fields() {
		*short[i] = max(*n-*have[i], 0)
	}
	if missing == (Spend{}) {
		l.mu.Unlock()
		return missing, nil
	}
	e.spent = missing
	l.commitLocked(e)
	return missing, e.err
}

func (c cell) key() []byte {
	return fmt.Appendf(nil, "s%s\x00%s\x00%s", c.dataset, c.model, c.stage)
}

func parseCell(key []byte) (c cell, err error) {
	parts := bytes.Split(key[1:], []byte{0})
	if len(parts) != 3 {
		return c, fmt.Errorf("spend key %q does not decode", key)
	}
	return cell{string(parts[0]), string(parts[1]), string(parts[2])}, nil
}
