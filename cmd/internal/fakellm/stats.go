package fakellm

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// Stats counts requests for answers, lines of batches among them where so said.
type Stats struct {
	Requests    int            `json:"requests"`
	ByStatus    map[string]int `json:"by_status"` // HTTP status; hangup: broken off by the server, gone: by the client
	InFlight    int            `json:"in_flight"`
	MaxInFlight int            `json:"max_in_flight"`
	Limited     int            `json:"limited"`  // refused by a limit
	Faults      map[string]int `json:"faults"`   // strikes by kind
	Distinct    int            `json:"distinct"` // different bodies, batch lines included
	Repeats     int            `json:"repeats"`  // requests whose body had come before

	Paid             int   `json:"paid"`         // answers made and billed, batch lines included
	PaidRepeats      int   `json:"paid_repeats"` // of them, those whose body had been paid before
	PromptTokens     int64 `json:"prompt_tokens"`
	CachedTokens     int64 `json:"cached_tokens"` // part of the prompt tokens
	CompletionTokens int64 `json:"completion_tokens"`
	Batches          int   `json:"batches"`     // jobs created
	BatchLines       int   `json:"batch_lines"` // lines answered in them
}

// A Repeat is a body that came more than once.
type Repeat struct {
	Hash       string // as in [Request]
	Seen, Paid int
}

// Stats is the count so far.
func (s *Server) Stats() Stats {
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.sum
	sum.ByStatus, sum.Faults = maps.Clone(sum.ByStatus), maps.Clone(sum.Faults)
	return sum
}

// Requests lists the last requests that ended, in the order of their ends, [Config.Keep] of them at most.
func (s *Server) Requests() []Request {
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept[max(0, len(l.kept)-s.c.keep()):])
}

// Repeats lists the bodies that came or were paid more than once, in the order in which they first came.
func (s *Server) Repeats() []Repeat {
	type found struct {
		Repeat
		first int
	}
	l := &s.ledger
	l.mu.Lock()
	var all []found
	for body, b := range l.seen {
		if b.seen > 1 || b.paid > 1 {
			all = append(all, found{Repeat{hex(body), b.seen, b.paid}, b.first})
		}
	}
	l.mu.Unlock()
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.first, b.first) })
	out := make([]Repeat, len(all))
	for i, f := range all {
		out[i] = f.Repeat
	}
	return out
}

// stats serves the count as JSON, even while the script has the server dead.
func (s *Server) stats(w http.ResponseWriter, _ *http.Request) {
	body, err := json.MarshalIndent(s.Stats(), "", "  ")
	if err != nil {
		(&refusal{status: 500, message: err.Error(), kind: "server_error"}).send(w)
		return
	}
	send(w, http.StatusOK, "application/json", append(body, '\n'))
}

// label is the request's row in [Stats.ByStatus].
func (r *Request) label() string {
	if r.Outcome != "" {
		return r.Outcome
	}
	return strconv.Itoa(r.Status)
}
