package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	openai "github.com/sashabaranov/go-openai"

	"sluice/schemas"
)

// stream asks for server-sent events and puts the answer together. An answer is whole only when every choice has its finish reason:
// a stream that was cut also ends in io.EOF, which go-openai does not tell from success.
func (c *client) stream(ctx context.Context, api *openai.Client, req openai.ChatCompletionRequest) (*reply, error) {
	req.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	s, err := api.CreateChatCompletionStream(ctx, req)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	r := &reply{Entry: &Entry{}, written: -1}
	for {
		raw, err := s.RecvRaw()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, eventError(err, nil)
		}
		var chunk openai.ChatCompletionStreamResponse
		if json.Unmarshal(raw, &chunk) != nil {
			return nil, &Error{Kind: Cut, Status: 200, Message: "an event of the stream is not JSON: " + clip(string(raw), 80)}
		}
		if len(chunk.Choices) == 0 && chunk.Usage == nil && bytes.Contains(raw, []byte(`"error"`)) {
			return nil, eventError(nil, raw) // with spaces in it, which go-openai takes for a chunk
		}
		r.take(&chunk, raw)
	}
	if len(r.Choices) == 0 {
		return nil, nil // the body tells why
	}
	for i := range r.Choices {
		if r.Choices[i].Finish == "" {
			return nil, &Error{Kind: Cut, Status: 200, Message: "the stream ended without a finish reason"}
		}
	}
	return r, nil
}

func eventError(err error, raw []byte) *Error {
	var api *openai.APIError
	if errors.As(err, &api) {
		raw, _ = json.Marshal(map[string]any{"error": map[string]any{"message": api.Message, "type": api.Type, "code": api.Code}})
	}
	if len(raw) == 0 {
		return &Error{Kind: Cut, Status: 200, Message: clip(err.Error(), 120)}
	}
	e := underOK(nil, raw)
	e.Unpaid = false // the answer had begun
	return e
}

// take adds one chunk.
func (r *reply) take(chunk *openai.ChatCompletionStreamResponse, raw []byte) {
	if chunk.Model != "" {
		r.Model = chunk.Model
	}
	if chunk.SystemFingerprint != "" {
		r.Fingerprint = chunk.SystemFingerprint
	}
	if chunk.Usage != nil {
		r.said = fromUsage(chunk.Usage)
		r.written = beyond(raw, &Entry{}, &r.said)
	}
	for i := range chunk.Choices {
		d := &chunk.Choices[i]
		if d.Index < 0 || d.Index > 1024 {
			continue
		}
		for len(r.Choices) <= d.Index {
			r.Choices = append(r.Choices, EntryChoice{})
		}
		c := &r.Choices[d.Index]
		c.Text += d.Delta.Content
		c.Reasoning += d.Delta.ReasoningContent
		c.Refusal += d.Delta.Refusal
		if d.FinishReason != "" && d.FinishReason != "null" {
			c.Finish = finishReason(string(d.FinishReason))
		}
		for _, t := range d.Delta.ToolCalls {
			at := len(c.ToolCalls)
			if t.Index != nil {
				at = min(max(*t.Index, 0), 128)
			}
			for len(c.ToolCalls) <= at {
				c.ToolCalls = append(c.ToolCalls, schemas.ToolCall{})
			}
			call := &c.ToolCalls[at]
			if t.ID != "" {
				call.ID = t.ID
			}
			call.Name += t.Function.Name
			call.Arguments += t.Function.Arguments
		}
		if d.Logprobs != nil {
			for _, p := range d.Logprobs.Content {
				t := TokenLogprob{Token: p.Token, Logprob: p.Logprob, Top: make(map[string]float64, len(p.TopLogprobs))}
				for _, alt := range p.TopLogprobs {
					t.Top[alt.Token] = alt.Logprob
				}
				c.Logprobs = append(c.Logprobs, t)
			}
		}
	}
}
