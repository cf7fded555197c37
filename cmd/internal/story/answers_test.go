package story

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline/llm"
	"sluice/pipeline/state"
)

// ask puts one question through the real path to a practice server, and returns the ledger and the key of the answer.
func ask(t *testing.T, fault string) (*state.Ledger, string) {
	t.Helper()
	f, err := fakellm.ParseFault(fault)
	if err != nil {
		t.Fatal(err)
	}
	l, err := state.NewLedger(state.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	ms, err := llm.NewModels(map[string]llm.Spec{"m": {Endpoint: "http://127.0.0.1:9/v1", Model: "practice"}},
		llm.Options{Ledger: l, Dataset: "d", Run: "r", Transport: fakellm.New(fakellm.Config{Faults: []fakellm.Fault{f}}).RoundTripper()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ms.Close)
	m, err := ms.Model("m", "s")
	if err != nil {
		t.Fatal(err)
	}
	zero := 0.0
	a, err := m.Ask(t.Context(), llm.Request{
		Messages:    []llm.Message{{Role: "system", Content: "Be <brief> & exact."}, {Role: "user", Content: "Say \"hi\" \u2028 中"}},
		Schema:      &llm.Schema{Name: "x", JSON: json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`)},
		Temperature: &zero, MaxTokens: 100, Attempt: 3, Stop: []string{"END"}, Extra: map[string]any{"min_p": 0.1, "a": true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, a.Key
}

// A corrected answer leads back to the request that it corrects: its key is made anew from the stored request.
func TestCorrectionIsFound(t *testing.T) {
	l, key := ask(t, "wrong_schema:count=1")
	xs, err := Exchanges(l, key)
	if err != nil || len(xs) != 2 {
		t.Fatalf("%d exchanges, want 2: %v", len(xs), err)
	}
	if xs[1].Key != key || xs[0].Request.Attempt != 3 || xs[1].Request.Attempt != 4 || len(xs[0].Request.Messages) != 2 || len(xs[1].Request.Messages) != 4 {
		t.Errorf("exchanges %+v", xs)
	}
	if m := xs[0].Request.Messages; m[0].Content != "Be <brief> & exact." || m[1].Content != "Say \"hi\" \u2028 中" || *xs[0].Request.Temperature != 0 {
		t.Errorf("request %+v", xs[0].Request)
	}
	for _, x := range xs {
		sum := sha256.Sum256(x.Answers[0].Request)
		if hex.EncodeToString(sum[:]) != x.Key || len(x.Answers) != 1 {
			t.Errorf("%s: the request is not the one of its key, or was answered %d times", x.Key, len(x.Answers))
		}
	}
}

// An answer that was cut stands before the one that was given more room.
func TestCutAnswers(t *testing.T) {
	l, key := ask(t, "length:count=1")
	xs, err := Exchanges(l, key)
	if err != nil || len(xs) != 1 || len(xs[0].Answers) != 2 {
		t.Fatalf("%+v: %v", xs, err)
	}
	if a := xs[0].Answers; a[0].Choices[0].Finish != "length" || a[0].Max != 100 || a[1].Max != 200 {
		t.Errorf("answers %+v, %+v", a[0], a[1])
	}
}

func TestUnknownAnswer(t *testing.T) {
	l, _ := ask(t, "fence")
	if xs, err := Exchanges(l, strings.Repeat("ab", 32)); len(xs) != 0 || err != nil {
		t.Errorf("%v, %v", xs, err)
	}
	if _, err := Exchanges(l, "short"); err == nil {
		t.Error("a key that is none was looked up")
	}
}
