package fakellm

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A reply is what a client saw.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of the call, or of reading the body
}

// post sends one request through a client.
func post(t testing.TB, client *http.Client, url, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(text), err}
}

// bothWays runs a test over a socket and over the RoundTripper, each with a server of its own.
func bothWays(t *testing.T, c Config, f func(t *testing.T, s *Server, client *http.Client, base string)) {
	t.Helper()
	t.Run("socket", func(t *testing.T) {
		s := New(c)
		h := httptest.NewServer(s)
		defer h.Close()
		f(t, s, h.Client(), h.URL)
	})
	t.Run("roundtripper", func(t *testing.T) {
		s := New(c)
		f(t, s, &http.Client{Transport: s.RoundTripper()}, "http://practice.invalid")
	})
}

// chat is the body of a chat; extra members follow the messages.
func chat(text string, extra ...string) string {
	b := appendString([]byte(`{"model":"m","messages":[{"role":"user","content":`), text)
	b = append(b, "}]"...)
	for _, e := range extra {
		b = append(append(b, ','), e...)
	}
	return string(append(b, '}'))
}

const personSchema = `{"type":"object","properties":{"text":{"type":"string"},"label":{"enum":["good","bad"]}},"required":["text","label"],"additionalProperties":false}`

// asked is the member that asks for a structured answer.
const asked = `"response_format":{"type":"json_schema","json_schema":{"name":"row","strict":true,"schema":` + personSchema + `}}`

// completion is the chat answer as clients read it.
type completion struct {
	ID      string
	Choices []struct {
		Index   int
		Message struct {
			Content          *string
			ReasoningContent string `json:"reasoning_content"`
			Refusal          *string
			ToolCalls        []struct {
				ID       string
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
		Logprobs *struct {
			Content []struct {
				Token       string
				Logprob     float64
				TopLogprobs []struct{ Token string } `json:"top_logprobs"`
			}
		}
		FinishReason string `json:"finish_reason"`
	}
	Usage *struct {
		PromptTokens        int `json:"prompt_tokens"`
		CompletionTokens    int `json:"completion_tokens"`
		TotalTokens         int `json:"total_tokens"`
		PromptTokensDetails struct {
			CachedTokens int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	}
}

func decode(t testing.TB, body string) completion {
	t.Helper()
	var c completion
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatalf("not a completion: %v\n%s", err, body)
	}
	return c
}

// content is the text of the first choice.
func content1(t testing.TB, r reply) string {
	t.Helper()
	if r.err != nil || r.status != 200 {
		t.Fatalf("status %d, error %v, body %s", r.status, r.err, r.body)
	}
	c := decode(t, r.body)
	if len(c.Choices) == 0 || c.Choices[0].Message.Content == nil {
		t.Fatalf("no content in %s", r.body)
	}
	return *c.Choices[0].Message.Content
}
