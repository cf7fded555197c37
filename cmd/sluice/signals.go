package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"sluice/pipeline"
)

// listen makes a first Ctrl-C (or a polite kill) stop the run softly: nothing new is begun, requests that have left are waited for,
// what is whole is sealed. A second one leaves at once. Before the run has begun there is nothing to seal: then the first one
// cancels the context, for example while a lock is waited for.
func (a *app) listen(parent context.Context, halt *pipeline.Halt) (ctx context.Context, begun *atomic.Bool, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	begun = new(atomic.Bool)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for heard := 0; ; heard++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			switch {
			case heard > 0:
				fmt.Fprintln(a.stderr, "sluice: leaving at once")
				os.Exit(exitAtOnce)
			case a.trains.Load():
				fmt.Fprintln(a.stderr, stoppingTraining)
				halt.Stop(pipeline.ErrInterrupted)
			case begun.Load():
				fmt.Fprintln(a.stderr, "sluice: stopping: requests that have left are waited for, then what is whole is sealed; once more to leave at once")
				halt.Stop(pipeline.ErrInterrupted)
			default:
				halt.Stop(pipeline.ErrInterrupted)
				cancel(pipeline.ErrInterrupted)
			}
		}
	}()
	return ctx, begun, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// stoppingTraining is said when a signal has asked a training to stop.
const stoppingTraining = "sluice: stopping: the training saves what it has; once more to leave at once"

// interrupted returns ErrInterrupted for an error that only tells that a signal has cancelled ctx.
func interrupted(ctx context.Context, err error) error {
	if err != nil && context.Cause(ctx) == pipeline.ErrInterrupted {
		return pipeline.ErrInterrupted
	}
	return err
}
