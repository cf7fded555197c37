package llm

import "time"

// adapt finds limits that nobody declared, from the 429s alone; latency is never the signal, because it follows the
// length of the answers.
//
// An isolated 429 changes nothing here: only its own request waits. A burst (8 in a row, or at least 4 in the last second; and more
// than 30 % of those answers and of what is still in flight, because a 429 comes sooner than an answer) means that there is a limit. Then
// nothing leaves but one probe, and the burst tells its kind:
//
//	too many in flight    the survivors of the burst go on; a probe sent beside fewer of them is answered:
//	                      their number is the window from then on
//	too many per minute   that probe is rejected too, or the next burst follows within a minute: requests are paced at the
//	                      measured rate of successes (the better of: per minute; since the last burst)
//
// Both are then probed upward: the window by one after 25 successes, the pace by 5 % after 10 seconds. A 429 at the raised value takes
// back the raise and doubles the wait for the next; a raise that holds halves it. A pace measured from too few successes grows by half
// after every 4 until the first 429. After a pause the window opens from 4, doubling per round of successes. (Additive increase and multiplicative decrease as in TCP: Chiu and Jain 1989, 10.1016/0169-7552(89)90019-6;
// the cut to the survivors replaces the usual factor, because the burst has measured the limit.)
type adapt struct {
	window, safe int // found cap of requests in flight, and the last one that held; 0: none found
	windowStep   int // successes before the next raise
	windowClean  int

	pace      bucket  // found rate; rate 0: none found
	held      float64 // the last rate that held
	guess     bool    // measured from too few successes
	paceStep  time.Duration
	paceSince time.Time // of the last change
	paceClean int       // successes since then that had to wait for the pace

	slow, slowDone int // cap while opening again; 0: none
	slowSince      time.Time
	ramp           bool // at most one doubling per 10 seconds

	recent    []answerAt // of the last second
	row       int        // 429s in a row
	seconds   [60]int    // successes by second, a ring
	second    int64      // the latest second in it
	burstAt   time.Time  // of the last burst
	since     int        // successes since then
	survivors int        // of the burst: in flight and not rejected
	cutAt     time.Time
}

type answerAt struct {
	at time.Time
	ok bool
}

const (
	burstRow   = 8
	burstLeast = 4
	burstShare = 0.3
	slowStart  = 4
	paceStep   = 10 * time.Second
)

// record notes an answer.
func (a *adapt) record(now time.Time, ok bool) {
	old := now.Add(-time.Second)
	n := 0
	for n < len(a.recent) && a.recent[n].at.Before(old) {
		n++
	}
	a.recent = append(a.recent[n:], answerAt{now, ok})
	if !ok {
		a.row++
		return
	}
	a.row = 0
	a.since++
	a.turnTo(now)
	a.seconds[a.second%60]++
}

// turnTo empties the seconds of the ring that lie between the latest and now.
func (a *adapt) turnTo(now time.Time) {
	s := now.Unix()
	for i := max(a.second, s-60) + 1; i <= s; i++ {
		a.seconds[i%60] = 0
	}
	a.second = max(a.second, s)
}

// bursting reports whether the answers of the last second are a burst of 429s; inflight is what is still out.
func (a *adapt) bursting(inflight int) bool {
	if a.row >= burstRow && float64(a.row) > burstShare*float64(a.row+inflight) {
		return true
	}
	bad := 0
	for _, r := range a.recent {
		if !r.ok {
			bad++
		}
	}
	return bad >= burstLeast && float64(bad) > burstShare*float64(len(a.recent)+inflight)
}

