package generators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"sluice/pipeline"
	"sluice/pipeline/expr"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// Label asks a model for new texts of the seed's label. A prompt shows random seeds of that label and a few of the nearest
// other label as contrast (nearest by the words that labels use), asks for texts that differ from all of them, and draws for each text an
// attribute: how long, in which tone, in which situation. One request gives up to n texts; the seed lends its label and
// columns and is always the first demonstration.
//
// Random demonstrations do as well as carefully chosen ones: Cegin et al., 2024 (arXiv 2410.10756). Attributes against sameness: Yu et
// al.: Large Language Model as Attributed Training Data Generator (AttrPrompt), 2023 (arXiv 2306.15895).
//
// A prompt of your own sees the record's fields, n, description, demos and contrast (lists of text and label), other (the contrast's
// label), attributes (one line for each text) and fence, a line to put around data.
type Label struct {
	Asking     `yaml:",inline"`
	Samples    int               `yaml:"samples"`    // requests per seed
	N          int               `yaml:"n"`          // texts asked for in one request
	Demos      int               `yaml:"demos"`      // seeds of the label shown, the seed itself among them
	Contrast   int               `yaml:"contrast"`   // seeds of the nearest other label shown; 0: none
	Attributes bool              `yaml:"attributes"` // draw length, tone and situation for each text
	Describe   map[string]string `yaml:"describe"`   // what a label means, in words, by label

	env     *pipeline.Env
	ask     *asker
	schema  *llm.Schema
	nearest map[string]string
}

var (
	attributeLengths    = []string{"one short phrase", "one sentence", "one long sentence", "two or three sentences"}
	attributeTones      = []string{"neutral", "friendly", "impatient", "formal", "unsure", "chatty", "very plain"}
	attributeSituations = []string{"written in a hurry", "the first contact", "after a first try failed", "on behalf of someone else",
		"with a concrete detail such as a day, a place or an amount", "with some context first", "as a question", "as a statement"}
)

// Check finds wrong templates and numbers, and records without labels.
func (l *Label) Check(c pipeline.CheckEnv) error {
	errs := []error{l.check(c, "label", "n", "description", "demos", "contrast", "other", "attributes", "fence"),
		samplesIn(l.Samples, maxSamples), atLeast("n", l.N, 1), atLeast("demos", l.Demos, 1), atLeast("contrast", l.Contrast, 0)}
	if l.N > 50 {
		errs = append(errs, &pipeline.KeyError{Key: "n", Err: errors.New("must be at most 50: longer answers are cut and repeat themselves")})
	}
	if c.Schema != nil && c.Schema.Kind != schemas.Labeled && c.Schema.Kind != schemas.Multi {
		errs = append(errs, fmt.Errorf("it needs records with labels, and these are of kind %s", c.Schema.Kind))
	}
	return errors.Join(errs...)
}

// NeedsPool: demonstrations come from it.
func (l *Label) NeedsPool() bool { return true }

// Forecast returns the requests per seed and the texts they give.
func (l *Label) Forecast() (requests, made float64) {
	return float64(l.Samples), float64(l.Samples * l.N)
}

// Open finds the model, parses the templates and compares the labels.
func (l *Label) Open(_ context.Context, env *pipeline.Env) (err error) {
	l.env = env
	if l.ask, err = l.open(env, "label"); err != nil {
		return err
	}
	if l.ask.base.Temperature == nil {
		one := 1.0
		l.ask.base.Temperature = &one
	}
	l.schema = listAnswer("texts", `{"type":"string","minLength":1}`, l.N)
	l.nearest = nearestLabels(env.Pool)
	return nil
}

// listAnswer is the schema of an object with one list of up to n items.
func listAnswer(name, item string, n int) *llm.Schema {
	return &llm.Schema{Name: name, JSON: json.RawMessage(fmt.Sprintf(`{"type":"object","properties":{%q:{"type":"array","items":%s,"minItems":1,"maxItems":%d}},"required":[%q],"additionalProperties":false}`,
		name, item, n, name))}
}

// Generate returns the texts of all requests, and a failure for each request that gave none.
func (l *Label) Generate(ctx context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	if len(seed.Labels) == 0 {
		r := seed.Child(l.env.Stage, seed.Origin.Round, 0)
		r.Failure = schemas.Fail("no_label", "the seed has no label")
		return []*schemas.Record{r}, nil
	}
	var out []*schemas.Record
	for i := range l.Samples {
		a, err := l.ask.ask(ctx, l.vars(seed, i), l.schema, roundAttempt(seed, i))
		var texts []string
		if err == nil {
			texts, err = textsOf(a, "texts", l.N)
		}
		if err != nil {
			made, err := l.ask.failed(seed.Child(l.env.Stage, seed.Origin.Round, i*l.N), a, err)
			if err != nil {
				return nil, err
			}
			out = append(out, made...)
			continue
		}
		for j, text := range texts {
			r := seed.Child(l.env.Stage, seed.Origin.Round, i*l.N+j)
			l.ask.book(r, a, j, len(texts))
			text, err := usable(text, true)
			if r.Text = text; err != nil {
				r.Failure, _ = errors.AsType[*schemas.Failure](err)
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// vars are what the prompt of one request shows.
func (l *Label) vars(seed *schemas.Record, sample int) map[string]any {
	rng := draw(l.env.Seed, l.env.Stage, seed, sample)
	label := seed.Label()
	demos := append([]*schemas.Record{seed}, demo(l.env.Pool, l.env.Pool.ByLabel[label], l.Demos-1, seed.ID, rng)...)
	other := l.nearest[label]
	contrast := demo(l.env.Pool, l.env.Pool.ByLabel[other], l.Contrast, seed.ID, rng)
	v := expr.Vars(seed)
	v["n"], v["other"], v["description"] = l.N, other, l.Describe[label]
	v["demos"], v["contrast"], v["attributes"] = examples(demos), examples(contrast), []string{}
	if l.Attributes {
		v["attributes"] = attributes(l.N, rng)
	}
	v["fence"] = fenceOf(demos, contrast)
	return v
}

func examples(rs []*schemas.Record) []any {
	list := make([]any, len(rs))
	for i, r := range rs {
		list[i] = map[string]any{"text": r.Content(), "label": r.Label()}
	}
	return list
}

func fenceOf(lists ...[]*schemas.Record) string {
	var all []string
	for _, l := range lists {
		for _, r := range l {
			all = append(all, r.Content())
		}
	}
	return fence(all...)
}

// attributes draws one line for each text.
func attributes(n int, rng *rand.Rand) []string {
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	lines := make([]string, n)
	for i := range lines {
		lines[i] = strings.Join([]string{pick(attributeLengths), pick(attributeTones), pick(attributeSituations)}, ", ")
	}
	return lines
}

// textsOf returns up to n strings of the list called key.
func textsOf(a llm.Answer, key string, n int) ([]string, error) {
	m, err := object(a)
	if err != nil {
		return nil, err
	}
	list, _ := m[key].([]any)
	var texts []string
	for _, e := range list[:min(n, len(list))] {
		s, ok := e.(string)
		if !ok {
			return nil, schemas.Fail("schema", "%s holds something other than texts", key)
		}
		texts = append(texts, s)
	}
	if len(texts) == 0 {
		return nil, schemas.Fail("empty", "%s is missing or empty", key)
	}
	return texts, nil
}
