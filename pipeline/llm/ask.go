package llm

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"sluice/schemas"
)

// model is a [Model] whose spend is booked on one stage.
type model struct {
	line  *line
	stage string
}

func (m *model) Name() string { return m.line.name }

// Ask answers q. An answer that was cut at its limit is asked once more with twice the limit; an answer that does not fit the schema gets one
// correction turn. The usage of an answer sums up all requests that led to it. Failures are named by cause: truncated,
// refused, empty, too_long, bad_json (not JSON), schema (JSON that does not fit), bad_request, unanswered; what was paid
// for a failure is in the answer's Usage.
func (m *model) Ask(ctx context.Context, q Request) (Answer, error) {
	a, c, err := m.whole(ctx, q)
	if err != nil || q.Schema == nil {
		return a, err
	}
	value, bad := fit(a.Text, c.schema)
	if bad == nil {
		a.Value = value
		return a, nil
	}
	again, err := m.correct(ctx, q, a, bad)
	again.Usage.add(a.Usage)
	return again, err
}

// correct asks once more, showing the model its answer and the validator's finding.
func (m *model) correct(ctx context.Context, q Request, a Answer, bad *schemas.Failure) (Answer, error) {
	q.Attempt++
	q.Messages = append(q.Messages[:len(q.Messages):len(q.Messages)],
		Message{Role: "assistant", Content: a.Text},
		Message{Role: "user", Content: "That answer cannot be used: " + bad.Err.Error() + ". Answer again with the corrected JSON value alone."})
	again, c, err := m.whole(ctx, q)
	if f, ok := errors.AsType[*schemas.Failure](err); ok && f.Reason == "too_long" {
		return again, bad // there is no room for the correction
	}
	if err != nil {
		return again, err
	}
	value, bad := fit(again.Text, c.schema)
	if bad != nil {
		return again, bad
	}
	again.Value = value
	return again, nil
}

// whole returns an answer that was not cut, refused or empty.
func (m *model) whole(ctx context.Context, q Request) (Answer, *call, error) {
	limit := q.MaxTokens
	if limit <= 0 {
		limit = m.line.spec.MaxTokens
	}
	a, c, err := m.once(ctx, q, limit)
	if err != nil {
		return a, c, err
	}
	if a.Finish == finishLength && q.N <= 1 {
		longer, lc, err := m.once(ctx, q, 2*limit)
		longer.Usage.add(a.Usage)
		if f, ok := errors.AsType[*schemas.Failure](err); ok && f.Reason == "too_long" {
			return longer, lc, schemas.Fail("truncated", "cut at %d tokens, and twice as many do not fit the model's context", limit)
		}
		if err != nil {
			return longer, lc, err
		}
		a, c = longer, lc
	}
	switch {
	case a.Finish == finishFilter:
		return a, c, schemas.Fail("refused", "the model or its filter refused to answer: %s", clip(a.Text, 120))
	case a.Finish == finishLength && q.N <= 1:
		return a, c, schemas.Fail("truncated", "still cut at %d tokens", 2*limit)
	case strings.TrimSpace(a.Text) == "" && len(a.ToolCalls) == 0 && q.N <= 1:
		return a, c, schemas.Fail("empty", "nothing but white space in the answer")
	}
	return a, c, nil
}

// once sends one request down the chain.
func (m *model) once(ctx context.Context, q Request, limit int) (Answer, *call, error) {
	c, err := m.newCall(q, limit)
	if err != nil {
		return Answer{}, nil, fmt.Errorf("model %s: %w", m.line.name, err)
	}
	r, err := m.line.chain.ask(ctx, c)
	if err != nil {
		return Answer{}, c, err
	}
	return m.answer(r, c), c, nil
}

// answer reads an entry. Answers from the ledger and from the wire go the same way, so a rerun sees the same.
func (m *model) answer(r *reply, c *call) Answer {
	a := Answer{
		Usage: r.Usage, Model: r.Model, Fingerprint: r.Fingerprint, RequestID: r.RequestID,
		Key: hex.EncodeToString(c.key[:]), Cached: r.fromLedger,
	}
	for i := range r.Choices {
		e := &r.Choices[i]
		ch := Choice{Text: e.Text, Reasoning: e.Reasoning, Finish: e.Finish}
		if m.line.spec.Reasoning != "raw" {
			thought, text := splitReasoning(e.Text)
			ch.Text = text
			if ch.Reasoning == "" {
				ch.Reasoning = thought
			}
		}
		if e.Refusal != "" {
			ch.Finish = finishFilter
			if ch.Text == "" {
				ch.Text = e.Refusal
			}
		}
		if i == 0 {
			a.Text, a.Reasoning, a.Finish = ch.Text, ch.Reasoning, ch.Finish
			a.ToolCalls, a.Logprobs = e.ToolCalls, e.Logprobs
		}
		if c.q.N > 1 {
			a.Choices = append(a.Choices, ch)
		}
	}
	return a
}

// add sums usage.
func (u *Usage) add(v Usage) {
	u.Prompt += v.Prompt
	u.Cached += v.Cached
	u.Completion += v.Completion
	u.Reasoning += v.Reasoning
	u.Cost += v.Cost
	u.Estimated = u.Estimated || v.Estimated
}

// fit finds the value in a text and checks it: the first candidate that fits the schema counts, else the finding is that of the first.
func fit(s string, c *compiled) (any, *schemas.Failure) {
	var first *schemas.Failure
	for _, part := range candidates(s, c.top) {
		v, err := repair(part, c.top)
		reason := "bad_json"
		if err == nil {
			if err = c.validate(v); err == nil {
				return v, nil
			}
			reason = "schema"
		}
		if first == nil || first.Reason == "bad_json" && reason == "schema" {
			first = &schemas.Failure{Reason: reason, Err: err}
		}
	}
	if first == nil {
		what := c.top
		if what == "" {
			what = "value"
		}
		first = schemas.Fail("bad_json", "there is no JSON %s in it", what)
	}
	return nil, first
}
