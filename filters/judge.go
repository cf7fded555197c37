package filters

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/pipeline"
	"sluice/pipeline/catalog"
	"sluice/pipeline/expr"
	"sluice/pipeline/llm"
	"sluice/pipeline/prompt"
	"sluice/schemas"
)

// Judge asks a model to grade a record by a rubric and keeps those with at least min. The model is asked for a reason first and then for a grade
// from 1 to scale; the score is (grade - 1) / (scale - 1), from 0 to 1. Reason: low_score.
//
// A rubric is clarity, helpfulness or correctness, or a text of your own: what the best and the worst grade mean. Temperature is 0. Score and
// reason are kept with the record, dropped or not: the score as judge_<rubric> (or `score`), the reason in the column judge_<rubric>_reason.
//
// A single grade of one model is a noisy and biased measure: models prefer long and neatly formatted texts, and their own. Read a sample of both
// sides of min before you trust it. Texts are cut at max_chars, so that length alone buys no grade beyond it. Judging by rubric: Zheng
// et al.: Judging LLM-as-a-Judge, 2023 (arXiv 2306.05685).
//
// A prompt of your own sees the record's fields, rubric, scale, excerpt (the text, cut) and fence, a line to put around data.
type Judge struct {
	Model     string  `yaml:"model"`      // name of one of the recipe's models
	Rubric    string  `yaml:"rubric"`     // clarity, helpfulness, correctness, or a text
	Min       float64 `yaml:"min"`        // least score kept, 0 to 1
	Scale     int     `yaml:"scale"`      // best grade; the worst is 1
	Score     string  `yaml:"score"`      // name of the score; default: judge_<rubric>, or judge for a rubric of your own
	MaxChars  int     `yaml:"max_chars"`  // of the text shown
	MaxTokens int     `yaml:"max_tokens"` // of the answer. Default: the model's
	Prompt    string  `yaml:"prompt"`     // Jinja2 template in place of the built-in one

	model        llm.Model
	prompt       *prompt.Template
	rubric, name string
	answer       *llm.Schema
}

//go:embed prompts/*.tmpl
var builtin embed.FS

var rubrics = []string{"clarity", "correctness", "helpfulness"}

// builtinPrompt reads prompts/<name>.tmpl; a missing file is a fault of this program.
func builtinPrompt(name string) string {
	b, err := builtin.ReadFile("prompts/" + name + ".tmpl")
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(b))
}

// text returns the rubric in words.
func (j *Judge) text() string {
	if slices.Contains(rubrics, j.Rubric) {
		return builtinPrompt("rubric_" + j.Rubric)
	}
	return j.Rubric
}

func (j *Judge) source() string {
	if j.Prompt != "" {
		return j.Prompt
	}
	return builtinPrompt("judge")
}

func (j *Judge) scoreName() string {
	switch {
	case j.Score != "":
		return j.Score
	case slices.Contains(rubrics, j.Rubric):
		return "judge_" + j.Rubric
	}
	return "judge"
}

// Models returns the model that judges.
func (j *Judge) Models() []string { return []string{j.Model} }

// Scores returns the name of the score.
func (j *Judge) Scores() []string { return []string{j.scoreName()} }

// Columns returns the column with the reason.
func (j *Judge) Columns() []schemas.Column {
	return []schemas.Column{{Name: j.scoreName() + "_reason", Type: schemas.Type{Kind: schemas.String}}}
}

// Forecast returns one request.
func (j *Judge) Forecast() (requests, made float64) { return 1, 0 }

