package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sluice/schemas"
)

// TestBody: what go-openai drops or refuses reaches the wire.
func TestBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := testSpec()
		s.Model, s.Extra = "gpt-5-mini", map[string]any{"reasoning_effort": "low", "seed": 9}
		m := theModel(t, open(t, s, f, Options{}))
		zero, seed := 0.0, int64(0)
		_, err := m.Ask(t.Context(), Request{
			Messages:    []Message{{Role: "system", Content: "a"}, {Role: "user", Content: "<b>&\u2028"}},
			Temperature: &zero, TopP: &zero, Seed: &seed, N: 2, Logprobs: 3, Stop: []string{"\n"},
			Tools: json.RawMessage(`[{"type":"function","function":{"name":"f","strict":true}}]`),
			Extra: map[string]any{"top_k": 40},
		})
		if err != nil {
			t.Fatal(err)
		}
		b := f.bodies[0]
		for k, want := range map[string]string{
			"temperature": "0", "top_p": "0", "seed": "0", "n": "2", "logprobs": "true", "top_logprobs": "3", "max_completion_tokens": "64",
			"reasoning_effort": `"low"`, "top_k": "40", "stop": `["\n"]`, "model": `"gpt-5-mini"`,
			"tools": `[{"function":{"name":"f","strict":true},"type":"function"}]`,
		} {
			if got, _ := json.Marshal(b[k]); string(got) != want {
				t.Errorf("%s is %s, want %s", k, got, want)
			}
		}
		if _, there := b["max_tokens"]; there {
			t.Error("max_tokens was sent to a model that refuses it")
		}
		if got := b["messages"].([]any)[1].(map[string]any)["content"]; got != "<b>&\u2028" {
			t.Errorf("content %q", got)
		}
	})
}

func TestCompletionTokensName(t *testing.T) {
	for name, want := range map[string]bool{
		"o1": true, "o3-mini": true, "openai/o4-mini": true, "gpt-5": true, "gpt-5.1": true, "gpt-4o": false, "o1custom": false, "llama": false,
	} {
		if completionTokensName(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// TestRenamedLimit: a server that refuses max_tokens by name is asked again with the new name, and only once.
func TestRenamedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.answer = func(_ int, b map[string]any) response {
			if _, old := b["max_tokens"]; old {
				return response{status: 400, body: `{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}`}
			}
			return chat("fine")
		}
		ms := open(t, testSpec(), f, Options{})
		if errs := many(theModel(t, ms), 5, 1); len(errs) > 0 {
			t.Fatal(errs[0])
		}
		if p, _ := ms.Pinned(); len(f.sent) != 6 || string(p) != `{"m":{"completion_tokens":true}}` {
			t.Errorf("%d requests, pinned %s", len(f.sent), p)
		}
	})
}

// TestFaults: every fault of a provider that passes is asked again until the answer comes, and costs no record.
func TestFaults(t *testing.T) {
	for name, fault := range map[string]response{
		"500":            {status: 500, body: `{"error":{"message":"oops"}}`},
		"503 with date":  {status: 503, header: map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:00:05 GMT"}, body: ""},
		"429":            *tooMany("2"),
		"408":            {status: 408},
		"html":           {status: 200, body: "<html><body>Bad gateway</body></html>"},
		"error in 200":   {status: 200, body: `{"error": {"message": "overloaded", "code": 502}}`},
		"429 in 200":     {status: 200, body: `{"error":{"message":"slow","type":"rate_limit_error","code":429}}`},
		"no choices":     {status: 200, body: `{"id":"x","choices":[]}`},
		"empty body":     {status: 200},
		"cut json":       {status: 200, body: chatBody("hello", "stop", 1, 1)[:60]},
		"cut body":       {status: 200, body: chatBody("hello", "stop", 1, 1), cut: true},
		"refused":        {err: fmt.Errorf("dial: %w", syscall.ECONNREFUSED)},
		"reset":          {err: syscall.ECONNRESET},
		"no answer":      {after: time.Hour, status: 200},
		"null":           {status: 200, body: "null"},
		"bare error":     {status: 502, body: `Bad Gateway`},
		"error a string": {status: 500, body: `{"error":"model runner stopped"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.answer = func(n int, _ map[string]any) response {
					if n < 3 {
						return fault
					}
					return chat("at last")
				}
				s := testSpec()
				s.Timeout = time.Minute
				a, err := theModel(t, open(t, s, f, Options{Ledger: newTestLedger(t)})).Ask(t.Context(), say(1))
				if err != nil || a.Text != "at last" || len(f.sent) != 4 {
					t.Errorf("%q, %v, %d requests", a.Text, err, len(f.sent))
				}
			})
		})
	}
}

// TestPerRecord: what the provider refuses about one request costs that record.
func TestPerRecord(t *testing.T) {
	for name, c := range map[string]struct {
		r      response
		reason string
	}{
		"context":      {response{status: 400, body: `{"error":{"message":"This model's maximum context length is 4096 tokens","code":"context_length_exceeded"}}`}, "too_long"},
		"vllm context": {response{status: 400, body: `{"object":"error","message":"This model's maximum context length is 2048 tokens. However, you requested 9000","type":"BadRequestError","code":400}`}, "too_long"},
		"llama.cpp":    {response{status: 400, body: `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`}, "too_long"},
		"azure filter": {response{status: 400, body: `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy","code":"content_filter"}}`}, "refused"},
		"filtered":     {response{status: 200, body: chatBody("", "content_filter", 5, 1)}, "refused"},
		"refusal":      {response{status: 200, body: `{"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I cannot help"}}]}`}, "refused"},
		"empty":        {chat("  \n"), "empty"},
		"truncated":    {response{status: 200, body: chatBody("and so", "length", 5, 64)}, "truncated"},
		"plain 400":    {response{status: 400, body: `{"detail":"bad temperature"}`}, "bad_request"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.answer = func(int, map[string]any) response { return c.r }
				_, err := theModel(t, open(t, testSpec(), f, Options{Ledger: newTestLedger(t)})).Ask(t.Context(), say(1))
				fail, ok := errors.AsType[*schemas.Failure](err)
				if !ok || fail.Reason != c.reason {
					t.Errorf("%v, want a failure %s", err, c.reason)
				}
			})
		})
	}
}

