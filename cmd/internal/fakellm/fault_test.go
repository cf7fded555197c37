package fakellm

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

const streamed = `"stream":true,"stream_options":{"include_usage":true}`

// TestFaults plays each fault once, over a socket and without one, and looks at it as a client does.
func TestFaults(t *testing.T) {
	plain, rows := chat("where is my card"), chat("where is my card", asked)
	stream := chat("where is my card", streamed)
	status := func(want int, code string) func(*testing.T, reply) {
		return func(t *testing.T, r reply) {
			if r.err != nil || r.status != want || !strings.Contains(r.body, code) {
				t.Errorf("status %d, error %v, body %s; want %d with %q", r.status, r.err, r.body, want, code)
			}
			if !json.Valid([]byte(r.body)) {
				t.Errorf("the error body is not JSON: %s", r.body)
			}
		}
	}
	text := func(check func(s string) bool) func(*testing.T, reply) {
		return func(t *testing.T, r reply) {
			if s := content1(t, r); !check(s) {
				t.Errorf("content %q", s)
			}
		}
	}
	finish := func(want string) func(*testing.T, reply) {
		return func(t *testing.T, r reply) {
			if got := decode(t, r.body).Choices[0].FinishReason; got != want {
				t.Errorf("finish_reason %q, want %q", got, want)
			}
		}
	}
	lacks := func(without ...string) func(*testing.T, reply) {
		return func(t *testing.T, r reply) {
			if r.err != nil || r.status != 200 || !strings.Contains(r.body, `"delta"`) {
				t.Fatalf("status %d, error %v, body %s", r.status, r.err, r.body)
			}
			for _, w := range without {
				if strings.Contains(r.body, w) {
					t.Errorf("%q is in the stream:\n%s", w, r.body)
				}
			}
		}
	}
	isJSON := func(s string) bool { return json.Valid([]byte(s)) }
	for _, c := range []struct {
		fault, body string
		check       func(*testing.T, reply)
	}{
		{"429:retry_after=2", plain, func(t *testing.T, r reply) {
			status(429, "rate_limit_exceeded")(t, r)
			if got := r.header.Get("Retry-After"); got != "2" {
				t.Errorf("Retry-After %q", got)
			}
		}},
		{"429:retry_after=90,date", plain, func(t *testing.T, r reply) {
			at, err := http.ParseTime(r.header.Get("Retry-After"))
			if d := time.Until(at); err != nil || d < 80*time.Second || d > 92*time.Second {
				t.Errorf("Retry-After %q: %v, %v away", r.header.Get("Retry-After"), err, d)
			}
		}},
		{"429", plain, func(t *testing.T, r reply) {
			if got := r.header.Get("Retry-After"); got != "" {
				t.Errorf("Retry-After %q, want none", got)
			}
		}},
		{"503:retry_after=1", plain, status(503, "Service Unavailable")},
		{"500", plain, status(500, "server_error")},
		{"529", plain, status(529, "server_error")},
		{"401", plain, status(401, "invalid_api_key")},
		{"404", plain, status(404, "model_not_found")},
		{"quota", plain, status(429, "insufficient_quota")},
		{"context_length", plain, status(400, "context_length_exceeded")},
		{"no_json_schema", rows, status(400, "response_format")},
		{"no_json_object", chat("x", `"response_format":{"type":"json_object"}`), status(400, "response_format")},
		{"error_200", plain, status(200, `"error"`)},
		{"html", plain, func(t *testing.T, r reply) {
			if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || !strings.HasPrefix(r.body, "<!DOCTYPE") {
				t.Errorf("%+v", r)
			}
		}},
		{"dead", plain, func(t *testing.T, r reply) {
			if r.err == nil {
				t.Errorf("an answer: %+v", r)
			}
		}},
		{"hangup", stream, func(t *testing.T, r reply) {
			if r.err == nil || r.status != 0 {
				t.Errorf("an answer: %+v", r)
			}
		}},
		{"cut_body", plain, func(t *testing.T, r reply) {
			if r.status != 200 || r.body == "" || !errors.Is(r.err, io.ErrUnexpectedEOF) {
				t.Errorf("%+v", r)
			}
		}},
		{"cut_body", stream, func(t *testing.T, r reply) {
			if !strings.Contains(r.body, "data: ") || strings.Contains(r.body, "[DONE]") || !errors.Is(r.err, io.ErrUnexpectedEOF) {
				t.Errorf("%+v", r)
			}
		}},
		{"cut_stream", stream, func(t *testing.T, r reply) {
			lacks("[DONE]", `"finish_reason":"stop"`, `"usage"`)(t, r)
			if strings.HasSuffix(r.body, "\n") {
				t.Error("the last line has a newline")
			}
		}},
		{"no_done", stream, func(t *testing.T, r reply) {
			lacks("[DONE]")(t, r)
			if !strings.Contains(r.body, `"finish_reason":"stop"`) {
				t.Error("no finish_reason")
			}
		}},
		{"error_event", stream, func(t *testing.T, r reply) {
			lacks("[DONE]", `"finish_reason":"stop"`)(t, r)
			if !strings.Contains(r.body, "data: { \"error\"") {
				t.Errorf("no error event: %s", r.body)
			}
		}},
		{"keepalive", stream, func(t *testing.T, r reply) {
			if n := strings.Count(r.body, ": keep-alive\n"); n != 400 || !strings.HasSuffix(r.body, "data: [DONE]\n\n") {
				t.Errorf("%d comments", n)
			}
		}},
		{"truncate", rows, text(func(s string) bool { return !isJSON(s) && (isJSON(s+`"}`) || isJSON(s+"}")) })},
		{"truncate_hard", rows, text(func(s string) bool { return s == `{"t` })},
		{"fence", rows, text(func(s string) bool {
			inside, ok := strings.CutPrefix(s, "```json\n")
			return ok && isJSON(strings.TrimSuffix(inside, "\n```"))
		})},
		{"prose", rows, text(func(s string) bool { return strings.HasPrefix(s, "Sure!") && strings.Contains(s, `{"text":`) })},
		{"no_json", rows, text(func(s string) bool { return !strings.ContainsAny(s, "{}") })},
		{"wrong_schema", rows, text(func(s string) bool { return isJSON(s) && strings.HasPrefix(s, `{"unasked"`) })},
		{"think", rows, text(func(s string) bool {
			_, after, ok := strings.Cut(s, "</think>")
			return ok && strings.HasPrefix(s, "<think>") && isJSON(after)
		})},
		{"empty", plain, text(func(s string) bool { return s == "" })},
		{"refusal", plain, text(func(s string) bool { return strings.HasPrefix(s, "I'm sorry") })},
		{"refusal", rows, func(t *testing.T, r reply) {
			if m := decode(t, r.body).Choices[0].Message; m.Content != nil || m.Refusal == nil {
				t.Errorf("%s", r.body)
			}
		}},
		{"reasoning", plain, func(t *testing.T, r reply) {
			if decode(t, r.body).Choices[0].Message.ReasoningContent == "" {
				t.Errorf("%s", r.body)
			}
		}},
		{"length", plain, finish("length")},
		{"content_filter", plain, finish("content_filter")},
		{"no_limit", chat("where is my new card, please", `"max_tokens":1`), func(t *testing.T, r reply) {
			if c := decode(t, r.body); c.Choices[0].FinishReason != "stop" || c.Usage.CompletionTokens < 2 {
				t.Errorf("%s", r.body)
			}
		}},
		{"no_usage", plain, func(t *testing.T, r reply) {
			if decode(t, r.body).Usage != nil {
				t.Errorf("%s", r.body)
			}
		}},
		{"no_usage", stream, lacks("usage")},
	} {
		f, err := ParseFault(c.fault)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(c.fault, func(t *testing.T) {
			bothWays(t, Config{Faults: []Fault{f}}, func(t *testing.T, s *Server, client *http.Client, base string) {
				r := post(t, client, base+chatRoute, c.body)
				c.check(t, r)
				st := s.Stats()
				if st.Faults[f.Kind] == 0 || st.InFlight != 0 {
					t.Errorf("stats %+v", st)
				}
			})
		})
	}
}

