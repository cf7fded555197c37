package fakellm

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// A Request is one request for an answer as the server remembers it. Its headers are not kept: they hold keys.
type Request struct {
	At               time.Time       `json:"at"`
	Route            string          `json:"route"`
	Hash             string          `json:"hash"` // of the body: equal for equal JSON values
	Seen             int             `json:"seen"` // how often this body has come, this time included
	Stream           bool            `json:"stream,omitempty"`
	Status           int             `json:"status"`            // HTTP status sent; 0: none
	Outcome          string          `json:"outcome,omitempty"` // hangup: the server broke off; gone: the client did
	Limit            string          `json:"limit,omitempty"`   // the limit it hit
	Faults           []string        `json:"faults,omitempty"`
	Took             time.Duration   `json:"took_ns"`
	PromptTokens     int             `json:"prompt_tokens"` // paid
	CompletionTokens int             `json:"completion_tokens"`
	Body             json.RawMessage `json:"body,omitempty"`
}

// A call is a request on its way.
type call struct {
	Request
	q       *request
	strike  strike
	refusal *refusal
	status  int
	outcome string
	working bool // let in: it counts against the limit of requests in work
}

// A sighting is what is known of one body.
type sighting struct{ first, seen, paid int }

// A ledger remembers what was asked, and counts.
type ledger struct {
	mu    sync.Mutex
	c     *Config
	pacer pacer
	start time.Time // of the first request
	sum   Stats
	seen  map[uint64]*sighting
	kept  []Request
	logMu sync.Mutex
}

func (l *ledger) init(c *Config) {
	l.c, l.pacer, l.seen = c, newPacer(c), map[uint64]*sighting{}
	l.sum.ByStatus, l.sum.Faults = map[string]int{}, map[string]int{}
}

// begin counts a request and settles its fate: bad if it is set, a limit, or what the faults make of it.
func (s *Server) begin(q *request, data []byte, bad *refusal) *call {
	c := &call{q: q, refusal: bad, Request: Request{Route: q.route, Hash: hex(q.body), Stream: q.stream}}
	if s.c.keep() > 0 || s.c.Log != nil {
		c.Body = data
		if bad != nil && !json.Valid(data) {
			c.Body, _ = json.Marshal(string(data)) // a string always encodes
		}
	}
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now() // under the lock: one that came first must not be before the start, or no fault would be open for it
	c.At = now
	if l.start.IsZero() {
		l.start = now
	}
	asked := l.sum.Requests
	l.sum.Requests++
	l.sum.InFlight++
	l.sum.MaxInFlight = max(l.sum.MaxInFlight, l.sum.InFlight)
	b := l.sight(q.body)
	b.seen++
	c.Seen = b.seen
	if b.seen > 1 {
		l.sum.Repeats++
	}
	if bad != nil {
		return c
	}
	if t := s.down(asked, now.Sub(l.start)); t != nil { // a dead server knows no limits
		t.struck++
		c.refusal, c.Faults = refusalOf(t.Fault, q), []string{t.Kind}
		l.sum.Faults[t.Kind]++
		return c
	}
	if limit, wait := l.pacer.enter(now); limit != "" {
		if !s.c.LimitRetryAfter {
			wait = 0
		}
		c.Limit, c.refusal = limit, rateLimited("Rate limit reached: too many requests "+limit+".", wait)
		l.sum.Limited++
		return c
	}
	c.working = true
	c.strike = s.strikes(q, b.seen, asked, now.Sub(l.start))
	if f := c.strike.refuse; f != nil {
		c.refusal = refusalOf(f, q)
		c.strike = strike{refuse: f} // what is refused has nothing else to go wrong
	}
	c.Faults = c.strike.names()
	for _, name := range c.Faults {
		l.sum.Faults[name]++
	}
	return c
}

// sight finds or begins the account of a body.
func (l *ledger) sight(body uint64) *sighting {
	b := l.seen[body]
	if b == nil {
		b = &sighting{first: len(l.seen)}
		l.seen[body] = b
		l.sum.Distinct++
	}
	return b
}

// pay books an answer's tokens.
func (s *Server) pay(c *call, paid bill) {
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	c.PromptTokens, c.CompletionTokens = paid.prompt, paid.completion
	l.book(c.q.body, paid)
}

// book adds an answer to the accounts.
func (l *ledger) book(body uint64, paid bill) {
	l.sum.Paid++
	l.sum.PromptTokens += int64(paid.prompt)
	l.sum.CachedTokens += int64(paid.cached)
	l.sum.CompletionTokens += int64(paid.completion)
	b := l.sight(body)
	if b.paid++; b.paid > 1 {
		l.sum.PaidRepeats++
	}
}

// finish files a request whose answer is over, however it ended.
func (s *Server) finish(c *call) {
	l := &s.ledger
	c.Took = time.Since(c.At)
	c.Status, c.Outcome = c.status, c.outcome
	if c.refusal != nil && c.refusal.hangsUp {
		c.Outcome = "hangup"
	}
	l.mu.Lock()
	l.sum.InFlight--
	if c.working {
		l.pacer.working--
	}
	l.sum.ByStatus[c.Request.label()]++
	if keep := s.c.keep(); keep > 0 {
		if len(l.kept) >= 2*keep {
			n := copy(l.kept, l.kept[len(l.kept)-keep:])
			clear(l.kept[n:])
			l.kept = l.kept[:n]
		}
		l.kept = append(l.kept, c.Request)
	}
	l.mu.Unlock()
	if s.c.Log != nil {
		line, err := json.Marshal(c.Request)
		if err != nil {
			return // a Request always encodes: its body is valid by now
		}
		l.logMu.Lock()
		defer l.logMu.Unlock()
		s.c.Log.Write(append(line, '\n')) // a practice server goes on without its log
	}
}

// wait sleeps; if the client leaves meanwhile, so does the handler.
func (c *call) wait(r *http.Request, d time.Duration) {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
	}
	if r.Context().Err() != nil {
		c.outcome = "gone"
		panic(http.ErrAbortHandler)
	}
}

// hangUp breaks the connection.
func (c *call) hangUp() {
	c.outcome = "hangup"
	panic(http.ErrAbortHandler)
}

// headers says how much is left of the rate limit.
func (l *ledger) headers(h http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pacer.headers(h, l.c.LimitRPM, time.Now())
}

// dead reports whether the script has the whole server down now.
func (s *Server) dead() bool {
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	var since time.Duration
	if !l.start.IsZero() {
		since = time.Since(l.start)
	}
	return s.down(l.sum.Requests, since) != nil
}
