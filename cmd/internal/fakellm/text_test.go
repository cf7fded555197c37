package fakellm

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSubject(t *testing.T) {
	for prompt, want := range map[string]string{
		"where is my card": "where is my card",
		"Rewrite the text below.\n<text>\nwhere is my card\n</text>":                                 "where is my card",
		"Rewrite.\n<seed id=\"a1\">\nwhere is\nmy card\n</seed>\nAnswer in English.":                 "where is\nmy card",
		"Rewrite.\n~~~f00d\nwhere is my card\n~~~f00d\nDo not explain.":                              "where is my card",
		"Rewrite what stands between the marks.\nBEGIN 3f9a1c\nwhere is my card\nEND 3f9a1c\nReply.": "where is my card",
		"Rewrite this.\n\nText: where is my card":                                                    "where is my card",
		"One more like these:\n- where is my card\n- where is my card\n":                             "where is my card",
	} {
		if got := subject([]message{{"system", "You are kind."}, {"user", prompt}}, nil, 5); got != want {
			t.Errorf("%q is about %q, want %q", prompt, got, want)
		}
	}
}

// TestRewritesDiffer: of 200 rewritings of one request nearly all differ from it and from one another by more than a few
// signs, so that a duplicate filter leaves them alone.
func TestRewritesDiffer(t *testing.T) {
	shingles := func(s string) map[string]bool {
		m := map[string]bool{}
		for i := 0; i+5 <= len(s); i++ {
			m[s[i:i+5]] = true
		}
		return m
	}
	seed := "I want to cancel my order because the card was wrong, how can I get my money?"
	all := []map[string]bool{shingles(seed)}
	kept := 0
	for i := range 200 {
		s := shingles(rewrite(seed, mix(uint64(i)), 0))
		near := false
		for _, other := range all {
			both := 0
			for k := range s {
				if other[k] {
					both++
				}
			}
			near = near || float64(both) >= 0.8*float64(len(s)+len(other)-both)
		}
		if !near {
			kept++
			all = append(all, s)
		}
	}
	if kept < 160 {
		t.Errorf("%d of 200 rewritings are no near-duplicates, want 160", kept)
	}
}

func TestAnswerSize(t *testing.T) {
	for _, size := range []int{10, 100, 1000, 20000} {
		for i := range uint64(20) {
			s := rewrite("where is my café card, über alles?", mix(i), size)
			if len(s) > size || len(s) < size-4 || !utf8.ValidString(s) {
				t.Errorf("%d bytes, want %d: %q", len(s), size, s)
			}
		}
	}
}

// FuzzBody: no body makes the server panic, and what it answers is JSON.
func FuzzBody(f *testing.F) {
	for _, body := range []string{chat("x"), chat("x", asked, `"n":2`), `{"model":"m","messages":[{"content":[{"type":"text","text":"a"}]}]}`,
		`{"model":"m","messages":[{"role":"user","content":"{\"properties\":{},\"type\":\"object\"}"}],"tools":[{"function":{"name":"f"}}],"tool_choice":"required"}`} {
		f.Add(body)
	}
	s := New(Config{})
	f.Fuzz(func(t *testing.T, body string) {
		q, bad := readRequest(chatRoute, []byte(body), 1)
		if bad != nil {
			if !json.Valid(bad.body()) {
				t.Errorf("error body %s", bad.body())
			}
			return
		}
		a := s.answer(q, strike{})
		if b := a.body(); !json.Valid(b) {
			t.Errorf("answer %s", b)
		}
		a.events()
	})
}

// TestStringsEncode: what appendString writes, encoding/json reads back.
func TestStringsEncode(t *testing.T) {
	for i := range 0x250 {
		want := "a" + string(rune(i)) + "\u2028b"
		var got string
		if err := json.Unmarshal(appendString(nil, want), &got); err != nil || got != want {
			t.Errorf("%q: %q, %v", want, got, err)
		}
	}
	if got := string(appendString(nil, "a\xffb")); got != `"a`+"\ufffd"+`b"` {
		t.Errorf("bad UTF-8: %s", strconv.Quote(got))
	}
	if s := strings.Join(pieces("It's 42."), "|"); s != "It|'|s| 42|." {
		t.Errorf("pieces %s", s)
	}
}