// TestReasoning: thinking is kept apart however it comes, and usage that go-openai does not know is read.
func TestReasoning(t *testing.T) {
	for name, body := range map[string]string{
		"tags":      chatBody("<think>\nhm\n</think>\n\nfour", "stop", 5, 9),
		"only end":  chatBody("hm\n</think>four", "stop", 5, 9),
		"field":     `{"choices":[{"finish_reason":"stop","message":{"content":"four","reasoning_content":"hm"}}],"usage":{"prompt_tokens":5,"completion_tokens":9}}`,
		"new field": `{"choices":[{"finish_reason":"stop","message":{"content":"four","reasoning":"hm"}}],"usage":{"prompt_tokens":5,"completion_tokens":9,"prompt_cache_hit_tokens":4}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.answer = func(int, map[string]any) response { return response{status: 200, body: body} }
			a, err := theModel(t, open(t, testSpec(), f, Options{})).Ask(t.Context(), say(1))
			if err != nil || a.Text != "four" || a.Reasoning != "hm" || a.Usage.Completion != 9 || a.Usage.Estimated {
				t.Errorf("%s: %+v, %v", name, a, err)
			}
			if name == "new field" && a.Usage.Cached != 4 {
				t.Errorf("cached %d", a.Usage.Cached)
			}
		})
	}
}

// TestKeyStaysSecret: the key goes out, and nowhere else, though the provider echoes it in errors.
func TestKeyStaysSecret(t *testing.T) {
	const key = "sk-planted-0123456789"
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.answer = func(int, map[string]any) response {
			return response{status: 401, body: `{"error":{"message":"Incorrect API key provided: ` + key + `"}}`}
		}
		var sent string
		tap := roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = r.Header.Get("Authorization")
			return f.RoundTrip(r)
		})
		s := testSpec()
		s.KeyEnv = "PLANTED"
		ms := open(t, s, tap, Options{Env: func(k string) string {
			if k == "PLANTED" {
				return key
			}
			return ""
		}})
		_, err := theModel(t, ms).Ask(t.Context(), say(1))
		if !errors.Is(err, ErrAuth) || strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "[redacted]") {
			t.Errorf("%v", err)
		}
		if sent != "Bearer "+key {
			t.Errorf("sent %q", sent)
		}
		s.KeyEnv = "MISSING"
		_, err = open(t, s, tap, Options{Env: func(string) string { return "" }}).Model("m", "")
		if err == nil || !strings.Contains(err.Error(), "MISSING is empty") {
			t.Error(err)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestStream: an answer in events is put together; one without a finish reason, or with an error event, is asked again.
func TestStream(t *testing.T) {
	event := func(s string) string { return "data: " + s + "\n\n" }
	delta := func(text, finish string) string {
		b, _ := json.Marshal(map[string]any{"model": "fake-1", "choices": []any{map[string]any{"index": 0, "delta": map[string]any{"content": text}, "finish_reason": finish}}})
		return event(string(b))
	}
	keepAlive := strings.Repeat(": waiting\n\n", 400)
	whole := keepAlive + delta("hel", "") + delta("lo", "stop") + event(`{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}`)
	for name, bad := range map[string]string{
		"cut":          delta("hel", ""),
		"error event":  delta("hel", "") + event(`{"error":{"message":"overloaded"}}`),
		"spaced error": delta("hel", "") + event(`{ "error": {"message":"overloaded"} }`),
		"not json":     delta("hel", "") + event(`{"choices":[{"ind`),
		"nothing":      event("[DONE]"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.answer = func(n int, b map[string]any) response {
					if b["stream"] != true {
						t.Error("not asked for a stream")
					}
					if n == 0 {
						return response{status: 200, body: bad}
					}
					return response{status: 200, body: strings.TrimSuffix(whole, "\n\n")} // no [DONE], no last newline
				}
				s := testSpec()
				s.Stream = true
				a, err := theModel(t, open(t, s, f, Options{})).Ask(context.Background(), say(1))
				if err != nil || a.Text != "hello" || a.Usage.Prompt != 7 || a.Usage.Completion != 2 || len(f.sent) != 2 {
					t.Errorf("%+v, %v, %d requests", a, err, len(f.sent))
				}
			})
		})
	}
}
