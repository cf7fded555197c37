package llm

import (
	"context"
	"sync"
	"time"
)

// halt is how everything that waits learns that the run ends: stop is the run's soft stop (requests already sent may finish, none
// leaves any more), dead is closed when the model itself ends the run.
type halt struct {
	stop <-chan struct{}
	dead chan struct{}
	once sync.Once
	why  error // set before dead is closed
}

func newHalt(stop <-chan struct{}) *halt { return &halt{stop: stop, dead: make(chan struct{})} }

// end ends the run with err; the first call counts.
func (h *halt) end(err error) {
	h.once.Do(func() {
		h.why = err
		close(h.dead)
	})
}

// check returns why nothing may be sent any more, or nil.
func (h *halt) check(ctx context.Context) error {
	select {
	case <-h.dead:
		return h.why
	default:
	}
	select {
	case <-h.stop:
		return ErrStopping
	default:
	}
	return ctx.Err()
}

// wait returns nil when ready is closed, else why it will not be.
func (h *halt) wait(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-h.dead:
		return h.why
	case <-h.stop:
		return ErrStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sleep waits for d.
func (h *halt) sleep(ctx context.Context, d time.Duration) error {
	if err := h.check(ctx); err != nil || d <= 0 {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-h.dead:
		return h.why
	case <-h.stop:
		return ErrStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}
