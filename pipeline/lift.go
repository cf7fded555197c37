package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"sluice/pipeline/llm"
	"sluice/schemas"
)

// Generate lifts g: every record passes on, followed by what g made of it.
func Generate(s seat, g Generator) Stage {
	act := func(r *schemas.Record) bool { return r.Origin.Depth < s.maxDepth && !r.Idle }
	return each(s, act, g.Generate, func(b *Batch, t *Tally, r *schemas.Record, made []*schemas.Record) error {
		b.keep(t, r)
		for _, m := range made {
			t.Made++
			if m.Failure != nil {
				b.fail(t, m, m.Failure)
				continue
			}
			b.keep(t, m)
		}
		return nil
	})
}

// Judge lifts f: what it drops goes to the rejects with its reason.
func Judge(s seat, f Filter) Stage {
	act := func(r *schemas.Record) bool { return !s.made || r.Origin.Depth > 0 }
	return each(s, act, f.Judge, func(b *Batch, t *Tally, r *schemas.Record, v Verdict) error {
		r = v.apply(r)
		if v.Reason == "" {
			b.keep(t, r)
			return nil
		}
		b.drop(t, Reject{Record: r, Reason: v.Reason, Reasons: v.Reasons, Detail: v.Detail})
		return nil
	})
}

// apply returns r with what v says of it written on a copy.
func (v *Verdict) apply(r *schemas.Record) *schemas.Record {
	if v.Revised == nil && len(v.Scores) == 0 && len(v.Columns) == 0 && len(v.Answers) == 0 {
		return r
	}
	if v.Revised != nil {
		r = v.Revised
	}
	r = r.Clone()
	for k, x := range v.Scores {
		if r.Scores == nil {
			r.Scores = make(map[string]float64, len(v.Scores))
		}
		r.Scores[k] = x
	}
	for k, x := range v.Columns {
		if r.Columns == nil {
			r.Columns = make(map[string]any, len(v.Columns))
		}
		r.Columns[k] = x
	}
	for _, a := range v.Answers {
		r.Origin.Book(a.Usage.Cost, a.Usage.Prompt, a.Usage.Completion, a.Usage.Estimated)
	}
	return r
}

// Dedup lifts d: the first record of every likeness stays.
func Dedup(s seat, d Deduper, scope string, claims Claimer) Stage {
	act := func(r *schemas.Record) bool { return !s.made || r.Origin.Depth > 0 }
	return each(s, act, d.Keys, func(b *Batch, t *Tally, r *schemas.Record, l Likeness) error {
		if len(l.Keys) == 0 {
			b.keep(t, r)
			return nil
		}
		m, err := claims.Claim(b.N, r.ID, partition(scope, r), l)
		if err != nil {
			return err
		}
		if !m.Dup {
			b.keep(t, r)
			return nil
		}
		reason := "near_duplicate"
		if m.Score >= 1 {
			reason = "duplicate"
		}
		b.drop(t, Reject{Record: r, Reason: reason, Owner: m.Owner, Score: m.Score})
		return nil
	})
}

// partition is the part of the index that r's keys live in: with scope source, every source file has its own.
func partition(scope string, r *schemas.Record) string {
	if scope == "source" {
		return "source:" + r.Origin.Source
	}
	return scope
}

func (b *Batch) keep(t *Tally, r *schemas.Record) {
	b.Records = append(b.Records, r)
	t.Out++
}

func (b *Batch) drop(t *Tally, x Reject) {
	x.Stage = t.Stage
	t.Drop(x.Reason)
	b.reject(x)
}

func (b *Batch) fail(t *Tally, r *schemas.Record, f *Failure) {
	detail := ""
	if f.Err != nil {
		detail = f.Err.Error()
	}
	if f.Dropped {
		b.drop(t, Reject{Record: r, Reason: f.Reason, Detail: detail})
		return
	}
	t.Fail(f.Reason)
	b.reject(Reject{Record: r, Stage: t.Stage, Reason: f.Reason, Failed: true, Detail: detail})
}

// reject keeps x for the rejects, unless it is a seed that only came by again: it is counted, but was
// stored when it came first.
func (b *Batch) reject(x Reject) {
	if !x.Record.Again {
		b.Rejects = append(b.Rejects, x)
	}
}

