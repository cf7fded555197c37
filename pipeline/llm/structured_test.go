package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/schemas"
)

var reviewSchema = &Schema{Name: "review", JSON: json.RawMessage(`{
	"type": "object", "additionalProperties": false, "required": ["text", "score"],
	"properties": {"text": {"type": "string"}, "score": {"type": "integer", "minimum": 1, "maximum": 10}}}`)}

func reviewRequest() Request {
	return Request{Messages: []Message{{Role: "user", Content: "Review it."}}, Schema: reviewSchema}
}

// TestExtraction: what models wrap around JSON costs nothing; what is broken is repaired only where the result is proved.
func TestExtraction(t *testing.T) {
	c, err := compile(reviewSchema)
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]any{"text": "a {brace} and \"quote\"", "score": int64(7)}
	plain := `{"text": "a {brace} and \"quote\"", "score": 7}`
	for _, s := range []string{
		plain,
		"```json\n" + plain + "\n```",
		"Sure! Here it is:\n```\n" + plain + "\n```\nHope that {helps}!",
		"Here: " + plain + " Bye.",
		"The schema is {\"type\": \"object\"}. My answer: " + plain,
		`{"text": "a {brace} and \"quote\"", "score": 7,}`,
		`{'text': 'a {brace} and "quote"', 'score': 7}`,
		`{"text": "a {brace} and \"quote\"", "score": 7`,
	} {
		if v, bad := fit(s, c); bad != nil || !reflect.DeepEqual(v, good) {
			t.Errorf("%s\n\tgave %v, %v", s, v, bad)
		}
	}
	if v, bad := fit("```json\n{text: 'it', score: 7}\n```", c); bad != nil || v.(map[string]any)["text"] != "it" {
		t.Errorf("bare keys: %v, %v", v, bad)
	}
	for s, reason := range map[string]string{
		"no json here":                      "bad_json",
		`"text"`:                            "bad_json",
		`[1, 2]`:                            "bad_json",
		`{"text": "a", "score": 11}`:        "schema",
		`{"text": "a", "score": "7"}`:       "schema",
		`{"text": "a", "score": 7.5}`:       "schema",
		`{"text": "a"}`:                     "schema",
		`{"text":"a","text":"b","score":7}`: "bad_json",
		"{\"text\":\"\xff\",\"score\":7}":   "bad_json",
		`{"text": "a", "score": 1e999}`:     "bad_json",
		strings.Repeat("[", 5000):           "bad_json",
		strings.Repeat(`{"a":`, 5000):       "bad_json",
	} {
		if v, bad := fit(s, c); bad == nil || bad.Reason != reason || bad.Err == nil {
			t.Errorf("%.40s: %v, %v, want %s", s, v, bad, reason)
		}
	}
	_, bad := fit(`{"text": "a", "score": 11}`, c)
	if !strings.Contains(bad.Error(), "/score: maximum: got 11, want 10") {
		t.Errorf("the finding says %v", bad)
	}
	any, err := compile(&Schema{JSON: json.RawMessage(`{"type":"number"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if v, bad := fit(" 0.5\n", any); bad != nil || v != 0.5 {
		t.Errorf("%v, %v", v, bad)
	}
	for _, s := range []string{".5", "half"} {
		if v, bad := fit(s, any); bad == nil && v != 0.5 {
			t.Errorf("%s became %v", s, v)
		}
	}
}

// TestParseLaws: parse reads what encoding/json writes, and is strict about the rest.
func TestParseLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var random func(depth int) any
	random = func(depth int) any {
		switch n := rng.IntN(8); {
		case n == 0 && depth < 4:
			m := map[string]any{}
			for i := range rng.IntN(4) {
				m[fmt.Sprint("k", i)] = random(depth + 1)
			}
			return m
		case n == 1 && depth < 4:
			l := []any{}
			for range rng.IntN(4) {
				l = append(l, random(depth+1))
			}
			return l
		case n < 4:
			return rng.Int64() - rng.Int64()
		case n == 4:
			return float64(rng.IntN(1000)) + 0.5
		case n == 5:
			return rng.IntN(2) == 0
		case n == 6:
			return nil
		}
		return string(rune(32+rng.IntN(20000))) + `"\`
	}
	for range 2000 {
		want := random(0)
		b, _ := json.Marshal(want)
		if got, err := parse(string(b)); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %#v, %v", b, got, err)
		}
	}
	for _, s := range []string{"", "{} {}", "{}x", `{"a":1,"a":2}`, "\"\xc3\"", "01", "nan", strings.Repeat("[", 300) + strings.Repeat("]", 300)} {
		if v, err := parse(s); err == nil {
			t.Errorf("%q was read as %v", s, v)
		}
	}
}

