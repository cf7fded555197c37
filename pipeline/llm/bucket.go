package llm

import "time"

// bucket is a token bucket that may go into debt and takes refunds. (golang.org/x/time/rate has no refund, which tokens per minute
// need: what an answer did not use goes back. It also refuses what is larger than the burst.)
//
// A declared limit L per minute holds in every window of 60 seconds, wherever it begins, not on the average only: no window
// sees more than burst + 60·rate, so the rate is (0.99·L - burst + 1) / 60. Example: L = 300 gives 4.95 requests per second.
type bucket struct {
	rate  float64 // per second; 0: no limit
	burst float64
	level float64
	at    time.Time
}

// slack is how much may be taken at once after a timer woke late.
const slack = 20 * time.Millisecond

// perMinute returns a bucket for limit things of about one each per minute.
func perMinute(limit int) bucket {
	if limit <= 0 {
		return bucket{}
	}
	perSecond := float64(limit) / 60
	burst := 1 + perSecond*slack.Seconds()
	return bucket{rate: max(0.99*float64(limit)-burst+1, 0.5) / 60, burst: burst, level: burst}
}

// tokensPerMinute returns a bucket for tokens, of which a request takes many: the burst is a tenth of the limit.
func tokensPerMinute(limit int) bucket {
	if limit <= 0 {
		return bucket{}
	}
	burst := float64(limit) / 10
	return bucket{rate: (0.99*float64(limit) - burst) / 60, burst: burst, level: burst}
}

func (b *bucket) refill(now time.Time) {
	if b.rate == 0 {
		return
	}
	if !b.at.IsZero() {
		b.level = min(b.level+now.Sub(b.at).Seconds()*b.rate, b.burst)
	}
	b.at = now
}

// ready returns when n may be taken. More than the burst waits for a full bucket, then goes into debt.
func (b *bucket) ready(now time.Time, n float64) time.Time {
	if b.rate == 0 {
		return now
	}
	b.refill(now)
	const eps = 1e-6
	short := min(n, b.burst) - b.level - eps
	if short <= 0 {
		return now
	}
	return now.Add(time.Duration(short/b.rate*1e9) + time.Microsecond)
}

// take takes n at now, ready or not. A negative n gives back.
func (b *bucket) take(now time.Time, n float64) {
	if b.rate == 0 {
		return
	}
	b.refill(now)
	b.level = min(b.level-n, b.burst)
}

// set changes the rate and keeps the level.
func (b *bucket) set(now time.Time, rate float64) {
	b.refill(now)
	b.rate, b.burst = rate, 1+rate*slack.Seconds()
	b.level = min(b.level, b.burst)
	b.at = now
}