// unit is a piece of a batch that one call works on: records lo to hi.
type unit[R any] struct {
	b      *Batch
	lo, hi int
	out    []result[R]
}

type result[R any] struct {
	val R
	err error
	act bool
}

// each calls f on every record that act picks, s.workers at a time, and yields every batch anew with what settle makes of the
// results. Settle runs in stream order on one goroutine: it is where state may change. A [*Failure] of f costs its record;
// every other error ends the stream with its place named.
func each[R any](s seat, act func(*schemas.Record) bool, f func(context.Context, *schemas.Record) (R, error),
	settle func(*Batch, *Tally, *schemas.Record, R) error) Stage {
	return func(ctx context.Context, in Stream) Stream {
		work := func(ctx context.Context, u unit[R]) (unit[R], error) {
			if s.places != nil {
				defer s.places.give()
			}
			for i, r := range u.b.Records[u.lo:u.hi] {
				x := &u.out[i]
				if !act(r) {
					continue
				}
				x.act = true
				if x.val, x.err = guarded(ctx, f, r); x.err == nil {
					continue
				}
				if _, ok := errors.AsType[*Failure](x.err); !ok {
					if errors.Is(x.err, llm.ErrStopping) {
						return u, x.err
					}
					return u, fmt.Errorf("%s: batch %d, record %s: %w", s.id, u.b.N, r.ID, x.err)
				}
			}
			return u, nil
		}
		done := ordered(ctx, s.halt, s.calls(), s.window(), units[R](s, in), work)
		return func(yield func(*Batch, error) bool) {
			var b *Batch
			var t Tally
			for u, err := range done {
				if err != nil {
					yield(nil, err)
					return
				}
				if u.lo == 0 {
					b = u.b.next(len(u.b.Records))
					t = Tally{Stage: s.id, In: int64(len(u.b.Records))}
				}
				for i, r := range u.b.Records[u.lo:u.hi] {
					if err := settleOne(b, &t, r, u.out[i], settle); err != nil {
						err = fmt.Errorf("%s: batch %d, record %s: %w", s.id, b.N, r.ID, err)
						s.halt.Stop(err)
						yield(nil, err)
						return
					}
				}
				if u.hi < len(u.b.Records) {
					continue
				}
				b.Counts = append(b.Counts, t)
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}

func settleOne[R any](b *Batch, t *Tally, r *schemas.Record, x result[R],
	settle func(*Batch, *Tally, *schemas.Record, R) error) error {
	if !x.act {
		b.keep(t, r)
		return nil
	}
	if fail, ok := errors.AsType[*Failure](x.err); ok {
		if v, ok := any(x.val).(Verdict); ok {
			r = v.apply(r) // what was paid for a verdict that could not be read is booked all the same
		}
		b.fail(t, r, fail)
		return nil
	}
	return settle(b, t, r, x.val)
}

// next returns the batch that follows b through a stage: same number, no records yet.
func (b *Batch) next(size int) *Batch {
	c := *b
	c.Records = make([]*schemas.Record, 0, size)
	c.Rejects = slices.Clip(b.Rejects)
	c.Counts = append(make([]Tally, 0, len(b.Counts)+4), b.Counts...)
	return &c
}

// units cuts batches into what one call works on. A stage that waits gets one record a call; a
// stage that computes gets the whole batch, since handing over a record costs as much as judging it.
func units[R any](s seat, in Stream) func(func(unit[R], error) bool) {
	return func(yield func(unit[R], error) bool) {
		for b, err := range in {
			if err != nil {
				yield(unit[R]{}, err)
				return
			}
			step := len(b.Records)
			if s.waits && step > 0 {
				step = 1
			}
			for lo := 0; ; lo += step {
				hi := min(lo+step, len(b.Records))
				if s.places != nil {
					s.places.take()
				}
				if !yield(unit[R]{b: b, lo: lo, hi: hi, out: make([]result[R], hi-lo)}, nil) {
					return
				}
				if hi == len(b.Records) {
					break
				}
			}
		}
	}
}

// guarded turns a panic of a component into an error with its stack: one bad record must not
// take down what was not yet sealed.
func guarded[R any](ctx context.Context, f func(context.Context, *schemas.Record) (R, error), r *schemas.Record) (out R, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f(ctx, r)
}
