package fakellm

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// A pacer holds the request limits. Requests per minute are limited by the generic cell rate algorithm (ITU-T I.371): next
// is when a steady sender would send next, and a request may be ahead of it by burst - 1 intervals. At 60 per minute with
// a burst of 2, requests at 0 s, 0 s, 0 s find: in, in, refused for 1 s.
type pacer struct {
	interval time.Duration // between requests of a steady sender; 0: no limit
	burst    int
	next     time.Time
	most     int // in work at once; 0: no limit
	working  int
}

// slack forgives a steady sender the grain of its clock.
const slack = time.Millisecond

func newPacer(c *Config) pacer {
	p := pacer{most: c.LimitInFlight}
	if c.LimitRPM > 0 {
		p.interval = time.Minute / time.Duration(c.LimitRPM)
		p.burst = c.LimitBurst
		if p.burst == 0 {
			p.burst = max(1, c.LimitRPM/60)
		}
	}
	return p
}

// enter lets a request in, or says which limit it hit and how long to wait.
func (p *pacer) enter(now time.Time) (limit string, wait time.Duration) {
	if p.most > 0 && p.working >= p.most {
		return "in flight", time.Second
	}
	if p.interval > 0 {
		earliest := p.next.Add(-time.Duration(p.burst-1) * p.interval)
		if wait := earliest.Sub(now); wait > slack {
			return "per minute", wait
		}
		if p.next.Before(now) {
			p.next = now
		}
		p.next = p.next.Add(p.interval)
	}
	p.working++
	return "", 0
}

// headers tells the client how much is left of the rate.
func (p *pacer) headers(h http.Header, rpm int, now time.Time) {
	if p.interval == 0 {
		return
	}
	debt := max(0, p.next.Sub(now))
	left := max(0, p.burst-int((debt+p.interval-1)/p.interval))
	h.Set("X-Ratelimit-Limit-Requests", strconv.Itoa(rpm))
	h.Set("X-Ratelimit-Remaining-Requests", strconv.Itoa(left))
	h.Set("X-Ratelimit-Reset-Requests", debt.Round(time.Millisecond).String())
}

// latency draws how long a body's answer takes, and its first token: log-normal with the configured medians, by the hash
// of the body, so that a retry takes the same time.
func (s *Server) latency(body uint64) (first, total time.Duration) {
	factor := 1.0
	if s.c.Sigma > 0 { // Box and Muller 1958
		u, v := unit(mix(s.c.Seed, body, 'u')), unit(mix(s.c.Seed, body, 'v'))
		factor = math.Exp(s.c.Sigma * math.Sqrt(-2*math.Log(1-u)) * math.Cos(2*math.Pi*v))
	}
	total = time.Duration(float64(s.c.Latency) * factor)
	if s.c.FirstToken == 0 {
		return total, total
	}
	first = time.Duration(float64(s.c.FirstToken) * factor)
	return first, max(first, total)
}