// Check finds wrong rubrics, templates and numbers.
func (j *Judge) Check(c pipeline.CheckEnv) error {
	var errs []error
	if !slices.Contains(rubrics, j.Rubric) && !strings.ContainsAny(j.Rubric, " \n") {
		e := &pipeline.KeyError{Key: "rubric", Err: fmt.Errorf("there is no rubric %q: there are %s, or write your own in a sentence", j.Rubric, strings.Join(rubrics, ", "))}
		if near := catalog.Nearest(j.Rubric, rubrics); near != "" {
			e.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		errs = append(errs, e)
	}
	if !(j.Min >= 0 && j.Min <= 1) {
		errs = append(errs, wrong("min", "a score is from 0 to 1"))
	}
	if j.Scale < 2 || j.Scale > 100 {
		errs = append(errs, wrong("scale", "must be from 2 to 100"))
	}
	if j.MaxChars < 1 {
		errs = append(errs, wrong("max_chars", "must be at least 1"))
	}
	if j.MaxTokens < 0 {
		errs = append(errs, wrong("max_tokens", "must not be negative"))
	}
	t, err := prompt.Parse("prompt", j.source())
	if err == nil {
		if known, ok := expr.Known(expr.Fields{Schema: c.Schema}); ok {
			err = t.Check(append(known, "rubric", "scale", "excerpt", "fence"))
		}
	}
	return errors.Join(append(errs, place("prompt", err))...)
}

// Open finds the model and parses the template.
func (j *Judge) Open(_ context.Context, env *pipeline.Env) (err error) {
	if j.model, err = env.Model(j.Model); err != nil {
		return err
	}
	if j.prompt, err = prompt.Parse("prompt", j.source()); err != nil {
		return err
	}
	j.rubric, j.name = j.text(), j.scoreName()
	j.answer = &llm.Schema{Name: "grade", JSON: json.RawMessage(fmt.Sprintf(`{"type":"object","properties":{"reason":{"type":"string"},"grade":{"type":"integer","minimum":1,"maximum":%d}},"required":["reason","grade"],"additionalProperties":false}`, j.Scale))}
	return nil
}

// Judge grades r.
func (j *Judge) Judge(ctx context.Context, r *schemas.Record) (pipeline.Verdict, error) {
	vars := expr.Vars(r)
	text := shown(r)
	if utf8.RuneCountInString(text) > j.MaxChars {
		text = string([]rune(text)[:j.MaxChars]) + " …"
	}
	vars["rubric"], vars["scale"], vars["excerpt"], vars["fence"] = j.rubric, j.Scale, text, fence(text)
	question, err := j.prompt.Render(vars)
	if err != nil {
		return pipeline.Keep, &schemas.Failure{Reason: "template", Err: err}
	}
	zero := 0.0
	a, err := j.model.Ask(ctx, llm.Request{Messages: []llm.Message{{Role: "user", Content: question}}, Schema: j.answer, Temperature: &zero, MaxTokens: j.MaxTokens})
	v := pipeline.Verdict{Answers: []llm.Answer{a}}
	if err != nil {
		return v, err
	}
	grade, reason, err := gradeOf(a)
	if err != nil {
		return v, err
	}
	if grade < 1 || grade > float64(j.Scale) {
		return v, schemas.Fail("schema", "grade %g is not from 1 to %d", grade, j.Scale)
	}
	score := (grade - 1) / float64(j.Scale-1)
	v.Scores = map[string]float64{j.name: score}
	v.Columns = map[string]any{j.name + "_reason": reason}
	if score < j.Min {
		v.Reason, v.Detail = "low_score", fmt.Sprintf("%.2f: %s", score, reason)
	}
	return v, nil
}

// shown is the record as the judge reads it: its text, or its messages with their roles.
func shown(r *schemas.Record) string {
	if r.Text != "" {
		return r.Text
	}
	var b strings.Builder
	turns := func(title string, ms []schemas.Message) {
		for _, m := range ms {
			fmt.Fprintf(&b, "%s%s: %s\n\n", title, m.Role, m.Content)
		}
	}
	turns("", r.Messages)
	turns("prompt, ", r.Prompt)
	turns("chosen, ", r.Chosen)
	turns("rejected, ", r.Rejected)
	return strings.TrimSpace(b.String())
}

func gradeOf(a llm.Answer) (grade float64, reason string, err error) {
	m, ok := a.Value.(map[string]any)
	if !ok && (a.Value != nil || json.Unmarshal([]byte(a.Text), &m) != nil) {
		return 0, "", schemas.Fail("bad_json", "the answer is no JSON object")
	}
	reason, _ = m["reason"].(string)
	switch g := m["grade"].(type) {
	case float64:
		return g, reason, nil
	case int64:
		return float64(g), reason, nil
	case json.Number:
		grade, err := g.Float64()
		return grade, reason, err
	}
	return 0, "", schemas.Fail("schema", "the answer has no grade")
}
