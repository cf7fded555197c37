package state

import (
	"errors"
	"fmt"
)

// entry is what one caller wants written.
type entry struct {
	ops    []Op
	key    []byte // where answer is added
	answer []byte
	cell   cell
	spent  Spend

	err  error
	wake chan bool // true: lead the next group; false: written, see err
}

// groupMax entries need at most 1 + 4 operations each, so that a group stays within [Atomic].
const groupMax = Atomic / 5

// groupBytes bounds the answers of one group.
const groupBytes = 8 << 20

// commitLocked writes e together with what other callers want written at the same time, and sets e.err. It is called with
// l.mu held and returns without it.
//
// The first caller leads: it writes its group while others queue behind it; then it wakes them, and the head of the queue leads the
// next group. Nobody waits for a timer, and there is no goroutine to stop.
func (l *Ledger) commitLocked(e *entry) {
	if l.broken != nil {
		e.err = l.broken
		l.mu.Unlock()
		return
	}
	l.queue = append(l.queue, e)
	if l.leading {
		e.wake = make(chan bool, 1)
		l.mu.Unlock()
		if lead := <-e.wake; !lead {
			return
		}
		l.mu.Lock()
	}
	l.leading = true
	group := l.takeGroup()
	err := l.broken
	l.mu.Unlock()

	if err == nil {
		err = l.writeGroup(group)
	}

	l.mu.Lock()
	if err != nil && l.broken == nil {
		l.broken = fmt.Errorf("ledger: %w", err)
	}
	err = l.broken
	var heir *entry
	if len(l.queue) > 0 {
		heir = l.queue[0]
	} else {
		l.leading = false
	}
	l.mu.Unlock()

	if heir != nil {
		heir.wake <- true
	}
	for _, g := range group {
		g.err = err
		if g != e {
			g.wake <- false
		}
	}
}

// takeGroup takes the head of the queue, at least one entry.
func (l *Ledger) takeGroup() []*entry {
	n, size := 0, 0
	for n < len(l.queue) && n < groupMax && (n == 0 || size+len(l.queue[n].answer) <= groupBytes) {
		size += len(l.queue[n].answer)
		n++
	}
	group := l.queue[:n:n]
	l.queue = l.queue[n:]
	return group
}

// writeGroup writes a group in one transaction. Only the leader runs it, so what it reads cannot change under it.
func (l *Ledger) writeGroup(group []*entry) error {
	ops := make([]Op, 0, 4*len(group))
	var answers map[string][]byte // values that this group changes
	var touched []cell
	sums := make(map[cell]Spend, 4)
	for _, g := range group {
		ops = append(ops, g.ops...)
		if g.spent != (Spend{}) {
			if _, ok := sums[g.cell]; !ok {
				touched = append(touched, g.cell)
			}
			s := sums[g.cell]
			s.Add(g.spent)
			sums[g.cell] = s
		}
		if g.answer == nil {
			continue
		}
		stored, ok := answers[string(g.key)]
		if !ok {
			var err error
			if stored, err = l.store.Get(g.key); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		value, err := appendAnswer(stored, g.answer)
		if err != nil {
			return fmt.Errorf("answers %x: %w", g.key[1:], err)
		}
		if answers == nil {
			answers = make(map[string][]byte, len(group))
		}
		answers[string(g.key)] = value
		ops = append(ops, Op{Key: g.key, Value: value})
	}
	l.mu.Lock()
	for _, c := range touched {
		s := l.spent[c]
		s.Add(sums[c])
		l.spent[c] = s // a failed write breaks the ledger, so nobody reads a sum that was not stored
		ops = append(ops, Op{Key: c.key(), Value: encodeSpend(s)})
	}
	l.mu.Unlock()
	return l.store.Write(ops)
}