// TestModes: the strongest mode that a provider takes is learnt from its first answers, pinned, and taken back by the next run.
func TestModes(t *testing.T) {
	for name, c := range map[string]struct {
		refuses func(format map[string]any) string // message of a 400, or ""
		want    string
		sent    int
	}{
		"takes schemas": {func(map[string]any) string { return "" }, modeSchema, 5},
		"takes objects": {func(f map[string]any) string {
			if f["type"] == modeSchema {
				return "response_format type must be json_object, json_schema is not supported"
			}
			return ""
		}, modeObject, 6},
		"takes none": {func(f map[string]any) string {
			if f != nil {
				return "Unrecognized request argument supplied: response_format is not supported"
			}
			return ""
		}, modePrompt, 6},
		"is vague": {func(f map[string]any) string {
			if f != nil {
				return "bad request"
			}
			return ""
		}, modePrompt, 7},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.answer = func(_ int, b map[string]any) response {
					format, _ := b["response_format"].(map[string]any)
					if says := c.refuses(format); says != "" {
						return response{status: 400, body: `{"error":{"message":"` + says + `"}}`}
					}
					told := strings.Contains(fmt.Sprint(b["messages"]), "JSON Schema")
					if told == (format != nil && format["type"] == modeSchema) {
						t.Errorf("format %v, schema in the prompt: %v", format, told)
					}
					return chat(`{"text": "fine", "score": 3}`)
				}
				ms := open(t, testSpec(), f, Options{})
				for i := range 5 {
					q := reviewRequest()
					q.Attempt = 10 * i
					if a, err := theModel(t, ms).Ask(t.Context(), q); err != nil || a.Value.(map[string]any)["score"] != int64(3) {
						t.Fatalf("%v, %v", a.Value, err)
					}
				}
				p, err := ms.Pinned()
				if err != nil || len(f.sent) != c.sent || !strings.Contains(string(p), c.want) {
					t.Errorf("%d requests, pinned %s, %v", len(f.sent), p, err)
				}
				if _, err := theModel(t, open(t, testSpec(), f, Options{Pinned: p})).Ask(t.Context(), reviewRequest()); err != nil || len(f.sent) != c.sent+1 {
					t.Errorf("the next run sent %d requests: %v", len(f.sent)-c.sent, err)
				}
			})
		})
	}
}

// TestModesTogether: 64 first requests meet a provider that takes no schemas: all are answered, none is taken for a bad request.
func TestModesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.answer = func(_ int, b map[string]any) response {
			if b["response_format"] != nil {
				return response{status: 400, body: `{"error":"what is response_format?"}`}
			}
			return chat(`{"text": "fine", "score": 3}`)
		}
		m := theModel(t, open(t, testSpec(), f, Options{}))
		errs := make(chan error, 64)
		for i := range 64 {
			go func() {
				q := reviewRequest()
				q.Attempt = 10 * i
				_, err := m.Ask(t.Context(), q)
				errs <- err
			}()
		}
		for range 64 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestCorrection: a bad answer is shown to the model once with the finding; a second bad one is a failure with its cause. All that was paid is in the usage.
func TestCorrection(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		reason  string
	}{
		"curable":   {[]string{`{"text": "fine", "score": 33}`, `{"text": "fine", "score": 3}`}, ""},
		"schema":    {[]string{`{"text": "fine", "score": 33}`, `{"text": "fine", "score": 34}`}, "schema"},
		"not JSON":  {[]string{"I think", "I feel"}, "bad_json"},
		"then none": {[]string{"I think", " "}, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.answer = func(n int, _ map[string]any) response { return chat(c.answers[n]) }
				a, err := theModel(t, open(t, testSpec(), f, Options{})).Ask(t.Context(), reviewRequest())
				fail, _ := errors.AsType[*schemas.Failure](err)
				switch {
				case c.reason == "" && (err != nil || a.Value == nil):
					t.Error(err)
				case c.reason != "" && (fail == nil || fail.Reason != c.reason):
					t.Errorf("%v, want %s", err, c.reason)
				}
				if len(f.sent) != 2 || a.Usage.Prompt < 24 {
					t.Errorf("%d requests, usage %+v", len(f.sent), a.Usage)
				}
				turns := f.bodies[1]["messages"].([]any)
				if finding := fmt.Sprint(turns[2]); len(turns) != 3 || !strings.Contains(finding, "cannot be used") {
					t.Errorf("%v", turns)
				}
			})
		})
	}
}

