package generators

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"sluice/pipeline"
	"sluice/pipeline/expr"
	"sluice/pipeline/llm"
	"sluice/pipeline/prompt"
	"sluice/schemas"
)

// Asking is the configuration that all generators share which ask a model.
type Asking struct {
	Model       string   `yaml:"model"`       // name of one of the recipe's models
	Temperature *float64 `yaml:"temperature"` // of sampling; 0 is sent as 0. Default: the method's, else the model's
	TopP        *float64 `yaml:"top_p"`       // share of probability sampled from
	MaxTokens   int      `yaml:"max_tokens"`  // most tokens of one answer. Default: the model's
	Prompt      string   `yaml:"prompt"`      // Jinja2 template of the user message, in place of the built-in one
	System      string   `yaml:"system"`      // Jinja2 template of the system message, in place of the built-in one
}

//go:embed prompts/*.tmpl
var builtin embed.FS

// builtinPrompt reads prompts/<name>.tmpl; a missing file is a fault of this program.
func builtinPrompt(name string) string {
	b, err := builtin.ReadFile("prompts/" + name + ".tmpl")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Models returns the model that is asked.
func (a *Asking) Models() []string { return []string{a.Model} }

// sources are the templates in use: those of the recipe, else prompts/<method>.tmpl and prompts/<method>_system.tmpl.
func (a *Asking) sources(method string) (system, user string) {
	system, user = a.System, a.Prompt
	if user == "" {
		user = builtinPrompt(method)
	}
	if system == "" {
		system = builtinPrompt(method + "_system")
	}
	return system, user
}

// check finds wrong templates and numbers. The templates may use the record's fields and those in extra.
func (a *Asking) check(c pipeline.CheckEnv, method string, extra ...string) error {
	system, user := a.sources(method)
	return errors.Join(
		checkTemplate("system", system, expr.Fields{Schema: c.Schema}, extra...),
		checkTemplate("prompt", user, expr.Fields{Schema: c.Schema}, extra...),
		between("temperature", a.Temperature, 0, 2), between("top_p", a.TopP, 0, 1), atLeast("max_tokens", a.MaxTokens, 0))
}

// checkTemplate parses a template under a key of the recipe and looks for unknown variables where the fields are known.
func checkTemplate(key, src string, f expr.Fields, extra ...string) error {
	t, err := prompt.Parse(key, src)
	if err == nil {
		if known, ok := expr.Known(f); ok {
			err = t.Check(append(known, extra...))
		}
	}
	if e, ok := errors.AsType[*prompt.Error](err); ok {
		return &pipeline.KeyError{Key: key, Line: e.Line, Column: e.Column, Hint: e.Hint, Err: errors.New(e.Message)}
	}
	return err
}

func between(key string, v *float64, low, high float64) error {
	if v != nil && !(*v >= low && *v <= high) {
		return &pipeline.KeyError{Key: key, Err: fmt.Errorf("must be from %g to %g", low, high)}
	}
	return nil
}

func atLeast(key string, v, low int) error {
	if v < low {
		return &pipeline.KeyError{Key: key, Err: fmt.Errorf("must be at least %d", low)}
	}
	return nil
}

func samplesIn(v, high int) error {
	if v < 1 || v > high {
		return &pipeline.KeyError{Key: "samples", Err: fmt.Errorf("must be from 1 to %d", high)}
	}
	return nil
}

// asker asks one model by one pair of templates.
type asker struct {
	model        llm.Model
	system, user *prompt.Template
	hash         string // of both templates
	base         llm.Request
}

// open parses the templates and finds the model.
func (a *Asking) open(env *pipeline.Env, method string) (*asker, error) {
	system, user := a.sources(method)
	return newAsker(env, a, system, user)
}

func newAsker(env *pipeline.Env, a *Asking, system, user string) (*asker, error) {
	k := &asker{base: llm.Request{Temperature: a.Temperature, TopP: a.TopP, MaxTokens: a.MaxTokens}}
	var err error
	if k.model, err = env.Model(a.Model); err != nil {
		return nil, err
	}
	if k.user, err = prompt.Parse("prompt", user); err != nil {
		return nil, err
	}
	if system != "" {
		if k.system, err = prompt.Parse("system", system); err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256([]byte(system + "\x00" + user))
	k.hash = hex.EncodeToString(sum[:16])
	return k, nil
}

// ask renders the templates and asks. The error is a *Failure when it costs this sample alone; the answer counts even then.
func (k *asker) ask(ctx context.Context, vars map[string]any, s *llm.Schema, attempt int) (llm.Answer, error) {
	q := k.base
	q.Schema, q.Attempt, q.Extra = s, attempt, maps.Clone(k.base.Extra)
	if k.system != nil {
		text, err := k.system.Render(vars)
		if err != nil {
			return llm.Answer{}, &schemas.Failure{Reason: "template", Err: err}
		}
		if text = strings.TrimSpace(text); text != "" {
			q.Messages = append(q.Messages, llm.Message{Role: "system", Content: text})
		}
	}
	text, err := k.user.Render(vars)
	if err != nil {
		return llm.Answer{}, &schemas.Failure{Reason: "template", Err: err}
	}
	q.Messages = append(q.Messages, llm.Message{Role: "user", Content: strings.TrimSpace(text)})
	return k.model.Ask(ctx, q)
}

// book writes part i of n of an answer on the origin of a record that it made: the parts of one answer add up to
// its price, whatever n is.
func (k *asker) book(r *schemas.Record, a llm.Answer, i, n int) {
	o := &r.Origin
	part := func(v int64) int64 {
		p := v / int64(n)
		if int64(i) < v%int64(n) {
			p++
		}
		return p
	}
	o.Cost += part(a.Usage.Cost)
	o.PromptTokens += part(a.Usage.Prompt)
	o.CompletionTokens += part(a.Usage.Completion)
	o.Estimated = o.Estimated || a.Usage.Estimated
	o.Model, o.Answer, o.Template = a.Model, a.Key, k.hash
	if o.Model == "" {
		o.Model = k.model.Name()
	}
}

// failed turns an error of ask into a record that says so, or hands it on when it stops the run.
func (k *asker) failed(r *schemas.Record, a llm.Answer, err error) ([]*schemas.Record, error) {
	f, ok := errors.AsType[*schemas.Failure](err)
	if !ok {
		return nil, err
	}
	k.book(r, a, 0, 1)
	r.Failure = f
	return []*schemas.Record{r}, nil
}

// object returns the JSON object of a structured answer.
func object(a llm.Answer) (map[string]any, error) {
	if m, ok := a.Value.(map[string]any); ok {
		return m, nil
	}
	var m map[string]any
	if a.Value == nil && json.Unmarshal([]byte(a.Text), &m) == nil && m != nil {
		return m, nil
	}
	return nil, schemas.Fail("bad_json", "the answer is no JSON object")
}

// fence returns a line to put before and after data in a prompt. It is made of the data itself: no text can hold its own
// hash, so no text can close its fence early, and equal prompts stay equal.
func fence(data ...string) string {
	h := sha256.New()
	for _, d := range data {
		h.Write([]byte(d))
		h.Write([]byte{0})
	}
	return "=== data " + hex.EncodeToString(h.Sum(nil)[:6]) + " ==="
}
