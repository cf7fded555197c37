package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"sluice/schemas"
)

// client sends requests to an OpenAI-compatible endpoint through go-openai, one HTTP exchange for each. It answers with what came, or with an [*Error].
type client struct {
	line *line
	wire *wire
}

func (c *client) ask(ctx context.Context, q *call) (*reply, error) {
	l := c.line
	mode := ""
	if q.schema != nil {
		mode = l.modes.pick(q.schema)
	}
	newName := completionTokensName(l.spec.Model) || l.modes.completionTokens()
	x := &exchange{wire: c.wire, stream: l.spec.Stream}
	var err error
	if x.tail, err = bodyTail(q, mode, newName); err != nil {
		return nil, fmt.Errorf("request to model %s: %w", l.name, err)
	}
	within, cancel := timeoutOf(ctx, l.spec.Timeout)
	defer cancel()
	r, err := c.exchange(within, x, chatRequest(q, l.spec.Model, mode))
	if err != nil && ctx.Err() != nil {
		var e *Error
		if !errors.As(err, &e) || !e.Unpaid {
			return nil, ctx.Err() // a hard stop
		}
	}
	if err == nil {
		r.Mode = mode
		if mode != "" {
			l.modes.proved(q.schema, mode)
		}
		return r, nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return nil, err
	}
	e.Endpoint, e.Model, e.Message = l.place, l.spec.Model, c.wire.redact(e.Message)
	if e.Kind == BadRequest {
		switch {
		case !newName && strings.Contains(e.Message, "max_completion_tokens"):
			l.modes.renameLimit()
			e.Kind = unsupported
		case mode != "" && l.modes.refused(q.schema, mode, e.Message):
			e.Kind = unsupported
		}
	}
	return nil, e
}

// exchange sends one request. All its errors are [*Error], but those of building the request.
func (c *client) exchange(ctx context.Context, x *exchange, req openai.ChatCompletionRequest) (*reply, error) {
	cfg := openai.DefaultConfig("")
	cfg.BaseURL, cfg.HTTPClient, cfg.EmptyMessagesLimit = c.line.spec.Endpoint, x, math.MaxInt32
	api := openai.NewClientWithConfig(cfg)
	var r *reply
	var err error
	if x.stream {
		r, err = c.stream(ctx, api, req)
	} else {
		var res openai.ChatCompletionResponse
		res, err = api.CreateChatCompletion(ctx, req)
		if err == nil && len(res.Choices) > 0 {
			r = fromResponse(&res, x.body)
		}
	}
	var cut *Error
	switch {
	case x.err != nil:
		if cause := context.Cause(ctx); cause != nil {
			x.err = fmt.Errorf("%w (%w)", cause, x.err)
		}
		return nil, fromTransport(ctx, x.err, x.status)
	case x.status == 0:
		return nil, err // it was never sent
	case x.status >= 300:
		return nil, fromStatus(x.status, x.header, x.body)
	case errors.As(err, &cut):
		return nil, cut
	case err != nil || r == nil:
		return nil, underOK(x.header, x.body)
	}
	r.Time = time.Now().UTC().Truncate(time.Millisecond)
	r.RequestID = x.header.Get("X-Request-Id")
	r.quota = readQuota(x.header)
	return r, nil
}

// chatRequest is the part of the body that go-openai writes. The rest is in bodyTail: it drops zeros, and refuses for some names of
// models what their providers take.
func chatRequest(q *call, model, mode string) openai.ChatCompletionRequest {
	req := openai.ChatCompletionRequest{Model: model, Stop: q.q.Stop, Messages: make([]openai.ChatCompletionMessage, len(q.q.Messages))}
	if q.q.Seed != nil {
		seed := int(*q.q.Seed)
		req.Seed = &seed
	}
	for i, m := range q.q.Messages {
		out := openai.ChatCompletionMessage{Role: m.Role, Content: m.Content, Name: m.Name, ToolCallID: m.ToolCallID}
		for _, t := range m.ToolCalls {
			out.ToolCalls = append(out.ToolCalls, openai.ToolCall{
				ID: t.ID, Type: openai.ToolTypeFunction, Function: openai.FunctionCall{Name: t.Name, Arguments: t.Arguments},
			})
		}
		req.Messages[i] = out
	}
	if mode == modeObject || mode == modePrompt {
		req.Messages = instruct(req.Messages, q.schema.instructions)
	}
	return req
}

// instruct adds the schema to the system message, where there is one, else to the last message.
func instruct(ms []openai.ChatCompletionMessage, instructions string) []openai.ChatCompletionMessage {
	if len(ms) == 0 {
		return append(ms, openai.ChatCompletionMessage{Role: "user", Content: instructions})
	}
	at := len(ms) - 1
	if ms[0].Role == "system" || ms[0].Role == "developer" {
		at = 0
	}
	ms[at].Content += "\n\n" + instructions
	return ms
}

// completionTokensName tells the models that know the limit of an answer as max_completion_tokens only.
func completionTokensName(model string) bool {
	if i := strings.LastIndexByte(model, '/'); i >= 0 {
		model = model[i+1:]
	}
	for _, p := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if rest, ok := strings.CutPrefix(model, p); ok && (rest == "" || strings.ContainsAny(rest[:1], "-.@:")) {
			return true
		}
	}
	return false
}

