package fakellm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestDeterminism: the same body and seed give the same bytes, whatever came before, and at any concurrency; another
// seed gives others.
func TestDeterminism(t *testing.T) {
	run := func(seed uint64, workers int, down bool) []string {
		client := &http.Client{Transport: New(Config{Seed: seed}).RoundTripper()}
		out := make([]string, 60)
		gate := make(chan struct{}, workers)
		var wg sync.WaitGroup
		for k := range out {
			i := k
			if down {
				i = len(out) - 1 - k
			}
			gate <- struct{}{}
			wg.Go(func() {
				defer func() { <-gate }()
				out[i] = post(t, client, "http://x"+chatRoute, chat("where is parcel "+strconv.Itoa(i/2), asked, `"seed":`+strconv.Itoa(i%2))).body
			})
		}
		wg.Wait()
		return out
	}
	one, many, other := run(1, 1, false), run(1, 16, true), run(2, 1, false)
	distinct := map[string]bool{}
	for i := range one {
		if one[i] != many[i] {
			t.Errorf("request %d: %s and %s", i, one[i], many[i])
		}
		if one[i] == other[i] {
			t.Errorf("request %d has the same answer with another seed", i)
		}
		distinct[one[i]] = true
	}
	if len(distinct) != len(one) {
		t.Errorf("%d different answers to %d different requests: seed is not honoured", len(distinct), len(one))
	}
}

// TestSameWords: order of keys, white space, streaming and token limits do not change the words; a limit cuts them.
func TestSameWords(t *testing.T) {
	s := New(Config{})
	client := &http.Client{Transport: s.RoundTripper()}
	send := func(body string) string { return content1(t, post(t, client, "http://x"+chatRoute, body)) }
	want := send(chat("where is my card"))
	if got := send("{ \"messages\": [{\"content\": \"where is my card\", \"role\": \"user\"}],\n \"model\": \"m\" }"); got != want {
		t.Errorf("%q and %q", got, want)
	}
	if st := s.Stats(); st.Distinct != 1 || st.Repeats != 1 || st.PaidRepeats != 1 || len(s.Repeats()) != 1 || s.Repeats()[0].Paid != 2 {
		t.Errorf("%+v, %+v", st, s.Repeats())
	}
	cut := decode(t, post(t, client, "http://x"+chatRoute, chat("where is my card", `"max_tokens":3`)).body)
	if c := cut.Choices[0]; *c.Message.Content != want[:12] || c.FinishReason != "length" || cut.Usage.CompletionTokens != 3 {
		t.Errorf("cut to %q of %q, %s", *c.Message.Content, want, c.FinishReason)
	}
	if got := joinStream(t, post(t, client, "http://x"+chatRoute, chat("where is my card", streamed)).body); got != want {
		t.Errorf("streamed %q, want %q", got, want)
	}
}

// joinStream puts the chunks of a stream of one choice together and checks its form.
func joinStream(t *testing.T, body string) string {
	t.Helper()
	var text strings.Builder
	events := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	if events[len(events)-1] != "data: [DONE]" {
		t.Errorf("the last event is %q", events[len(events)-1])
	}
	finish, usage := "", 0
	for _, e := range events[:len(events)-1] {
		var chunk struct {
			Choices []struct {
				Delta        struct{ Content string }
				FinishReason *string `json:"finish_reason"`
			}
			Usage *struct {
				CompletionTokens int `json:"completion_tokens"`
			}
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(e, "data: ")), &chunk); err != nil {
			t.Fatalf("%v: %s", err, e)
		}
		for _, c := range chunk.Choices {
			text.WriteString(c.Delta.Content)
			if c.FinishReason != nil {
				finish = *c.FinishReason
			}
		}
		if chunk.Usage != nil {
			usage = chunk.Usage.CompletionTokens
		}
	}
	if finish != "stop" || usage != tokens(text.Len()) {
		t.Errorf("finish_reason %q, %d tokens for %d bytes", finish, usage, text.Len())
	}
	return text.String()
}

