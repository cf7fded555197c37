package llm

import (
	"context"
	"sync"
	"time"
)

// gate decides when the requests of one model leave: in the order in which they came, as soon as declared limits, limits that
// were found (adapt.go) and the breaker (breaker.go) allow. One mutex guards all three; nobody polls: the head of the queue is woken by
// a request that comes back, or by one timer. All time is virtual under testing/synctest.
type gate struct {
	halt   *halt
	events *Events
	name   string // of the model, for events
	place  string

	mu       sync.Mutex
	queue    []*turn // waiting, in order; turns that gave up are skipped
	inflight int
	asking   int // calls in the chain above: in flight, waiting or sleeping
	most     int // declared or asked cap of requests in flight; 0: none
	requests bucket
	tokens   bucket
	hold     time.Time // the provider said that its quota is used up until then
	adapt    adapt
	breaker  breaker
	timer    *time.Timer
	timerAt  time.Time
}

// turn is one request's way through the gate.
type turn struct {
	tokens float64 // reserved
	ready  chan struct{}
	gone   bool      // gave up
	probe  bool      // tries whether a blocked endpoint answers again
	paced  bool      // had to wait for the found rate
	at     time.Time // when it left
	beside int       // requests in flight then, itself not counted
}

// outcome is what became of a request.
type outcome struct {
	result result
	err    *Error        // of rejected and failed ones
	used   float64       // tokens taken in truth; negative: unknown
	hold   time.Duration // the provider's quota is used up for so long
}

type result int

const (
	answered  result = iota
	alive            // refused for its content: the endpoint works
	rejected         // 429
	failed           // no answer
	abandoned        // the run is over
)

// enter waits until a request that may take tokens tokens may leave.
func (g *gate) enter(ctx context.Context, tokens float64) (*turn, error) {
	if err := g.halt.check(ctx); err != nil {
		return nil, err
	}
	t := &turn{tokens: tokens, ready: make(chan struct{})}
	g.mu.Lock()
	g.queue = append(g.queue, t)
	g.dispatch(time.Now())
	g.mu.Unlock()
	err := g.halt.wait(ctx, t.ready)
	if err == nil {
		return t, nil
	}
	g.mu.Lock()
	select {
	case <-t.ready: // granted in the same moment: give it back
		g.mu.Unlock()
		g.leave(t, outcome{result: abandoned})
	default:
		t.gone = true
		g.dispatch(time.Now())
		g.mu.Unlock()
	}
	return nil, err
}

// dispatch lets waiting turns go while everything allows it. g.mu is held.
func (g *gate) dispatch(now time.Time) {
	for len(g.queue) > 0 {
		t := g.queue[0]
		if !t.gone {
			at, ok := g.when(now, t)
			if !ok {
				return // a request that comes back dispatches again
			}
			if at.After(now) {
				g.wake(now, at)
				return
			}
			g.grant(now, t)
		}
		g.queue[0] = nil
		g.queue = g.queue[1:]
	}
	g.queue = nil
}

// when returns the time at which t may leave, or false if that hangs on a request in flight.
func (g *gate) when(now time.Time, t *turn) (time.Time, bool) {
	if limit := g.limit(); limit > 0 && g.inflight >= limit {
		return now, false
	}
	at := latest(g.requests.ready(now, 1), g.tokens.ready(now, t.tokens), g.hold)
	if b := &g.breaker; b.open {
		if b.probing || b.kind == Throttled && g.inflight >= max(g.adapt.survivors, 1) {
			return now, false
		}
		return latest(at, b.next), true
	}
	if paced := g.adapt.pace.ready(now, 1); paced.After(at) {
		t.paced = true
		at = paced
	}
	return at, true
}

// limit is the most requests in flight now; 0: any number.
func (g *gate) limit() int {
	limit := g.most
	for _, n := range [2]int{g.adapt.window, g.adapt.slow} {
		if n > 0 && (limit == 0 || n < limit) {
			limit = n
		}
	}
	return limit
}

func (g *gate) grant(now time.Time, t *turn) {
	g.requests.take(now, 1)
	g.tokens.take(now, t.tokens)
	g.adapt.pace.take(now, 1)
	t.at, t.beside = now, g.inflight
	g.inflight++
	if g.breaker.open {
		t.probe, g.breaker.probing = true, true
	}
	close(t.ready)
}

// leave takes a request that came back off the gate and learns from it.
func (g *gate) leave(t *turn, o outcome) {
	now := time.Now()
	g.mu.Lock()
	g.inflight--
	if o.result == abandoned {
		g.requests.take(now, -1)
	}
	switch {
	case o.used >= 0 && o.result == answered:
		g.tokens.take(now, o.used-t.tokens)
	case o.result == abandoned || o.err != nil && o.err.Unpaid:
		g.tokens.take(now, -t.tokens)
	}
	if o.hold > 0 {
		g.hold = latest(g.hold, now.Add(min(o.hold, time.Minute)))
	}
	was := g.breaker.open
	switch o.result {
	case answered:
		g.adapt.succeeded(now, t, g.limit())
		g.succeeded(now, t)
	case alive:
		g.succeeded(now, t)
	case rejected:
		g.rejected(now, t, o.err)
	case failed:
		g.failed(now, t, o.err)
	case abandoned:
		if t.probe {
			g.breaker.probing = false
		}
	}
	pause, is := g.pause(now), g.breaker.open
	g.dispatch(now)
	g.mu.Unlock()
	if was != is {
		g.events.paused(pause, is)
	}
}

// wake makes sure that dispatch runs at the given time.
func (g *gate) wake(now, at time.Time) {
	if g.timer != nil && !g.timerAt.After(at) && g.timerAt.After(now) {
		return
	}
	if g.timer != nil {
		g.timer.Stop()
	}
	g.timerAt = at
	g.timer = time.AfterFunc(at.Sub(now), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.dispatch(time.Now())
	})
}

// raise sets the cap of requests in flight that stages ask for, where the recipe declares none.
func (g *gate) raise(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most = n
	g.dispatch(time.Now())
}

// limiting reports whether 429s have shown a limit or stopped the model.
func (g *gate) limiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.breaker.open || g.adapt.window > 0 || g.adapt.pace.rate > 0
}

// close stops the timers.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil {
		g.timer.Stop()
	}
	g.breaker.disarm()
}

func latest(times ...time.Time) time.Time {
	var l time.Time
	for _, t := range times {
		if t.After(l) {
			l = t
		}
	}
	return l
}