// bodyTail writes the fields that are merged into the body.
func bodyTail(q *call, mode string, completionTokens bool) ([]byte, error) {
	b := make([]byte, 0, 256)
	var failed error
	field := func(name string, v any) {
		value, err := json.Marshal(v)
		if err != nil {
			failed = fmt.Errorf("%s: %w", name, err)
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, name)
		b = append(b, ':')
		b = append(b, value...)
	}
	if completionTokens {
		field("max_completion_tokens", q.max)
	} else {
		field("max_tokens", q.max)
	}
	if q.q.Temperature != nil {
		field("temperature", *q.q.Temperature)
	}
	if q.q.TopP != nil {
		field("top_p", *q.q.TopP)
	}
	if q.q.N > 1 {
		field("n", q.q.N)
	}
	if q.q.Logprobs > 0 {
		field("logprobs", true)
		field("top_logprobs", q.q.Logprobs)
	}
	if len(q.q.Tools) > 0 {
		field("tools", q.q.Tools)
	}
	switch mode {
	case modeSchema:
		field("response_format", q.schema.format)
	case modeObject:
		field("response_format", json.RawMessage(`{"type":"json_object"}`))
	}
	for _, k := range slices.Sorted(maps.Keys(q.q.Extra)) {
		if k == "seed" && q.q.Seed != nil || k == "stop" && len(q.q.Stop) > 0 {
			continue // the request has the last word
		}
		field(k, q.q.Extra[k])
	}
	return b, failed
}

// fromResponse takes an answer over from go-openai. body is looked at again for fields that it does not know.
func fromResponse(res *openai.ChatCompletionResponse, body []byte) *reply {
	e := &Entry{Model: res.Model, Fingerprint: res.SystemFingerprint, Choices: make([]EntryChoice, len(res.Choices))}
	for i := range res.Choices {
		c := &res.Choices[i]
		e.Choices[i] = EntryChoice{
			Text: c.Message.Content, Reasoning: c.Message.ReasoningContent, Refusal: c.Message.Refusal,
			Finish: finishReason(string(c.FinishReason)),
		}
		for _, p := range c.Message.MultiContent {
			e.Choices[i].Text += p.Text
		}
		for _, t := range c.Message.ToolCalls {
			e.Choices[i].ToolCalls = append(e.Choices[i].ToolCalls, schemas.ToolCall{ID: t.ID, Name: t.Function.Name, Arguments: t.Function.Arguments})
		}
		if c.LogProbs != nil {
			for _, p := range c.LogProbs.Content {
				t := TokenLogprob{Token: p.Token, Logprob: p.LogProb, Top: make(map[string]float64, len(p.TopLogProbs))}
				for _, alt := range p.TopLogProbs {
					t.Top[alt.Token] = alt.LogProb
				}
				e.Choices[i].Logprobs = append(e.Choices[i].Logprobs, t)
			}
		}
	}
	r := &reply{Entry: e, said: fromUsage(&res.Usage)}
	r.written = beyond(body, e, &r.said)
	return r
}

func fromUsage(u *openai.Usage) Usage {
	s := Usage{Prompt: credible(u.PromptTokens), Completion: credible(u.CompletionTokens)}
	if d := u.PromptTokensDetails; d != nil {
		s.Cached = credible(d.CachedTokens)
	}
	if d := u.CompletionTokensDetails; d != nil {
		s.Reasoning = credible(d.ReasoningTokens)
	}
	return s
}

// mostTokens is more than any request can take. It keeps sums of money far from overflow.
const mostTokens = 1 << 30

// credible takes a count that no request can have for none at all: then our own count holds.
func credible(n int) int64 {
	if n < 0 || n > mostTokens {
		return 0
	}
	return int64(n)
}

// beyond reads the fields of an answer that go-openai does not know, where the body has them: reasoning (vLLM, OpenRouter), cache
// counts of DeepSeek and Anthropic. It returns the tokens written to the provider's cache, -1 where it does not say.
func beyond(body []byte, e *Entry, u *Usage) (written int64) {
	written = -1
	reasoning := bytes.Contains(body, []byte(`"reasoning"`))
	if !reasoning && !bytes.Contains(body, []byte(`"prompt_cache_hit_tokens"`)) && !bytes.Contains(body, []byte(`"cache_creation`)) && !bytes.Contains(body, []byte(`"cache_write`)) {
		return written
	}
	var more struct {
		Choices []struct {
			Message struct {
				Reasoning any `json:"reasoning"`
			} `json:"message"`
		} `json:"choices"`
		Usage struct {
			Hit     *int64 `json:"prompt_cache_hit_tokens"`
			Read    *int64 `json:"cache_read_input_tokens"`
			Create  *int64 `json:"cache_creation_input_tokens"`
			Details struct {
				Write *int64 `json:"cache_write_tokens"`
			} `json:"prompt_tokens_details"`
		} `json:"usage"`
	}
	if json.Unmarshal(body, &more) != nil {
		return written
	}
	for i := range min(len(more.Choices), len(e.Choices)) {
		if s, ok := more.Choices[i].Message.Reasoning.(string); ok && e.Choices[i].Reasoning == "" {
			e.Choices[i].Reasoning = s
		}
	}
	for _, n := range []*int64{more.Usage.Hit, more.Usage.Read} {
		if n != nil && u.Cached == 0 {
			u.Cached = max(*n, 0)
		}
	}
	for _, n := range []*int64{more.Usage.Create, more.Usage.Details.Write} {
		if n != nil {
			written = max(written, *n)
		}
	}
	return written
}

// finishReason maps the reasons of many servers to four. None at all is a stop: the body was whole.
func finishReason(s string) string {
	switch s {
	case "length", "max_tokens", "model_length", "MAX_TOKENS":
		return finishLength
	case "content_filter", "safety", "SAFETY", "refusal":
		return finishFilter
	case "tool_calls", "function_call", "tool_use":
		return finishTools
	}
	return finishStop
}
