package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

// Finding is what a probe found out about one capability.
type Finding struct {
	What   string // models, chat, usage, json_schema, json_object, tools, logprobs, seed
	Works  bool
	Detail string
}

// probeTokens is the limit of a probing answer.
const probeTokens = 48

// Probe asks the endpoint of a model what it can do, with at most seven tiny requests, past ledger and limits but under the budget. The error is that of
// an endpoint that does not answer at all, or refuses the key or the model.
func (m *Models) Probe(ctx context.Context, name string) ([]Finding, error) {
	l, err := m.line(name)
	if err != nil {
		return nil, err
	}
	if l.wire == nil {
		return []Finding{{"chat", true, l.spec.Provider + " needs no endpoint"}}, nil
	}
	p := &prober{line: l, ask: &metered{line: l, ledger: m.o.Ledger, next: &client{line: l, wire: l.wire}}}
	found := []Finding{p.models(ctx)}
	chat, err := p.chat(ctx)
	if err != nil {
		return found, err
	}
	found = append(found, chat...)
	found = append(found, p.schema(ctx, modeSchema), p.schema(ctx, modeObject), p.tools(ctx), p.logprobs(ctx))
	seed := p.send(ctx, Request{Seed: new(int64)}, "")
	return append(found, seed.finding("seed", "taken")), nil
}

type prober struct {
	line *line
	ask  asker
}

type probed struct {
	reply *reply
	err   error
}

func (r probed) finding(what, detail string) Finding {
	if r.err != nil {
		var e *Error
		if errors.As(r.err, &e) {
			return Finding{what, false, clip(fmt.Sprintf("%d %s", e.Status, e.Message), 120)}
		}
		return Finding{what, false, r.err.Error()}
	}
	return Finding{what, true, detail}
}

// send asks the model to say ok, with what q adds, in a fixed mode of structured output.
func (p *prober) send(ctx context.Context, q Request, mode string) probed {
	if q.Messages == nil {
		q.Messages = []Message{{Role: "user", Content: "Say ok."}}
	}
	fixed := *p.line
	fixed.modes = newModes(mode, pinned{CompletionTokens: p.line.modes.completionTokens()})
	c, err := (&model{line: &fixed, stage: "probe"}).newCall(q, probeTokens)
	if err != nil {
		return probed{err: err}
	}
	ask := p.ask
	if mode != "" {
		ask = &metered{line: p.line, ledger: p.ask.(*metered).ledger, next: &client{line: &fixed, wire: p.line.wire}}
	}
	r, err := ask.ask(ctx, c)
	var e *Error
	if errors.As(err, &e) && e.Kind == unsupported {
		r, err = ask.ask(ctx, c)
	}
	return probed{r, err}
}

func (p *prober) chat(ctx context.Context) ([]Finding, error) {
	r := p.send(ctx, Request{}, "")
	if r.err != nil {
		return nil, r.err
	}
	found := []Finding{r.finding("chat", "answers as "+r.reply.Model)}
	usage := Finding{"usage", r.reply.said.Completion > 0, "counted by the provider"}
	if !usage.Works {
		usage.Detail = "missing: our own upper count is booked"
	}
	found = append(found, usage)
	if r.reply.quota.known {
		found = append(found, Finding{"limits", true, "tells what remains of them"})
	}
	if c := r.reply.Choices[0]; c.Reasoning != "" || strings.Contains(c.Text, "<think>") {
		found = append(found, Finding{"reasoning", true, "kept apart from the text"})
	}
	return found, nil
}

func (p *prober) schema(ctx context.Context, mode string) Finding {
	s := &Schema{Name: "probe", JSON: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}`)}
	r := p.send(ctx, Request{Schema: s, Messages: []Message{{Role: "user", Content: `Answer in JSON: {"ok": true}`}}}, mode)
	if r.err != nil {
		return r.finding(mode, "")
	}
	c, err := p.line.schemas.compile(s)
	if err != nil {
		return Finding{mode, false, err.Error()}
	}
	_, text := splitReasoning(r.reply.Choices[0].Text)
	if _, bad := fit(text, c); bad != nil {
		return Finding{mode, false, "taken, but the answer does not fit: " + bad.Error()}
	}
	return Finding{mode, true, "taken, and the answer fits"}
}

func (p *prober) tools(ctx context.Context) Finding {
	r := p.send(ctx, Request{
		Messages: []Message{{Role: "user", Content: "Call the tool now with city Paris."}},
		Tools:    json.RawMessage(`[{"type":"function","function":{"name":"weather","description":"the weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}]`),
	}, "")
	if r.err == nil && len(r.reply.Choices[0].ToolCalls) == 0 {
		return Finding{"tools", false, "taken, but no tool was called"}
	}
	return r.finding("tools", "called")
}

func (p *prober) logprobs(ctx context.Context) Finding {
	r := p.send(ctx, Request{Logprobs: 2}, "")
	if r.err == nil && len(r.reply.Choices[0].Logprobs) == 0 {
		return Finding{"logprobs", false, "taken, but none came"}
	}
	return r.finding("logprobs", "came")
}

// models looks the model up in the endpoint's list.
func (p *prober) models(ctx context.Context) Finding {
	x := &exchange{wire: p.line.wire}
	within, cancel := timeoutOf(ctx, p.line.spec.Timeout)
	defer cancel()
	cfg := openai.DefaultConfig("")
	cfg.BaseURL, cfg.HTTPClient = p.line.spec.Endpoint, x
	list, err := openai.NewClientWithConfig(cfg).ListModels(within)
	switch {
	case err != nil && x.status > 0:
		return Finding{"models", false, fmt.Sprintf("no list of models: %d %s", x.status, http.StatusText(x.status))}
	case err != nil:
		return Finding{"models", false, p.line.wire.redact(clip(err.Error(), 120))}
	}
	known := slices.ContainsFunc(list.Models, func(m openai.Model) bool { return m.ID == p.line.spec.Model })
	if !known {
		return Finding{"models", false, fmt.Sprintf("%q is not among the %d models listed", p.line.spec.Model, len(list.Models))}
	}
	return Finding{"models", true, "listed"}
}