// TestChoicesToolsLogprobs: n different choices, a call that fits its parameters, tokens that join to the text.
func TestChoicesToolsLogprobs(t *testing.T) {
	client := &http.Client{Transport: New(Config{}).RoundTripper()}
	c := decode(t, post(t, client, "http://x"+chatRoute, chat("where is my card", `"n":4,"logprobs":true,"top_logprobs":3`)).body)
	seen := map[string]bool{}
	size := 0
	for _, x := range c.Choices {
		seen[*x.Message.Content] = true
		size += tokens(len(*x.Message.Content))
		joined := ""
		for _, l := range x.Logprobs.Content {
			joined += l.Token
			if len(l.TopLogprobs) != 3 || l.TopLogprobs[0].Token != l.Token || l.Logprob > 0 {
				t.Errorf("%+v", l)
			}
		}
		if joined != *x.Message.Content {
			t.Errorf("tokens join to %q, the text is %q", joined, *x.Message.Content)
		}
	}
	if len(seen) != 4 || c.Usage.CompletionTokens != size {
		t.Errorf("%d different of 4, %d tokens reported for %d", len(seen), c.Usage.CompletionTokens, size)
	}

	tools := `"tool_choice":"required","tools":[{"type":"function","function":{"name":"find","parameters":{"type":"object",` +
		`"properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":3}},"required":["city","days"]}}}]`
	c = decode(t, post(t, client, "http://x"+chatRoute, chat("weather in Rome", tools)).body)
	var args struct {
		City string
		Days int
	}
	call := c.Choices[0].Message.ToolCalls[0].Function
	if err := json.Unmarshal([]byte(call.Arguments), &args); err != nil || call.Name != "find" || args.City == "" || args.Days < 1 || args.Days > 3 {
		t.Errorf("%+v, %v", call, err)
	}
	if c.Choices[0].FinishReason != "tool_calls" || c.Choices[0].Message.Content != nil {
		t.Errorf("%+v", c.Choices[0])
	}
	streamedCall := post(t, client, "http://x"+chatRoute, chat("weather in Rome", tools, streamed)).body
	if !strings.Contains(streamedCall, `"name":"find"`) || !strings.Contains(streamedCall, `"finish_reason":"tool_calls"`) {
		t.Error(streamedCall)
	}
}

// TestRefusedRequests: what a real endpoint refuses is refused here.
func TestRefusedRequests(t *testing.T) {
	bothWays(t, Config{Models: []string{"m"}}, func(t *testing.T, s *Server, client *http.Client, base string) {
		for body, want := range map[string]int{
			"{":                           400,
			`[]`:                          400,
			`{"messages":[]}`:             400,
			`{"model":"m"}`:               400,
			`{"model":"m","messages":[]}`: 400,
			strings.Replace(chat("x"), `"m"`, `"other"`, 1): 404,
			chat("x", `"response_format":{"type":"xml"}`):   400,
			chat("x"): 200,
		} {
			if r := post(t, client, base+chatRoute, body); r.status != want || !json.Valid([]byte(r.body)) {
				t.Errorf("%s: %d, %s", body, r.status, r.body)
			}
		}
		if r := post(t, client, base+"/v1/images", "{}"); r.status != 404 {
			t.Errorf("unknown route: %d", r.status)
		}
		if st := s.Stats(); st.Requests != 8 || st.Paid != 1 || st.ByStatus["400"] != 6 {
			t.Errorf("%+v", st)
		}
	})
}

// TestKey: a wrong key is refused, and no key reaches the memory or the log.
func TestKey(t *testing.T) {
	var log bytes.Buffer
	s := New(Config{Key: "planted-key-1", Log: &log})
	client := &http.Client{Transport: s.RoundTripper()}
	for key, want := range map[string]int{"planted-key-1": 200, "planted-key-2": 401} {
		r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://x"+chatRoute, strings.NewReader(chat("x")))
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := client.Do(r)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%v, %v", resp, err)
		}
		resp.Body.Close()
	}
	if r := post(t, client, "http://x"+chatRoute, "{not json"); r.status != 401 {
		t.Errorf("without a key: %d", r.status)
	}
	all, err := json.Marshal(s.Requests())
	if err != nil || strings.Contains(string(all)+log.String(), "planted") || len(s.Requests()) != 3 {
		t.Errorf("%v: %s\n%s", err, all, log.String())
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("log line %s", line)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d log lines", len(lines))
	}
}
