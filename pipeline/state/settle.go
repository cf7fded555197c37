package state

import "fmt"

// Intents returns the requests of a dataset that may be under way, in the order in which they were begun; "" is all
// datasets. Those of killed runs are among them until they are settled.
func (l *Ledger) Intents(dataset string) ([]Intent, error) { return l.intents('i', dataset) }

// Settled returns the requests of killed runs that were booked at their worst cost.
func (l *Ledger) Settled(dataset string) ([]Intent, error) { return l.intents('d', dataset) }

// Leftover returns the intents that earlier processes left: requests that may have been paid without an answer.
func (l *Ledger) Leftover(dataset string) ([]Intent, error) {
	all, err := l.intents('i', dataset)
	n := 0
	for n < len(all) && all[n].ID < l.first {
		n++
	}
	return all[:n], err
}

func (l *Ledger) intents(space byte, dataset string) ([]Intent, error) {
	var found []Intent
	for e, err := range l.store.Scan([]byte{space}) {
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		v, err := e.Value()
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		in, err := decodeIntent(v)
		if err != nil {
			return nil, fmt.Errorf("ledger: intent %x: %w", e.Key[1:], err)
		}
		if dataset == "" || in.Dataset == dataset {
			found = append(found, in)
		}
	}
	return found, nil
}

// Settle books the leftover intents of a dataset ("" for all) at their worst cost and returns how many there were. Each is booked
// once: it moves to the settled ones in the same stroke. Worst tokens count as completion, because which they were is not known.
func (l *Ledger) Settle(dataset string) (n int, err error) {
	left, err := l.Leftover(dataset)
	if err != nil {
		return 0, err
	}
	for _, in := range left {
		e := &entry{
			ops: []Op{
				{Key: intentKey('i', in.ID), Delete: true},
				{Key: intentKey('d', in.ID), Value: encodeIntent(in)},
			},
			cell:  cell{in.Dataset, in.Model, in.Stage},
			spent: Spend{Requests: 1, Completion: in.WorstTokens, Cost: in.Worst, Estimated: 1},
		}
		l.mu.Lock()
		l.commitLocked(e)
		if e.err != nil {
			return n, e.err
		}
		n++
	}
	return n, nil
}
