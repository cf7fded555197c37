package llm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
)

// call is one request on its way through the chain.
type call struct {
	q         Request // with the model's defaults filled in
	max       int     // tokens the answer may have
	key       [32]byte
	canonical []byte // what the key is the hash of; kept beside the answer
	stage     string
	prompt    size
	schema    *compiled // of q.Schema; nil: free text
}

// asker is one link of the chain.
type asker interface {
	ask(ctx context.Context, c *call) (*reply, error)
}

// reply is an entry of the ledger, or what will become one.
type reply struct {
	*Entry
	fromLedger bool

	said    Usage // the provider's count, before the audit
	written int64 // prompt tokens it wrote to its cache; -1: it does not say
	quota   quota
}

// canonicalRequest is the layout of a key. The mode of structured output is not in it: which modes a provider refuses does
// not depend on the request, and a fallback sends the same request again under the same key and attempt, so answers
// do not depend on who learnt the mode first.
type canonicalRequest struct {
	V           int                `json:"v"`
	Model       string             `json:"model"` // identity
	Messages    []canonicalMessage `json:"messages"`
	Schema      json.RawMessage    `json:"schema,omitempty"`
	Tools       json.RawMessage    `json:"tools,omitempty"`
	Temperature *float64           `json:"temperature,omitempty"`
	TopP        *float64           `json:"top_p,omitempty"`
	Stop        []string           `json:"stop,omitempty"`
	Seed        *int64             `json:"seed,omitempty"`
	N           int                `json:"n,omitempty"`
	Logprobs    int                `json:"logprobs,omitempty"`
	Extra       map[string]any     `json:"extra,omitempty"` // keys are written in order
	Attempt     int                `json:"attempt,omitempty"`
}

type canonicalMessage struct {
	Role       string          `json:"role"`
	Content    string          `json:"content"`
	Name       string          `json:"name,omitempty"`
	ToolCalls  []canonicalTool `json:"tool_calls,omitempty"`
	ToolCallID string          `json:"tool_call_id,omitempty"`
}

type canonicalTool struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// newCall fills in the model's defaults and computes the key.
func (m *model) newCall(q Request, maxTokens int) (*call, error) {
	s := &m.line.spec
	if q.Temperature == nil {
		q.Temperature = s.Temperature
	}
	if q.TopP == nil {
		q.TopP = s.TopP
	}
	if q.N <= 1 {
		q.N = 0
	}
	if len(s.Extra) > 0 {
		extra := maps.Clone(s.Extra)
		maps.Copy(extra, q.Extra)
		q.Extra = extra
	}
	for k := range q.Extra {
		if reserved(k) {
			return nil, fmt.Errorf("extra.%s: this field is set by a key of its own, not by extra", k)
		}
	}
	c := &call{q: q, max: maxTokens, stage: m.stage}
	cr := canonicalRequest{
		V: 1, Model: s.identity(), Tools: q.Tools, Temperature: q.Temperature, TopP: q.TopP, Stop: q.Stop, Seed: q.Seed,
		N: q.N, Logprobs: q.Logprobs, Extra: q.Extra, Attempt: q.Attempt, Messages: make([]canonicalMessage, len(q.Messages)),
	}
	for i, msg := range q.Messages {
		cr.Messages[i] = canonicalMessage{Role: msg.Role, Content: msg.Content, Name: msg.Name, ToolCallID: msg.ToolCallID}
		for _, t := range msg.ToolCalls {
			cr.Messages[i].ToolCalls = append(cr.Messages[i].ToolCalls, canonicalTool(t))
		}
	}
	instructions := 0
	if q.Schema != nil {
		schema, err := m.line.schemas.compile(q.Schema)
		if err != nil {
			return nil, err
		}
		c.schema = schema
		cr.Schema = q.Schema.JSON
		instructions = len(schema.instructions)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&cr); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	c.canonical = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	c.key = sha256.Sum256(c.canonical)
	c.prompt = measure(&c.q, instructions)
	return c, nil
}

// choices is how many answers are paid.
func (c *call) choices() int64 { return int64(max(c.q.N, 1)) }

// bound is what no answer to c should exceed: it is reserved under the cap.
func (l *line) bound(c *call) amount {
	in, out := l.modes.bound(c)
	return amount{l.spec.Price.worst(in, out), in + out}
}

// expected is the worst case as far as tokens can be estimated (prompt × 1.1): it is booked where a request may have been paid
// and nobody knows.
func (l *line) expected(c *call, bound amount) (amount, Usage) {
	_, out := l.modes.bound(c)
	u := Usage{Prompt: (c.prompt.likely*11 + 9) / 10, Completion: out, Estimated: true}
	u.Cost = int64(min(l.spec.Price.worst(u.Prompt, u.Completion), bound.money))
	return amount{Money(u.Cost), min(u.Prompt+u.Completion, bound.tokens)}, u
}
