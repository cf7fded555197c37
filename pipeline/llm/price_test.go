package llm

import (
	"strings"
	"testing"
)

func TestExactPrices(t *testing.T) {
	for _, c := range []struct {
		text string
		want Rate
	}{{"0.0375", 37_500}, {"15", 15_000_000}, {"0.000001", 1}, {".5", 500_000}, {"0", 0}, {"1_000.10", 1_000_100_000}} {
		if got := *rate(c.text); got != c.want {
			t.Errorf("%s per million is %d pico-units per token, want %d", c.text, got, c.want)
		}
	}
	for _, bad := range []string{"", ".", "-1", "0.0000001", "1e3", "five", "99999999999999999999"} {
		if err := new(Rate).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	m := amountOf("0.0375")
	if b, _ := m.MarshalText(); string(b) != "0.0375" || m.String() != "0.0375" || amountOf("12").String() != "12.00" {
		t.Errorf("%s, %s, %s", b, m, amountOf("12"))
	}
}

// TestCost: gpt-4o-mini's list price of 0.15, 0.075 and 0.60 per million. 1,000 prompt tokens, 400 of them cached, and 100 written:
// 600 × 0.15 + 400 × 0.075 + 100 × 0.60 = 180 per million.
func TestCost(t *testing.T) {
	p := &Price{Input: rate("0.15"), CachedInput: rate("0.075"), Output: rate("0.60")}
	u := Usage{Prompt: 1000, Cached: 400, Completion: 100}
	if got := p.Cost(u, -1); got != *amountOf("0.00018") {
		t.Errorf("cost %v", got)
	}
	p.Request, p.Reasoning = amountOf("0.001"), rate("1")
	u.Reasoning = 50 // 50 × 0.60 + 50 × 1 in place of 100 × 0.60
	if got := p.Cost(u, -1); got != *amountOf("0.0012") {
		t.Errorf("cost with reasoning and per request %v", got)
	}
	p = &Price{Input: rate("1"), CacheWrite: rate("1.25"), Output: rate("1")}
	if all, some := p.Cost(Usage{Prompt: 100}, -1), p.Cost(Usage{Prompt: 100}, 40); all != *amountOf("0.000125") || some != *amountOf("0.00011") {
		t.Errorf("cache writes cost %v where they are not counted, %v for 40", all, some)
	}
}

func TestSpecCheck(t *testing.T) {
	if err := testSpec().Check(); err != nil {
		t.Error(err)
	}
	minus := -1.0
	for want, s := range map[string]Spec{
		"model: needed":               {Endpoint: "http://x/v1"},
		"endpoint: needed":            {Model: "m"},
		"not an http":                 {Model: "m", Endpoint: "x/v1"},
		"leave out /chat":             {Model: "m", Endpoint: "http://x/v1/chat/completions"},
		"without user":                {Model: "m", Endpoint: "http://key@x/v1"},
		"provider: \"azure\"":         {Provider: "azure"},
		"temperature: -1":             {Provider: Echo, Temperature: &minus},
		"extra.max_tokens":            {Provider: Echo, Extra: map[string]any{"max_tokens": 5}},
		"replay: needed":              {Provider: Replay},
		"per_minute.requests: -5 is ": {Provider: Echo, PerMinute: Limits{Requests: -5}},
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestTokenCounts: most is never below what any byte-level tokenizer makes, least never above.
func TestTokenCounts(t *testing.T) {
	for _, c := range []struct {
		text                string
		likely, least, real int64 // real: cl100k_base
	}{
		{"The cat sat.", 6, 1, 4},
		{"antidisestablishmentarianism", 8, 4, 6},
		{"", 0, 0, 0},
		{"123456", 6, 0, 2},
		{"日本語", 6, 0, 3},
	} {
		if l, m := likely(c.text), least(c.text); l != c.likely || m != c.least || l < c.real || m > c.real {
			t.Errorf("%q: likely %d, least %d; want %d, %d around %d", c.text, l, m, c.likely, c.least, c.real)
		}
	}
}
