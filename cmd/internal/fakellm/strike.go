package fakellm

import "time"

// A strike is what goes wrong with one request: at most one fault of each class.
type strike struct{ refuse, delay, content, wire, usage *Fault }

// names lists the kinds of the faults that strike.
func (k strike) names() []string {
	var names []string
	for _, f := range []*Fault{k.refuse, k.delay, k.content, k.wire, k.usage} {
		if f != nil {
			names = append(names, f.Kind)
		}
	}
	return names
}

// A trap is a fault, its class, and how often it struck.
type trap struct {
	*Fault
	class  class
	struck int
}

// strikes draws the faults of a request whose body is seen for the seen-th time (from 1), the asked-th request of all
// (from 0), so long after the first. It is called under the ledger's lock.
func (s *Server) strikes(q *request, seen, asked int, since time.Duration) strike {
	var k strike
	for i := range s.traps {
		t := &s.traps[i]
		slot := k.slot(t.class)
		if slot == nil || *slot != nil || !t.open(asked, since) || !applies(t.Kind, q) || !s.hits(i, q.body, seen) {
			continue
		}
		t.struck++
		*slot = t.Fault
	}
	return k
}

// slot is the place for a fault of a class; a batch's faults have none, for they strike lines.
func (k *strike) slot(c class) **Fault {
	switch c {
	case refuses:
		return &k.refuse
	case delays:
		return &k.delay
	case content:
		return &k.content
	case wire:
		return &k.wire
	case usage:
		return &k.usage
	}
	return nil
}

// open reports whether the fault's schedule lets it strike now.
func (t *trap) open(asked int, since time.Duration) bool {
	return asked >= t.AfterRequests && since >= t.From && (t.To == 0 || since < t.To) && (t.Count == 0 || t.struck < t.Count)
}

// down is the fault that has the whole server dead now: one that strikes every request.
func (s *Server) down(asked int, since time.Duration) *trap {
	for i := range s.traps {
		if t := &s.traps[i]; t.Kind == "dead" && (t.Rate == 0 || t.Rate == 1) && t.Times == 0 && t.open(asked, since) {
			return t
		}
	}
	return nil
}

// hits draws whether fault i strikes a body that is seen for the seen-th time.
func (s *Server) hits(i int, body uint64, seen int) bool {
	t := &s.traps[i]
	if t.Times > 0 && seen > t.Times {
		return false
	}
	if t.Rate == 0 || t.Rate == 1 {
		return true
	}
	try := 0
	if t.heals() {
		try = seen
	}
	return unit(mix(s.c.Seed, body, uint64(i)+1, uint64(try))) < t.Rate
}

// applies reports whether a kind of fault has any effect on a request, so that none is counted that shows nothing.
func applies(kind string, q *request) bool {
	switch kind {
	case "no_json_schema":
		return q.format == "json_schema"
	case "no_json_object":
		return q.format == "json_object"
	case "slow_first", "cut_stream", "no_done", "error_event", "keepalive":
		return q.stream
	case "truncate", "truncate_hard", "fence", "prose", "no_json", "wrong_schema":
		return q.schema != nil && !q.callsTool
	case "think", "reasoning", "refusal", "content_filter", "empty", "length", "duplicate":
		return q.route != embeddingsRoute && !q.callsTool
	case "no_limit":
		return q.limit > 0 && q.route != embeddingsRoute && !q.callsTool
	case "one_usage":
		return q.n > 1
	}
	return true
}

// lineFault draws whether a fault of a kind strikes something in a batch; the schedules in time and number of the
// fault are for requests and do not count here.
func (s *Server) lineFault(h uint64, kind string) *Fault {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for i := range s.traps {
		t := &s.traps[i]
		if t.Kind == kind && (t.Count == 0 || t.struck < t.Count) && s.hits(i, h, 1) {
			t.struck++
			s.ledger.sum.Faults[kind]++
			return t.Fault
		}
	}
	return nil
}

// lineStrike draws what goes wrong with the answer to a line: its content and its usage, for it has no wire.
func (s *Server) lineStrike(q *request) strike {
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.sight(q.body)
	b.seen++
	k := s.strikes(q, b.seen, l.sum.Requests, 0)
	k = strike{content: k.content, usage: k.usage}
	for _, name := range k.names() {
		l.sum.Faults[name]++
	}
	return k
}
