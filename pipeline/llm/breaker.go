package llm

import (
	"fmt"
	"time"
)

// breaker holds back everything but one probe at a time while an endpoint does not answer. It opens after 20 failures in a row,
// or at a burst of 429s; probes leave after 1, 2, 4 … seconds, at most 30 (16 for 429s, which a probe shows sooner to be over), or
// when Retry-After says. An answer to the probe closes it. If nothing is answered for the model's patience the run ends, resumably.
type breaker struct {
	open    bool
	probing bool
	kind    Kind
	since   time.Time
	next    time.Time // when the next probe may leave
	step    time.Duration
	row     int       // failures in a row
	first   time.Time // of the failures since the last answer
	last    *Error

	patience time.Duration
	alarm    *time.Timer
}

const failureRow = 20

// Pause says that an endpoint is not answering, and how long that may go on.
type Pause struct {
	Model    string // name in the recipe
	Endpoint string
	Cause    string        // 429, 503, network …
	For      time.Duration // so far
	Left     time.Duration // until patience ends and the run with it
}

// String is the line for progress: "paused: https://… 429 for 3m10s, 12m left".
func (p Pause) String() string {
	return fmt.Sprintf("paused: %s %s for %s, %s left", p.Endpoint, p.Cause, p.For.Round(time.Second), p.Left.Round(time.Second))
}

// pause describes the breaker as it stands. g.mu is held.
func (g *gate) pause(now time.Time) Pause {
	b := &g.breaker
	p := Pause{Model: g.name, Endpoint: g.place, Left: b.patience}
	if b.open {
		p.Cause, p.For = cause(b.last), now.Sub(b.since)
		p.Left = max(b.patience-now.Sub(b.first), 0)
	}
	return p
}

func cause(e *Error) string {
	switch {
	case e == nil:
		return "no answer"
	case e.Status > 200:
		return fmt.Sprint(e.Status)
	}
	return string(e.Kind)
}

func (b *breaker) start(now time.Time, kind Kind, wait time.Duration) {
	b.open, b.probing, b.kind, b.since = true, false, kind, now
	b.step = time.Second
	b.next = now.Add(max(b.step, wait))
}

// again sets the next probe after one that was not answered.
func (b *breaker) again(now time.Time, wait time.Duration) {
	b.probing = false
	most := 30 * time.Second
	if b.kind == Throttled {
		most = 16 * time.Second
	}
	b.step = min(2*b.step, most)
	b.next = now.Add(max(b.step, min(wait, b.patience)))
}

func (b *breaker) disarm() {
	b.first, b.row = time.Time{}, 0
	if b.alarm != nil {
		b.alarm.Stop()
		b.alarm = nil
	}
}

// succeeded closes the breaker. While it is open for 429s, answers to requests sent before prove nothing: the clock of patience begins
// anew with the last of them, for the next failure may be a long Retry-After away. g.mu is held.
func (g *gate) succeeded(now time.Time, t *turn) {
	b := &g.breaker
	b.disarm()
	switch {
	case !b.open:
		return
	case b.kind == Throttled && !t.probe:
		g.unanswered(now, b.last)
		return
	}
	b.open, b.probing = false, false
	g.adapt.reopen(now, g.most, b.kind == Throttled)
}

// rejected takes in a 429. g.mu is held.
func (g *gate) rejected(now time.Time, t *turn, e *Error) {
	b, a := &g.breaker, &g.adapt
	g.unanswered(now, e)
	a.record(now, false)
	switch {
	case b.open && t.probe:
		if b.kind == Throttled && t.beside < max(a.survivors, 1) {
			a.tooOften(now)
		}
		b.again(now, e.RetryAfter)
	case b.open:
		a.late(g.inflight)
	case a.bursting(g.inflight):
		a.burst(now, g.inflight)
		b.start(now, Throttled, min(e.RetryAfter, b.patience))
	default:
		a.stepBack(now, t)
	}
}

// failed takes in a request without an answer. g.mu is held.
func (g *gate) failed(now time.Time, t *turn, e *Error) {
	b := &g.breaker
	g.unanswered(now, e)
	b.row++
	switch {
	case b.open && t.probe:
		b.again(now, e.RetryAfter)
	case !b.open && b.row >= failureRow:
		b.start(now, e.Kind, min(e.RetryAfter, b.patience))
	}
}

// unanswered starts the clock of patience at the first failure since the last answer.
func (g *gate) unanswered(now time.Time, e *Error) {
	b := &g.breaker
	b.last = e
	if !b.first.IsZero() {
		return
	}
	b.first = now
	b.alarm = time.AfterFunc(b.patience, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if b.first.IsZero() || time.Since(b.first) < b.patience {
			return
		}
		if g.asking == 0 { // nobody is waiting for it
			b.disarm()
			return
		}
		g.halt.end(unavailable(b.last, time.Since(b.first)))
	})
}

func unavailable(last *Error, d time.Duration) error {
	return fmt.Errorf("%w: no answer for %s; the last failure: %w", ErrUnavailable, d.Round(time.Second), last)
}
