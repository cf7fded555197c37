package pipeline

import (
	"context"
	"errors"
	"sync"

	"sluice/pipeline/llm"
)

// Halt is the soft stop of a run: whoever finds a reason to stop calls Stop, everyone who
// would start something new looks at Done. The first cause wins.
type Halt struct {
	once  sync.Once
	done  chan struct{}
	cause error
}

// NewHalt returns a Halt that has not been pulled.
func NewHalt() *Halt { return &Halt{done: make(chan struct{})} }

// Stop asks the run to take nothing new, because of cause.
func (h *Halt) Stop(cause error) {
	h.once.Do(func() {
		h.cause = cause
		close(h.done)
	})
}

// Done is closed once the run should take nothing new.
func (h *Halt) Done() <-chan struct{} { return h.done }

// Stopped reports whether Stop was called.
func (h *Halt) Stopped() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// Cause is what Stop was first called with; nil before.
func (h *Halt) Cause() error {
	if !h.Stopped() {
		return nil
	}
	return h.cause
}

// within returns a context that ends with the halt's cause when the halt is pulled. done must be called.
func (h *Halt) within(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-h.done:
			cancel(h.cause)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// truth returns why the run ended: an error that only says that it was told to
// stop is replaced by the cause of the stop.
func (h *Halt) truth(err error) error {
	if err != nil && !errors.Is(err, llm.ErrStopping) {
		return err
	}
	if c := h.Cause(); c != nil {
		return c
	}
	return err
}