func TestBadSchemas(t *testing.T) {
	for _, s := range []string{`{`, `{"type":"objekt"}`, `{"$ref":"https://example.com/schema.json"}`, `{"$ref":"file:///etc/passwd"}`} {
		if err := (&Schema{JSON: json.RawMessage(s)}).Check(); err == nil {
			t.Errorf("%s was taken", s)
		}
	}
	if err := (&Schema{Name: "ä b", JSON: json.RawMessage(`{}`)}).Check(); err == nil {
		t.Error("a name that providers refuse was taken")
	}
	open, _ := compile(&Schema{JSON: json.RawMessage(`{"type":"object","properties":{"a":{}}}`)})
	closed, _ := compile(reviewSchema)
	if strings.Contains(string(open.format), `"strict":true`) || !strings.Contains(string(closed.format), `"strict":true`) {
		t.Errorf("strict: %s, %s", open.format, closed.format)
	}
}

// TestEcho: the model without a network is deterministic, varies by attempt, fits schemas, and costs nothing.
func TestEcho(t *testing.T) {
	ms := open(t, Spec{Provider: Echo}, nil, Options{Ledger: newTestLedger(t), Budget: &Budget{USD: amountOf("0.01")}})
	m := theModel(t, ms)
	q := Request{Messages: []Message{{Role: "user", Content: "Rewrite the text below.\n\nText: I need help with my card, because it is a big problem."}}}
	a, err := m.Ask(t.Context(), q)
	b, _ := m.Ask(t.Context(), q)
	if err != nil || a.Text != b.Text || a.Text == "" || strings.Contains(a.Text, "Rewrite") {
		t.Errorf("%q, %q, %v", a.Text, b.Text, err)
	}
	different := map[string]bool{}
	for i := range 20 {
		q.Attempt = i
		c, _ := m.Ask(t.Context(), q)
		different[c.Text] = true
	}
	if len(different) < 10 {
		t.Errorf("20 attempts gave %d texts", len(different))
	}
	for i, s := range []string{
		string(reviewSchema.JSON),
		`{"type":"object","required":["label","tags","score","n"],"properties":{"label":{"enum":["a","b"]},"tags":{"type":"array","minItems":2,"maxItems":3,"items":{"type":"string","maxLength":5}},"score":{"type":"number","minimum":0,"maximum":1},"n":{"type":["integer","null"],"exclusiveMinimum":3}}}`,
		`{"$defs":{"p":{"type":"object","properties":{"x":{"const":1}},"required":["x"]}},"type":"array","minItems":1,"items":{"$ref":"#/$defs/p"}}`,
		`{"type":"object","properties":{"a":{"anyOf":[{"type":"boolean"},{"type":"null"}]}},"allOf":[{"required":["a","b"],"properties":{"b":{"type":"string","minLength":30}}}]}`,
	} {
		for attempt := range 50 {
			q.Schema, q.Attempt = &Schema{JSON: json.RawMessage(s)}, 2*attempt
			if _, err := m.Ask(t.Context(), q); err != nil {
				t.Fatalf("schema %d: %v", i, err)
			}
		}
	}
	if st := ms.Status(); st.Spent != 0 || st.CachedAnswers != 0 || st.Sum.Requests == 0 {
		t.Errorf("%+v", st)
	}
}

func TestReplay(t *testing.T) {
	dir := t.TempDir()
	lines := `{"prompt":"request 1","text":"first"}
{"prompt":"request 1","text":"second","usage":{"prompt":5,"completion":9}}

`
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	m := theModel(t, open(t, Spec{Provider: Replay, Replay: "a.jsonl"}, nil, Options{Dir: dir}))
	for attempt, want := range []string{"first", "second", "second"} {
		q := say(1)
		q.Attempt = attempt
		if a, err := m.Ask(t.Context(), q); err != nil || a.Text != want {
			t.Errorf("%q, %v", a.Text, err)
		}
	}
	_, err := m.Ask(t.Context(), say(2))
	if fail, ok := errors.AsType[*schemas.Failure](err); !ok || fail.Reason != "not_recorded" {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.jsonl"), []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, Spec{Provider: Replay, Replay: "b.jsonl"}, nil, Options{Dir: dir}).Model("m", "")
	if err == nil || !strings.Contains(err.Error(), "b.jsonl:1: neither key nor prompt") {
		t.Error(err)
	}
}