// succeeded learns from an answer; limit is the cap that held.
func (a *adapt) succeeded(now time.Time, t *turn, limit int) {
	a.record(now, true)
	if a.slow > 0 {
		a.slowDone++
		if a.slowDone >= a.slow && (!a.ramp || now.Sub(a.slowSince) >= 10*time.Second) {
			a.slow, a.slowDone, a.slowSince = 2*a.slow, 0, now
			if !a.ramp && a.window > 0 && a.slow >= a.window || a.slow > 4096 || limit > 0 && limit < a.slow/2 {
				a.slow = 0
			}
		}
	}
	if a.window > 0 && t.beside+1 >= a.window {
		a.windowClean++
		if a.windowClean >= a.windowStep {
			if a.window > a.safe {
				a.windowStep = max(a.windowStep/2, 25)
			}
			a.safe = a.window
			a.window++
			a.windowClean = 0
		}
	}
	if a.pace.rate == 0 || !t.paced {
		return
	}
	a.paceClean++
	switch {
	case a.guess && a.paceClean >= 4:
		a.held, a.paceClean = a.pace.rate, 0
		a.pace.set(now, a.pace.rate*1.5)
	case !a.guess && a.paceClean >= 10 && now.Sub(a.paceSince) >= a.paceStep:
		if a.pace.rate > a.held {
			a.paceStep = max(a.paceStep/2, paceStep)
		}
		a.held, a.paceClean, a.paceSince = a.pace.rate, 0, now
		a.pace.set(now, a.pace.rate*1.05)
	}
}

// stepBack answers a 429 outside a burst where a limit is known: the last raise is taken back.
func (a *adapt) stepBack(now time.Time, t *turn) {
	if t.at.Before(a.cutAt) {
		return // it left before the last step back
	}
	if a.window > 0 && t.beside+1 >= a.window {
		a.cutAt = now
		if a.window > a.safe {
			a.window = a.safe
		} else {
			a.window = max(a.window-1, 1)
			a.safe = a.window
		}
		a.windowStep, a.windowClean = min(2*a.windowStep, 800), 0
	}
	if a.pace.rate > 0 {
		a.cutAt, a.paceSince = now, now
		a.held = max(min(a.held, a.pace.rate)*0.97, 0.9*min(a.perMinute(now), a.sinceBurst(now)), 1.0/60)
		a.pace.set(now, a.held)
		a.paceStep, a.paceClean, a.guess = min(2*a.paceStep, 16*paceStep), 0, false
	}
}

// burst begins one; inflight is what is still out.
func (a *adapt) burst(now time.Time, inflight int) {
	again := !a.burstAt.IsZero() && now.Sub(a.burstAt) < time.Minute
	switch {
	case a.pace.rate > 0:
		a.paceAt(now, min(0.75*a.pace.rate, a.measured(now)))
	case again:
		a.window, a.safe = 0, 0
		a.paceAt(now, a.measured(now))
	}
	a.burstAt, a.since, a.survivors = now, 0, inflight
	a.recent, a.row = a.recent[:0], 0
}

// late takes in a 429 of a burst that is under way.
func (a *adapt) late(inflight int) { a.survivors = min(a.survivors, inflight+a.since) }

// tooOften is told that a probe was rejected though fewer were in flight than had been answered: the limit is one of rate.
func (a *adapt) tooOften(now time.Time) {
	if a.pace.rate == 0 {
		a.paceAt(now, a.measured(now))
	}
}

// reopen ends a pause; burst is true if 429s were its cause, so that its survivors tell the window.
func (a *adapt) reopen(now time.Time, limit int, burst bool) {
	if burst && a.pace.rate == 0 && a.survivors > 0 && (limit == 0 || a.survivors < limit) {
		a.window, a.safe, a.windowStep, a.windowClean = a.survivors, a.survivors, 25, 0
	}
	a.slow, a.slowDone, a.slowSince = slowStart, 0, now
}

func (a *adapt) paceAt(now time.Time, rate float64) {
	a.held, a.paceStep, a.paceSince, a.paceClean = rate, paceStep, now, 0
	a.guess = rate*60 < 20
	a.pace.set(now, rate)
}

// perMinute is the rate of successes over the last minute, in 1/s.
func (a *adapt) perMinute(now time.Time) float64 {
	a.turnTo(now)
	n := 0
	for _, c := range a.seconds {
		n += c
	}
	return float64(n) / 60
}

// sinceBurst is the rate of successes since the last burst, in 1/s; 0 in its first second.
func (a *adapt) sinceBurst(now time.Time) float64 {
	d := now.Sub(a.burstAt).Seconds()
	if a.burstAt.IsZero() || d < 1 {
		return 0
	}
	return float64(a.since) / d
}

// measured is the rate that the provider has shown to allow, in 1/s.
func (a *adapt) measured(now time.Time) float64 {
	return max(0.95*max(a.perMinute(now), a.sinceBurst(now)), 1.0/60)
}
