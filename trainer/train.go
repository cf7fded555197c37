package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/mix"
	"sluice/trainer/optim"
)

// Options are what a run's surroundings give it; none of them changes the result.
type Options struct {
	Dir      string          // the model's folder
	Fresh    bool            // begin anew: throw away the checkpoints of an earlier run in Dir
	Progress func(Step)      // after every step
	Say      func(string)    // what is being done, in words
	Stop     <-chan struct{} // closed: write a checkpoint and return ErrStopped
	FS       schemas.FS      // what is written goes through it; nil: the disk
}

// ErrStopped is returned by a training that was asked to stop. It goes on where it was when it is started again.
var ErrStopped = errors.New("training stopped")

// A Step tells how far a training is.
type Step struct {
	Step, Steps     int
	Loss            float64            // of this step
	Domains         map[string]float64 // loss by domain, of this step
	Norm            float64            // of the gradient
	LR              float64
	Tokens          int64 // so far
	TokensPerSecond float64
	Left            time.Duration // estimate
	Weights         []float64     // of the mixer, in the order of the domains
	Eval            *Result       // when this step ended with a look at validation
	Saved           bool          // … with a checkpoint
}

// Train trains a model and leaves it in o.Dir with its report. Where o.Dir holds checkpoints of the same config it goes on from the last one; a finished
// run gives its report again. While it works no other training may use the folder: see to it with a lock.
func Train(ctx context.Context, c Config, o Options) (*Report, error) {
	switch {
	case c.Model.linear():
		if err := c.settle(); err != nil {
			return nil, err
		}
		return trainLinear(ctx, c, o)
	case c.Ensemble > 1:
		return trainEnsemble(ctx, c, o)
	}
	return trainOne(ctx, c, o)
}

// trainOne trains a single model.
func trainOne(ctx context.Context, c Config, o Options) (*Report, error) {
	ctx, s, free := stoppable(ctx, o.Stop)
	defer free()
	r, err := prepare(ctx, c, o)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	defer r.close()
	if done, err := r.resume(ctx); done != nil || err != nil {
		return done, stopped(ctx, err)
	}
	s.set(func() { s.loop = true })
	if err := r.loop(ctx); err != nil {
		return nil, stopped(ctx, err)
	}
	s.set(func() { s.loop = false })
	rep, err := r.finish(ctx)
	return rep, stopped(ctx, err)
}

// loop is the training: batch, step, what follows from it.
func (r *run) loop(ctx context.Context) error {
	began, first := time.Now().Add(-r.elapsed), r.tokens
	for start := time.Now(); r.step < r.steps && !r.over(); {
		if err := r.asked(ctx); err != nil {
			return err
		}
		batch, err := r.feed.Next(int64(r.step))
		if err != nil {
			return err
		}
		s, err := r.trainOn(batch)
		if err != nil {
			return r.blame(err)
		}
		r.learn(s)
		r.step++
		r.tokens += int64(s.tokens)
		r.elapsed = time.Since(began)

		at := r.progress(s, time.Since(start), r.tokens-first)
		if at.Eval, err = r.judge(ctx); err != nil {
			return err
		}
		at.Saved = r.due(r.c.Checkpoint.Every) || r.early.BestStep == r.step
		if err := r.history.add(at); err != nil { // before the checkpoint: a run that goes on from it has no gap in its metrics
			return err
		}
		if at.Saved {
			if err := r.save(); err != nil {
				return err
			}
		}
		if r.o.Progress != nil {
			r.o.Progress(at)
		}
	}
	return nil
}

// due tells whether what happens every n steps, and at the end, happens now.
func (r *run) due(n int) bool { return r.step%n == 0 || r.step == r.steps }

// over tells whether training has ended early.
func (r *run) over() bool { return r.c.Stop.Patience > 0 && r.early.Bad >= r.c.Stop.Patience }

// asked ends the loop when somebody wants it to.
func (r *run) asked(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.o.Stop:
		return errors.Join(r.save(), ErrStopped)
	default:
		return nil
	}
}

// blame adds the step to an error of the engine.
func (r *run) blame(err error) error {
	if _, ok := errors.AsType[*DivergedError](err); ok {
		return err
	}
	return fmt.Errorf("step %d: %w", r.step, err)
}

// learn tells the mixer the losses of its domains.
func (r *run) learn(s stepped) {
	for k, loss := range s.domains {
		if !math.IsNaN(loss) {
			r.mixer.Learn(int64(r.step), k, loss)
		}
	}
}

// judge looks at validation when it is time, and tells the early stopping and a mixer that learns from it.
func (r *run) judge(ctx context.Context) (*Result, error) {
	v, ok := r.mixer.(mix.Validator)
	asked, due := ok && v.Due(int64(r.step)), r.due(r.c.Eval.Every)
	if len(r.valid) == 0 || !asked && !due {
		return nil, nil
	}
	res, err := r.evaluateAverage(ctx, r.valid)
	if err != nil {
		return nil, err
	}
	if asked {
		r.tell(v, res)
	}
	if !due {
		return nil, nil
	}
	metric := res.Loss
	if r.c.Stop.Metric == "accuracy" {
		metric = 1 - res.Accuracy
	}
	r.early.see(r.c.Stop, r.step, metric)
	r.last = res
	return res, nil
}

// tell gives a mixer the validation losses of the domains; NaN where one has no validation data.
func (r *run) tell(v mix.Validator, res *Result) {
	losses := make([]float64, len(r.corpus.Domains))
	for k, d := range r.corpus.Domains {
		losses[k] = res.lossOn(d.Name)
	}
	v.Validate(int64(r.step), losses)
}

// evaluateAverage evaluates the averaged weights, where there are some.
func (r *run) evaluateAverage(ctx context.Context, sets []*feed.Set) (*Result, error) {
	if a := r.averager(); a != nil {
		defer a.Average(r.engine.Team())()
	}
	return r.evaluate(ctx, sets)
}

func (r *run) averager() optim.Averager {
	if r.ema != nil {
		return r.ema
	}
	a, _ := r.opt.(optim.Averager)
	return a
}

func (r *run) progress(s stepped, since time.Duration, tokens int64) Step {
	at := Step{Step: r.step, Steps: r.steps, Loss: s.loss, Domains: map[string]float64{}, Norm: s.norm, LR: s.factor * r.rate(), Tokens: r.tokens, Weights: r.mixer.Weights()}
	if since > 0 {
		at.TokensPerSecond = float64(tokens) / since.Seconds()
		if at.TokensPerSecond > 0 && r.step > 0 {
			perStep := float64(r.tokens) / float64(r.step)
			at.Left = time.Duration(float64(r.steps-r.step) * perStep / at.TokensPerSecond * float64(time.Second))
		}
	}
	for k, loss := range s.domains {
		if !math.IsNaN(loss) {
			at.Domains[r.corpus.Domains[k].Name] = loss
		}
	}
	return at
}

// rate is the learning rate before the schedule.
func (r *run) rate() float64 {
	if r.lr > 0 {
		return r.lr
	}
	return r.c.Optimizer.LR
}
