package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/pipeline/state"
)

// fake is an endpoint without a network: a RoundTripper whose time is that of the test.
type fake struct {
	mu       sync.Mutex
	rng      *rand.Rand
	latency  func(*rand.Rand) time.Duration
	limit    func(now time.Time, inflight int) *response // answers instead, at once
	answer   func(n int, body map[string]any) response   // n counts from 0
	inflight int
	peak     int
	sent     []time.Time
	statuses []int
	bodies   []map[string]any
}

// response is what the fake answers with.
type response struct {
	status int
	header map[string]string
	body   string
	err    error
	cut    bool // the body breaks off
	after  time.Duration
}

func newFake() *fake {
	return &fake{
		rng:     rand.New(rand.NewPCG(1, 2)),
		latency: func(*rand.Rand) time.Duration { return 100 * time.Millisecond },
		answer:  func(int, map[string]any) response { return chat("hello there") },
	}
}

// chat is a whole answer.
func chat(text string) response { return response{status: 200, body: chatBody(text, "stop", 12, 3)} }

func chatBody(text, finish string, prompt, completion int) string {
	b, _ := json.Marshal(map[string]any{
		"id": "x", "object": "chat.completion", "model": "fake-1",
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish, "message": map[string]any{"role": "assistant", "content": text}}},
		"usage":   map[string]any{"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
	})
	return string(b)
}

func tooMany(retryAfter string) *response {
	r := &response{status: 429, body: `{"error":{"message":"slow down","code":"rate_limit_exceeded"}}`}
	if retryAfter != "" {
		r.header = map[string]string{"Retry-After": retryAfter}
	}
	return r
}

func (f *fake) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, fmt.Errorf("the request is not JSON: %w: %s", err, raw)
	}
	f.mu.Lock()
	n := len(f.sent)
	now := time.Now()
	f.sent = append(f.sent, now)
	f.bodies = append(f.bodies, body)
	var r response
	wait := time.Millisecond
	var refused *response
	if f.limit != nil {
		refused = f.limit(now, f.inflight)
	}
	if refused != nil {
		r = *refused
	} else {
		r = f.answer(n, body)
		wait = f.latency(f.rng)
		if r.after > 0 {
			wait = r.after
		}
	}
	f.statuses = append(f.statuses, r.status)
	f.inflight++
	f.peak = max(f.peak, f.inflight)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.inflight--
		f.mu.Unlock()
	}()
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if r.err != nil {
		return nil, r.err
	}
	h := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}
	for k, v := range r.header {
		h.Set(k, v)
	}
	var out io.Reader = strings.NewReader(r.body)
	if r.cut {
		out = io.MultiReader(strings.NewReader(r.body[:len(r.body)/2]), broken{})
	}
	return &http.Response{StatusCode: r.status, Header: h, Body: io.NopCloser(out), Request: req, ContentLength: -1}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// count returns how many answers with a status came between two times after the first request.
func (f *fake) count(status int, from, to time.Duration) (n, all int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, at := range f.sent {
		if d := at.Sub(f.sent[0]); d >= from && d < to {
			all++
			if f.statuses[i] == status {
				n++
			}
		}
	}
	return n, all
}

const forever = time.Duration(math.MaxInt64)

func rate(s string) *Rate {
	r := new(Rate)
	if err := r.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return r
}

func amountOf(s string) *Money {
	m := new(Money)
	if err := m.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return m
}

func testSpec() Spec {
	return Spec{Endpoint: "http://fake.test/v1", Model: "fake", MaxTokens: 64, Price: &Price{Input: rate("1"), Output: rate("2")}}
}

func newTestLedger(t *testing.T) *state.Ledger {
	t.Helper()
	l, err := state.NewLedger(state.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// open builds the models of one spec, named m.
func open(t *testing.T, s Spec, f http.RoundTripper, o Options) *Models {
	t.Helper()
	if o.Transport == nil {
		o.Transport = f
	}
	if o.Dataset == "" {
		o.Dataset = "d"
	}
	ms, err := NewModels(map[string]Spec{"m": s}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ms.Close)
	return ms
}

func theModel(t *testing.T, ms *Models) Model {
	t.Helper()
	m, err := ms.Model("m", "stage")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func say(i int) Request {
	return Request{Messages: []Message{{Role: "user", Content: fmt.Sprintf("request %d", i)}}}
}

// many asks n questions with workers at once and returns the errors that are not nil.
func many(m Model, n, workers int) (errs []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan int)
	for range workers {
		wg.Go(func() {
			for i := range next {
				if _, err := m.Ask(context.Background(), say(i)); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return errs
}
