package trainer

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"sluice/trainer/feed"
	"sluice/trainer/mix"
)

// A small training answers a question about the mixture: a model of its own, from its first weights, on a part of the data that it goes through as often as
// the whole training goes through the whole, judged on the run's validation data. It has no checkpoints: when it is cut off it is made again; when it is
// finished its losses are kept (trials.go).

// trial gives a [mix.Trial] for models of a shape; the empty shape is the run's own model.
func (r *run) trial(shape ModelConfig, what func() string) mix.Trial {
	return func(ctx context.Context, m mix.Mixer, steps int64, seed uint64) ([]float64, error) {
		key, err := r.trialKey(shape, m, steps, seed)
		if err != nil {
			return nil, err
		}
		if t := r.trials.find(key); t != nil {
			return t.Losses, nil
		}
		label := what()
		r.say(label)
		start := time.Now()
		q, err := r.small(shape, m, steps, seed)
		if err != nil {
			return nil, err
		}
		losses, err := q.prove(ctx)
		if err != nil {
			return nil, err
		}
		return losses, r.trials.add(trialResult{Key: key, What: label, Steps: steps, Seed: seed, Losses: losses, Seconds: time.Since(start).Seconds()})
	}
}

// small makes the run of a trial. It shares data, vocabulary and engine with r.
func (r *run) small(shape ModelConfig, m mix.Mixer, steps int64, seed uint64) (*run, error) {
	q := &run{c: r.trialConfig(shape, steps, seed), o: Options{FS: r.o.FS, Dir: r.o.Dir, Stop: r.o.Stop}, tok: r.tok, corpus: r.corpus, valid: r.valid, labels: r.labels, order: r.order,
		engine: r.engine, words: r.words, fixed: r.fixed, counts: r.counts, lr: r.lr}
	q.order.Seed, q.order.Part, q.order.Follow = seed, min(1, float64(steps)/float64(r.steps)), false
	for _, s := range r.train {
		q.train = append(q.train, s.Part(q.order.Part))
	}
	if err := q.network(); err != nil {
		return nil, err
	}
	q.model.Recompute = r.model.Recompute
	if err := q.maskAs(r); err != nil {
		return nil, err
	}
	q.mixer = m
	q.environment()
	if err := mix.Open(m, q.env); err != nil {
		return nil, err
	}
	if err := q.pace(); err != nil {
		return nil, err
	}
	return q, q.optimise()
}

// maskAs takes over the masker of r; one that learns begins anew.
func (q *run) maskAs(r *run) error {
	if r.learner == nil {
		q.masker, q.yardstick = r.masker, r.yardstick
		return nil
	}
	b, err := json.Marshal(r.c.Mask)
	if err == nil {
		err = json.Unmarshal(b, &q.c.Mask)
	}
	if err != nil {
		return err
	}
	return q.masking()
}

// trialConfig is the config of a trial: the run's, without what only a long training has.
func (r *run) trialConfig(shape ModelConfig, steps int64, seed uint64) Config {
	c := r.c
	if shape != (ModelConfig{}) {
		c.Model = shape
	}
	c.Steps, c.Seed, c.Accumulate = int(steps), seed, r.micros
	c.FindLR, c.EMA, c.Follow, c.Ensemble = false, 0, false, 1
	c.Stop, c.Eval, c.Checkpoint = Stop{Metric: "loss"}, Eval{}, Checkpoint{Keep: 1}
	return c
}

// prove trains to the end and gives the validation losses by validation set.
func (q *run) prove(ctx context.Context) (_ []float64, err error) {
	if q.feed, err = feed.New(ctx, q.corpus, q.order, q.mixer, q.c.Batch, q.micros, nil); err != nil {
		return nil, err
	}
	defer q.feed.Close()
	for q.step < q.steps {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-q.o.Stop:
			return nil, ErrStopped
		default:
		}
		b, err := q.feed.Next(int64(q.step))
		if err != nil {
			return nil, err
		}
		s, err := q.trainOn(b)
		if err != nil {
			return nil, q.blame(err)
		}
		q.learn(s)
		q.step++
		if err := q.consult(ctx); err != nil {
			return nil, err
		}
	}
	res, err := q.evaluateAverage(ctx, q.valid)
	if err != nil {
		return nil, err
	}
	losses := make([]float64, len(q.valid))
	for i, s := range q.valid {
		losses[i] = res.lossOn(s.Name)
		if math.IsNaN(losses[i]) {
			return nil, fmt.Errorf("%w: its validation loss on %s is no number", mix.ErrDiverged, s.Name)
		}
	}
	return losses, nil
}

// consult gives a mixer that learns from validation losses those of the domains, when it wants them.
func (r *run) consult(ctx context.Context) error {
	v, ok := r.mixer.(mix.Validator)
	if !ok || !v.Due(int64(r.step)) {
		return nil
	}
	res, err := r.evaluateAverage(ctx, r.valid)
	if err == nil {
		r.tell(v, res)
	}
	return err
}
