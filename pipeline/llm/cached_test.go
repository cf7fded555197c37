package llm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/pipeline/state"
)

// TestNothingPaidTwice: a second run asks nothing, costs nothing, and its answers are the same.
func TestNothingPaidTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := state.NewMemory()
		run := func(f *fake) (answers []Answer, st Status) {
			l, err := state.NewLedger(store)
			if err != nil {
				t.Fatal(err)
			}
			ms := open(t, testSpec(), f, Options{Ledger: l})
			for i := range 20 {
				a, err := theModel(t, ms).Ask(t.Context(), say(i))
				if err != nil {
					t.Fatal(err)
				}
				a.Cached = false
				answers = append(answers, a)
			}
			return answers, ms.Status()
		}
		f := newFake()
		first, st := run(f)
		if st.CachedAnswers != 0 || st.Sum.Requests != 20 {
			t.Errorf("%+v", st)
		}
		second, st := run(f)
		if len(f.sent) != 20 || !reflect.DeepEqual(first, second) {
			t.Errorf("%d requests; answers equal: %v", len(f.sent), reflect.DeepEqual(first, second))
		}
		if st.CachedAnswers != 20 || st.Saved != 20*Money(first[0].Usage.Cost) || st.Sum.Cost != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestJoined: equal requests that meet are asked once, and a leader that is called off is replaced.
func TestJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		m := theModel(t, open(t, testSpec(), f, Options{Ledger: newTestLedger(t)}))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := m.Ask(ctx, say(1)); !errors.Is(err, context.Canceled) {
				t.Errorf("the leader: %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() {
				if a, err := m.Ask(t.Context(), say(1)); err != nil || a.Text == "" {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		if len(f.sent) != 2 {
			t.Errorf("%d requests", len(f.sent))
		}
	})
}

// TestMaxTokens: the limit is not in the key. What was cut is asked again with a higher one, what had ended by itself is not, and the way there is
// the same on every run.
func TestMaxTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		long := strings.Repeat("word ", 100)
		f.answer = func(_ int, b map[string]any) response {
			if limit := int(b["max_tokens"].(float64)); limit < 100 {
				return response{status: 200, body: chatBody(long[:5*limit], "length", 5, limit)}
			}
			return response{status: 200, body: chatBody(long, "stop", 5, 100)}
		}
		m := theModel(t, open(t, testSpec(), f, Options{Ledger: newTestLedger(t)}))
		ask := func(limit, sent int) Answer {
			q := say(1)
			q.MaxTokens = limit
			a, err := m.Ask(t.Context(), q)
			if err != nil || len(f.sent) != sent {
				t.Errorf("limit %d: %v, %d requests sent so far, want %d", limit, err, len(f.sent), sent)
			}
			return a
		}
		first := ask(60, 2) // cut at 60, whole with 120
		if first.Usage.Completion != 160 || first.Usage.Prompt != 10 {
			t.Errorf("usage of both requests: %+v", first.Usage)
		}
		again := ask(60, 2)
		again.Cached = first.Cached
		if !reflect.DeepEqual(first, again) {
			t.Errorf("%+v\n%+v", first, again)
		}
		ask(200, 2) // 100 tokens had been enough
		ask(100, 2)
		ask(55, 3) // cut at 55; 110 are served by the 100
	})
}

// TestKey: everything that determines an answer is in the key, and nothing else.
func TestKey(t *testing.T) {
	ms := open(t, testSpec(), newFake(), Options{})
	m := theModel(t, ms).(*model)
	zero, one, seed := 0.0, 1.0, int64(3)
	base := Request{Messages: []Message{{Role: "user", Content: "a"}}}
	keys := map[string]string{}
	for name, change := range map[string]func(*Request){
		"base": func(*Request) {}, "content": func(q *Request) { q.Messages[0].Content = "b" }, "role": func(q *Request) { q.Messages[0].Role = "system" },
		"temperature 0": func(q *Request) { q.Temperature = &zero }, "temperature 1": func(q *Request) { q.Temperature = &one },
		"top_p": func(q *Request) { q.TopP = &zero }, "seed": func(q *Request) { q.Seed = &seed }, "stop": func(q *Request) { q.Stop = []string{"x"} },
		"n": func(q *Request) { q.N = 2 }, "logprobs": func(q *Request) { q.Logprobs = 1 }, "attempt": func(q *Request) { q.Attempt = 1 },
		"schema": func(q *Request) { q.Schema = &Schema{JSON: json.RawMessage(`{"type":"object"}`)} },
		"tools":  func(q *Request) { q.Tools = json.RawMessage(`[]`) }, "extra": func(q *Request) { q.Extra = map[string]any{"top_k": 3} },
	} {
		q := base
		q.Messages = []Message{base.Messages[0]}
		change(&q)
		c, err := m.newCall(q, 10)
		if err != nil {
			t.Fatal(err)
		}
		k := hex.EncodeToString(c.key[:])
		if other, taken := keys[k]; taken {
			t.Errorf("%s has the key of %s", name, other)
		}
		keys[k] = name
		other, _ := m.newCall(q, 99)
		if other.key != c.key {
			t.Errorf("%s: max_tokens is in the key", name)
		}
	}
	// pinned: a changed layout would pay for every answer again
	c, _ := m.newCall(base, 10)
	const want = `{"v":1,"model":"http://fake.test/v1 fake","messages":[{"role":"user","content":"a"}]}`
	if string(c.canonical) != want || c.key != sha256.Sum256([]byte(want)) {
		t.Errorf("canonical form %s", c.canonical)
	}
}

