package llm

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestProbe: what an endpoint can do is found with at most eight requests, paid ones are booked, and nothing is pinned by it.
func TestProbe(t *testing.T) {
	sent := 0
	endpoint := roundTripper(func(r *http.Request) (*http.Response, error) {
		sent++
		answer := func(status int, body string) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}
		if r.Method == http.MethodGet {
			return answer(200, `{"data":[{"id":"other"},{"id":"fake"}]}`)
		}
		raw, _ := io.ReadAll(r.Body)
		var body map[string]any
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Error(err)
		}
		format, _ := body["response_format"].(map[string]any)
		switch {
		case format["type"] == modeSchema:
			return answer(400, `{"error":{"message":"json_schema is not supported"}}`)
		case format["type"] == modeObject:
			return answer(200, chatBody(`{"ok": true}`, "stop", 9, 4))
		case body["tools"] != nil:
			return answer(200, `{"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"1","type":"function","function":{"name":"weather","arguments":"{}"}}]}}]}`)
		}
		return answer(200, chatBody("ok", "stop", 9, 1))
	})
	ledger := newTestLedger(t)
	ms := open(t, testSpec(), endpoint, Options{Ledger: ledger})
	found, err := ms.Probe(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	works := map[string]bool{}
	for _, f := range found {
		works[f.What] = f.Works
	}
	for what, want := range map[string]bool{
		"models": true, "chat": true, "usage": true, modeSchema: false, modeObject: true, "tools": true, "logprobs": false, "seed": true,
	} {
		if got, there := works[what]; got != want || !there {
			t.Errorf("%s: %v (there: %v), want %v", what, got, there, want)
		}
	}
	if p, _ := ms.Pinned(); sent > 8 || p != nil {
		t.Errorf("%d requests, pinned %s", sent, p)
	}
	spent, err := ledger.Spent("d")
	if left, _ := ledger.Intents(""); err != nil || spent.Requests != 5 || len(left) != 0 {
		t.Errorf("%+v, %d intents left, %v", spent, len(left), err)
	}
}

func TestProbeOfDeadEndpoint(t *testing.T) {
	refuse := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 401, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"error":"no"}`)), Request: r}, nil
	})
	if _, err := open(t, testSpec(), refuse, Options{}).Probe(t.Context(), "m"); !errors.Is(err, ErrAuth) {
		t.Error(err)
	}
}
