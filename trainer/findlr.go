package trainer

import (
	"context"
	"errors"
	"slices"

	"sluice/trainer/feed"
	"sluice/trainer/mix"
	"sluice/trainer/optim"
)

// findLR sweeps the learning rate over 100 steps and puts the run back to its beginning with the rate that it found.
func (r *run) findLR(ctx context.Context) error {
	r.say("search for the learning rate")
	var before [][]float32
	for _, p := range r.params {
		before = append(before, slices.Clone(p.Value()))
	}
	mixer, err := r.spareMixer()
	if err != nil {
		return err
	}
	f, err := feed.New(ctx, r.corpus, r.order, mixer, r.c.Batch, r.micros, nil)
	if err != nil {
		return err
	}
	learner := r.learner
	r.learner = nil
	sweep := optim.Sweep{Low: 1e-6, High: 10, Steps: 100}
	lr, _, err := sweep.Find(func(lr float64) (float64, error) { return r.sweepStep(ctx, f, lr) })
	r.learner, r.step = learner, 0
	for i, p := range r.params {
		copy(p.Value(), before[i])
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	r.lr = lr
	r.note("learning rate %.3g, found by a sweep from %g to %g", lr, sweep.Low, sweep.High)
	return r.optimise()
}

// sweepStep makes one step at a rate. A loss that is not finite is the end of the sweep and no error.
func (r *run) sweepStep(ctx context.Context, f *feed.Feed, lr float64) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	b, err := f.Next(int64(r.step))
	if err != nil {
		return 0, err
	}
	r.factor = lr / r.c.Optimizer.LR
	defer func() { r.factor = 0 }()
	s, err := r.trainOn(b)
	r.step++
	if d, ok := errors.AsType[*DivergedError](err); ok {
		return d.Loss, nil
	}
	return s.loss, err
}

// spareMixer is the run's mixer anew, so that the sweep leaves no trace in it.
func (r *run) spareMixer() (mix.Mixer, error) {
	m, err := r.provisional()
	if err != nil {
		return nil, err
	}
	return m, mix.Open(m, r.env)
}