// TestEntry: what the ledger holds tells the whole story, for small and large requests, and a damaged entry is refused.
func TestEntry(t *testing.T) {
	z, err := newCoders()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{10, 100_000} {
		e := &Entry{
			Time: time.UnixMilli(1_700_000_000_123).UTC(), Max: 9, Model: "m", RequestID: "r", Usage: Usage{Prompt: 3, Completion: 4, Cost: 5},
			Choices: []EntryChoice{{Text: "text", Finish: finishStop, Logprobs: []TokenLogprob{{Token: "a", Logprob: -1}}}},
			Request: json.RawMessage(`"` + strings.Repeat("x", n) + `"`),
		}
		b, err := z.encode(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeEntry(b)
		if err != nil || !reflect.DeepEqual(e, back) {
			t.Errorf("%v: %+v", err, back)
		}
		if len(b) > 2000 {
			t.Errorf("%d bytes for a request of %d", len(b), n)
		}
		for _, cut := range []int{0, 1, 3, 20} {
			if _, err := DecodeEntry(b[:cut]); err == nil {
				t.Errorf("an entry cut at %d was read", cut)
			}
		}
	}
}

// TestAudit: spend is never below the truth.
func TestAudit(t *testing.T) {
	four := "This is an answer of some length that any model could give."
	for name, c := range map[string]struct {
		usage     string
		n         int
		estimated bool
	}{
		"told":              {`,"usage":{"prompt_tokens":9,"completion_tokens":13}`, 1, false},
		"missing":           {``, 1, true},
		"zero":              {`,"usage":{"prompt_tokens":0,"completion_tokens":0}`, 1, true},
		"too low":           {`,"usage":{"prompt_tokens":9,"completion_tokens":2}`, 1, true},
		"one of four":       {`,"usage":{"prompt_tokens":9,"completion_tokens":13}`, 4, true},
		"four of four":      {`,"usage":{"prompt_tokens":9,"completion_tokens":52}`, 4, false},
		"one of two":        {`,"usage":{"prompt_tokens":9,"completion_tokens":13}`, 2, true},
		"negative":          {`,"usage":{"prompt_tokens":-9,"completion_tokens":-1}`, 1, true},
		"reasoning, hidden": {`,"usage":{"prompt_tokens":9,"completion_tokens":60,"completion_tokens_details":{"reasoning_tokens":47}}`, 1, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.answer = func(int, map[string]any) response {
				choice := `{"finish_reason":"stop","message":{"content":"` + four + `"}}`
				return response{status: 200, body: `{"choices":[` + strings.Repeat(choice+",", c.n-1) + choice + `]` + c.usage + `}`}
			}
			q := say(1)
			q.N = c.n
			a, err := theModel(t, open(t, testSpec(), f, Options{})).Ask(t.Context(), q)
			if err != nil || a.Usage.Estimated != c.estimated || a.Usage.Completion < int64(13*c.n) || a.Usage.Prompt < 3 {
				t.Errorf("%s: %+v, %v", name, a.Usage, err)
			}
		})
	}
}

// TestUnknownOutcome: a request that may have been paid is booked at its worst; one that was refused is not booked at all.
func TestUnknownOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		r      response
		booked int64
	}{
		"cut":         {response{status: 200, body: chatBody("x", "stop", 1, 1), cut: true}, 1},
		"reset":       {response{err: errors.New("connection reset by peer")}, 1},
		"bad gateway": {response{status: 502}, 1},
		"no answer":   {response{after: time.Hour, status: 200}, 1},
		"429":         {*tooMany("1"), 0},
		"500":         {response{status: 500}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.answer = func(n int, _ map[string]any) response {
				if n == 0 {
					return c.r
				}
				return chat("fine")
			}
			s := testSpec()
			s.Timeout = time.Minute
			l := newTestLedger(t)
			ms := open(t, s, f, Options{Ledger: l})
			if _, err := theModel(t, ms).Ask(t.Context(), say(1)); err != nil {
				t.Fatal(err)
			}
			spent, err := l.Spent("d")
			if err != nil || spent.Requests != 1+c.booked || spent.Estimated != c.booked || spent.Cost != int64(ms.Status().Spent) {
				t.Errorf("%s: %+v (%v), the account says %v", name, spent, err, ms.Status().Spent)
			}
			if worst := 64 * int64(*rate("2")); c.booked == 1 && spent.Cost < worst {
				t.Errorf("%s: %d booked, the worst is above %d", name, spent.Cost, worst)
			}
		})
	}
}
