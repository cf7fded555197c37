package trainer

import (
	"context"
	"errors"
	"sync"
)

// A stopper turns [Options.Stop] into the end of a context while there is nothing that a checkpoint would save: before the first step, and after the last.
// In between the loop itself looks at Stop, so that a step is made whole and saved.
type stopper struct {
	mu     sync.Mutex
	loop   bool
	asked  bool
	cancel context.CancelCauseFunc
}

// stoppable gives the context of a training. free ends its goroutine.
func stoppable(parent context.Context, stop <-chan struct{}) (ctx context.Context, s *stopper, free func()) {
	ctx, cancel := context.WithCancelCause(parent)
	s = &stopper{cancel: cancel}
	var done sync.WaitGroup
	done.Go(func() {
		select {
		case <-ctx.Done():
		case <-stop:
			s.set(func() { s.asked = true })
		}
	})
	return ctx, s, func() { cancel(nil); done.Wait() }
}

// set changes something and sees what follows from it.
func (s *stopper) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	if s.asked && !s.loop {
		s.cancel(ErrStopped)
	}
}

// stopped tells an error that only says that somebody asked to stop.
func stopped(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && context.Cause(ctx) == ErrStopped {
		return ErrStopped
	}
	return err
}
