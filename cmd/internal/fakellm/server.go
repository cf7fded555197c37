package fakellm

import (
	"crypto/subtle"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request body, and an uploaded file.
const maxBody = 128 << 20

// A Server is the practice server. It is an [http.Handler].
type Server struct {
	c      Config
	mux    *http.ServeMux
	traps  []trap
	ledger ledger
	store  store
}

// New makes a server. A Config that fails its Check is a mistake of the caller, and New panics: check first what came
// from a user.
func New(c Config) *Server {
	if err := c.Check(); err != nil {
		panic(err)
	}
	c.Models, c.Faults = slices.Clone(c.Models), slices.Clone(c.Faults)
	s := &Server{c: c, mux: http.NewServeMux()}
	for i := range s.c.Faults {
		class, _ := classOf(s.c.Faults[i].Kind) // Check has seen it
		s.traps = append(s.traps, trap{Fault: &s.c.Faults[i], class: class})
	}
	s.ledger.init(&s.c)
	s.store.init()
	for _, route := range []string{chatRoute, completionsRoute, embeddingsRoute} {
		s.mux.HandleFunc("POST "+route, func(w http.ResponseWriter, r *http.Request) { s.ask(w, r, route) })
	}
	s.mux.HandleFunc("GET /healthz", s.plain(s.health))
	s.mux.HandleFunc("GET /stats", s.stats)
	s.mux.HandleFunc("GET /v1/models", s.plain(s.models))
	s.mux.HandleFunc("GET /v1/models/{id}", s.plain(s.models))
	s.routeFiles()
	s.routeBatches()
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(&refusal{status: 404, message: "Unknown route " + r.Method + " " + r.URL.Path, kind: "invalid_request_error"}).send(w)
	})
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// ask is the way of a request for an answer: read, counted, refused or paid, waited for, sent.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, route string) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		badRequest("the body could not be read: "+err.Error(), "").send(w)
		return
	}
	q, bad := readRequest(route, data, s.c.Seed)
	switch {
	case !s.knows(r):
		bad = badKey()
	case bad == nil && !s.serves(q.model):
		bad = unknownModel(q.model)
	}
	if q == nil {
		q = &request{route: route, body: hashText(0, string(data))}
	}
	c := s.begin(q, data, bad)
	defer s.finish(c)
	w.Header().Set("X-Request-Id", "req_"+c.Hash+"_"+strconv.Itoa(c.Seen))
	if s.c.LimitHeaders {
		s.ledger.headers(w.Header())
	}
	if c.refusal != nil {
		if f := c.strike.refuse; f != nil {
			c.wait(r, f.Delay)
		}
		c.status = c.refusal.status
		c.refusal.send(w)
		return
	}
	first, total := s.latency(q.body)
	if f := c.strike.delay; f != nil {
		switch f.Kind {
		case "slow":
			first, total = f.delay(20*time.Second), f.delay(20*time.Second)
		case "slow_first":
			first, total = first+f.delay(10*time.Second), total+f.delay(10*time.Second)
		}
	}
	if route == embeddingsRoute {
		s.pay(c, bill{prompt: q.prompt})
		c.wait(r, total)
		s.deliver(w, c, s.embeddings(q, c.strike.usage))
		return
	}
	a := s.answer(q, c.strike)
	s.pay(c, a.paid)
	if f := c.strike.wire; q.stream && (f == nil || f.Kind != "hangup") {
		s.stream(w, r, c, a, first, total)
		return
	}
	c.wait(r, total)
	s.deliver(w, c, a.body())
}

// deliver sends a whole answer, with what the strike does to the wire.
func (s *Server) deliver(w http.ResponseWriter, c *call, body []byte) {
	kind := ""
	if f := c.strike.wire; f != nil {
		kind = f.Kind
	}
	switch kind {
	case "hangup":
		c.hangUp()
	case "cut_body":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusOK)
		c.status = http.StatusOK
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush()
		c.hangUp()
	}
	c.status = http.StatusOK
	send(w, http.StatusOK, "application/json", body)
}

// knows reports whether the request carries the key, if one is demanded.
func (s *Server) knows(r *http.Request) bool {
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return s.c.Key == "" || subtle.ConstantTimeCompare([]byte(given), []byte(s.c.Key)) == 1
}

func (s *Server) serves(model string) bool {
	return len(s.c.Models) == 0 || slices.Contains(s.c.Models, model)
}

// plain guards a route that makes no answer: a dead server is dead there too, and the key is demanded.
func (s *Server) plain(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.dead() {
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path != "/healthz" && !s.knows(r) {
			badKey().send(w)
			return
		}
		h(w, r)
	}
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, "application/json", []byte("{\"status\":\"ok\"}\n"))
}

func (s *Server) models(w http.ResponseWriter, r *http.Request) {
	one := func(b []byte, name string) []byte {
		return append(appendString(append(b, `{"id":`...), name), `,"object":"model","created":1700000000,"owned_by":"practice"}`...)
	}
	if name := r.PathValue("id"); name != "" {
		if !s.serves(name) {
			unknownModel(name).send(w)
			return
		}
		send(w, http.StatusOK, "application/json", one(nil, name))
		return
	}
	names := s.c.Models
	if len(names) == 0 {
		names = []string{"practice"}
	}
	b := []byte(`{"object":"list","data":[`)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, name)
	}
	send(w, http.StatusOK, "application/json", append(b, "]}\n"...))
}
