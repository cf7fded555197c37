package llm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"sluice/schemas"
)

// retried asks again what may succeed later, after Retry-After exactly (but no later than patience), else after a random part of 2 s
// that doubles to 60 s (not for isolated 429s; of 1 s, and without doubling, for failures while others are answered: a row that waits long
// holds up those behind it). It never loses a record to a passing fault: it goes on until an answer comes, or the endpoint has been
// silent for the model's patience, which ends the run resumably. What time does not cure ends it at once: bad key, unknown model, used-up
// quota, the same refusal (400) of three requests, or more than half of at least ten requests refused.
//
// One request may be the cause itself, such as a prompt that crashes the server. If it has failed 10 times (429s aside), or for all
// of the patience, while 20 others were answered and still are (the last within a minute: those that were under way when a server died
// prove nothing), it costs its record (unanswered), not the run.
type retried struct {
	next asker
	line *line

	mu       sync.Mutex
	refusals map[string]int // by message
	refused  int
	finished int
	answered int
	last     time.Time // when the last answer came
}

const (
	backoffBase  = 2 * time.Second
	backoffMost  = 60 * time.Second
	isolated     = 30 * time.Second // since the last answer: one that fails by then is alone with it
	poisonTries  = 10
	poisonOthers = 20
)

func (r *retried) ask(ctx context.Context, c *call) (*reply, error) {
	g := r.line.gate
	g.mu.Lock()
	g.asking++
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.asking--
		g.mu.Unlock()
	}()
	var first time.Time
	backoff, faults, others := backoffBase, 0, 0
	for {
		reply, err := r.next.ask(ctx, c)
		if err == nil {
			r.finish(true)
			return reply, nil
		}
		var e *Error
		if ctx.Err() != nil || !errors.As(err, &e) {
			return nil, err
		}
		if e.Kind == unsupported {
			continue
		}
		if !e.retryable() {
			return nil, r.refuse(e)
		}
		if first.IsZero() {
			first = time.Now()
			others, _ = r.answers()
		}
		if e.Kind != Throttled {
			faults++
		}
		answered, last := r.answers()
		fine := answered-others >= poisonOthers && time.Since(last) < backoffMost
		d := time.Since(first)
		if fine && (faults >= poisonTries || faults > 1 && d >= r.line.spec.Patience) {
			r.finish(false)
			return nil, &schemas.Failure{Reason: "unanswered", Err: e}
		}
		if !fine && d >= r.line.spec.Patience {
			err := unavailable(e, d)
			r.line.halt.end(err)
			return nil, err
		}
		wait := min(e.RetryAfter, r.line.spec.Patience) // one that asks for a day must not keep a run up that has all other answers
		if wait == 0 {
			wait = time.Duration(rand.Int64N(int64(backoff))) + 1
			switch { // what strikes some while others are answered says nothing about how long to wait
			case e.Kind != Throttled && time.Since(last) < isolated:
				wait /= 2
			case e.Kind != Throttled || g.limiting():
				backoff = min(2*backoff, backoffMost)
			}
		}
		r.line.events.retried(r.line.name, c.stage, e, wait)
		if err := r.rest(ctx, c.stage, wait); err != nil {
			return nil, err
		}
	}
}

// rest waits for d, and lets the stage begin another call meanwhile.
func (r *retried) rest(ctx context.Context, stage string, d time.Duration) error {
	if resting := r.line.resting; resting != nil {
		resting(stage, true)
		defer resting(stage, false)
	}
	return r.line.halt.sleep(ctx, d)
}

// refuse turns an error that waiting does not cure into a failure of one record, or the end of the run.
func (r *retried) refuse(e *Error) error {
	switch e.Kind {
	case TooLong:
		r.finish(false)
		return &schemas.Failure{Reason: "too_long", Err: e}
	case Refused:
		r.finish(false)
		return &schemas.Failure{Reason: "refused", Err: e}
	case Quota:
		err := fmt.Errorf("%w: the quota is used up: %w", ErrUnavailable, e)
		r.line.halt.end(err)
		return err
	case Auth, UnknownModel:
		r.line.halt.end(e)
		return e
	}
	r.mu.Lock()
	r.finished++
	r.refused++
	r.refusals[e.Message]++
	same, most, all := r.refusals[e.Message], r.refused, r.finished
	r.mu.Unlock()
	switch {
	case same >= 3:
		err := fmt.Errorf("%w: the same answer to %d of them: %w", ErrBadRequest, same, e)
		r.line.halt.end(err)
		return err
	case all >= 10 && 2*most > all:
		err := fmt.Errorf("%w: %d of %d, the last with: %w", ErrBadRequest, most, all, e)
		r.line.halt.end(err)
		return err
	}
	return &schemas.Failure{Reason: "bad_request", Err: e}
}

func (r *retried) finish(answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished++
	if answered {
		r.answered++
		r.last = time.Now()
	}
}

// answers returns how many requests were answered, and when the last was.
func (r *retried) answers() (n int, last time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answered, r.last
}
