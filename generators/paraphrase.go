package generators

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"sluice/pipeline"
	"sluice/pipeline/expr"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// Paraphrase asks a model to say a seed's text in other words. Each sample is a request of its own and takes the next
// style of the list, from a random start, so that the rewrites of one seed differ; labels and columns are inherited. Answers are JSON.
//
// Rewrites of real examples were the strongest of the simple methods in Cegin et al.: LLMs vs Established Text Augmentation
// Techniques for Classification, 2024 (arXiv 2408.16502): five per seed buy most of what fifteen do.
//
// A prompt of your own sees the record's fields, style, and fence, a line to put around the text so that it is read as data.
type Paraphrase struct {
	Asking  `yaml:",inline"`
	Samples int      `yaml:"samples"` // rewrites per seed, one request each
	Styles  []string `yaml:"styles"`  // how to write, one a sample, in turn; empty: eight built-in styles

	env *pipeline.Env
	ask *asker
}

var paraphraseStyles = []string{
	"plain and direct, in the fewest words",
	"casual, as in a chat between friends",
	"polite and a little formal",
	"hurried and informal, as typed on a phone",
	"with one more concrete detail that fits",
	"in quite different words, starting differently",
	"as someone who explains the situation first",
	"as someone for whom this is a second language, but correctly",
}

var textAnswer = &llm.Schema{Name: "text", JSON: json.RawMessage(
	`{"type":"object","properties":{"text":{"type":"string","minLength":1}},"required":["text"],"additionalProperties":false}`)}

// Check finds wrong templates and numbers.
func (p *Paraphrase) Check(c pipeline.CheckEnv) error {
	return errors.Join(p.check(c, "paraphrase", "style", "fence"), samplesIn(p.Samples, maxSamples), wantText(c))
}

// Open finds the model and parses the templates.
func (p *Paraphrase) Open(_ context.Context, env *pipeline.Env) (err error) {
	p.env = env
	p.ask, err = p.open(env, "paraphrase")
	return err
}

// Forecast returns a request and a record for each sample.
func (p *Paraphrase) Forecast() (requests, made float64) {
	return float64(p.Samples), float64(p.Samples)
}

// Generate returns one rewrite, or one failure, for each sample.
func (p *Paraphrase) Generate(ctx context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	styles := p.Styles
	if len(styles) == 0 {
		styles = paraphraseStyles
	}
	start := draw(p.env.Seed, p.env.Stage, seed, maxSamples).IntN(len(styles))
	vars := expr.Vars(seed)
	vars["fence"] = fence(seed.Text)
	var out []*schemas.Record
	for i := range p.Samples {
		vars["style"] = styles[(start+i)%len(styles)]
		r := seed.Child(p.env.Stage, seed.Origin.Round, i)
		a, err := p.ask.ask(ctx, vars, textAnswer, roundAttempt(seed, i))
		if err == nil {
			r.Text, err = textOf(a)
		}
		if err != nil {
			made, err := p.ask.failed(r, a, err)
			if err != nil {
				return nil, err
			}
			out = append(out, made...)
			continue
		}
		p.ask.book(r, a, 0, 1)
		out = append(out, r)
	}
	return out, nil
}

// textOf returns the field text of a structured answer.
func textOf(a llm.Answer) (string, error) {
	m, err := object(a)
	if err != nil {
		return "", err
	}
	s, ok := m["text"].(string)
	return usable(s, ok)
}

// usable refuses what is no text of its own: nothing, or a copy of the fence around the data.
func usable(s string, ok bool) (string, error) {
	switch s = strings.TrimSpace(s); {
	case !ok:
		return "", schemas.Fail("schema", "a text is missing in the answer")
	case s == "":
		return "", schemas.Fail("empty", "the text is empty")
	case strings.Contains(s, "=== data "):
		return "", schemas.Fail("injection", "the text holds a fence of the prompt")
	}
	return s, nil
}