// TestUsageFaults compares what an answer says that it cost with what the server knows.
func TestUsageFaults(t *testing.T) {
	for kind, share := range map[string]int{"wrong_usage": 10, "one_usage": 3} {
		s := New(Config{CachedShare: 0.5, Faults: []Fault{{Kind: kind}}})
		client := &http.Client{Transport: s.RoundTripper()}
		c := decode(t, post(t, client, "http://x"+chatRoute, chat(strings.Repeat("long prompt ", 50), `"n":3`)).body)
		st := s.Stats()
		if got, want := c.Usage.CompletionTokens, int(st.CompletionTokens)/share; got != want || len(c.Choices) != 3 {
			t.Errorf("%s: reported %d of %d tokens in %d choices", kind, got, st.CompletionTokens, len(c.Choices))
		}
		if st.PromptTokens != 150 || st.CachedTokens != 75 {
			t.Errorf("%s: prompt %d, cached %d", kind, st.PromptTokens, st.CachedTokens)
		}
	}
}

// TestDuplicates: one text for different bodies, at the set rate.
func TestDuplicates(t *testing.T) {
	s := New(Config{Faults: []Fault{{Kind: "duplicate", Rate: 0.5}}})
	client := &http.Client{Transport: s.RoundTripper()}
	seen := map[string]int{}
	for i := range 400 {
		seen[content1(t, post(t, client, "http://x"+chatRoute, chat("where is my card, number "+strconv.Itoa(i))))]++
	}
	most := 0
	for _, n := range seen {
		most = max(most, n)
	}
	if struck := s.Stats().Faults["duplicate"]; most != struck || struck < 150 || struck > 250 {
		t.Errorf("the most common text came %d times, the fault struck %d of 400", most, struck)
	}
}
