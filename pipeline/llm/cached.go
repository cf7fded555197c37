package llm

import (
	"context"
	"errors"
	"sync"

	"sluice/pipeline/state"
	"sluice/schemas"
)

// cached answers from the ledger what was ever asked before, by whatever run or recipe. Equal requests that meet are asked once: the
// others wait for the first and then look again.
type cached struct {
	next   asker
	ledger *state.Ledger
	coders *zstdCoders
	line   *line

	mu      sync.Mutex
	flights map[[32]byte]*flight
}

type flight struct {
	landed chan struct{}
	err    error
}

func (c *cached) ask(ctx context.Context, q *call) (*reply, error) {
	for {
		e, err := c.find(q)
		if err != nil {
			return nil, err
		}
		if e != nil {
			return &reply{Entry: e, fromLedger: true}, nil
		}
		c.mu.Lock()
		f, joined := c.flights[q.key]
		if !joined {
			f = &flight{landed: make(chan struct{})}
			c.flights[q.key] = f
		}
		c.mu.Unlock()
		if !joined {
			return c.lead(ctx, q, f)
		}
		select { // a soft stop lets the leader finish, and its answer is ours
		case <-f.landed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if f.err != nil && shared(f.err) {
			return nil, f.err
		}
	}
}

// lead asks, after a last look: the answer may have come between the first look and taking the lead.
func (c *cached) lead(ctx context.Context, q *call, f *flight) (r *reply, err error) {
	defer func() {
		f.err = err
		c.mu.Lock()
		delete(c.flights, q.key)
		c.mu.Unlock()
		close(f.landed)
	}()
	if e, err := c.find(q); err != nil || e != nil {
		return &reply{Entry: e, fromLedger: true}, err
	}
	return c.next.ask(ctx, q)
}

// find returns the oldest stored answer that serves.
func (c *cached) find(q *call) (*Entry, error) {
	answers, err := c.ledger.Answers(q.key)
	if err != nil {
		return nil, err
	}
	for _, b := range answers {
		e, err := c.coders.decode(b)
		if err != nil {
			return nil, err
		}
		if e.serves(q.max) {
			c.line.books.saved(e.Usage)
			return e, nil
		}
	}
	return nil, nil
}

// shared reports whether an error holds for everyone who asked the same, rather than for the one whose context ended.
func shared(err error) bool {
	var f *schemas.Failure
	return errors.As(err, &f) || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
