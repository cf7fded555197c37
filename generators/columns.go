package generators

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"sluice/pipeline"
	"sluice/pipeline/expr"
	"sluice/pipeline/prompt"
	"sluice/schemas"
)

// Columns makes records of several columns: drawn at random, computed by an expression, or written by a model whose prompt names
// other columns. Dependencies are found in the templates and expressions, so columns may be declared in any order; a cycle
// is an error that names it.
//
//	model: writer
//	columns:
//	  - {name: topic,  category: [delivery, refund, quality]}
//	  - {name: stars,  int: {min: 1, max: 5}}
//	  - {name: angry,  expr: "stars <= 2", type: bool}
//	  - {name: review, prompt: "Write a {{ stars }}-star review about {{ topic }}."}
//	  - {name: reply,  prompt: "Answer this review: {{ review }}", when: angry}
//	text: "{{ review }}"
//	label: "{{ topic }}"
//
// A column whose `when` is not true is null and costs nothing; columns that depend on it see null. Every column has a type that is
// fixed before the first row (see [Column]). Templates and expressions also see the seed's fields. Columns of the seed
// are inherited; drop names columns that are only stepping stones and are not kept.
//
// The record's content is made by text (for chat: by messages) and label; what is not given is inherited from the seed.
type Columns struct {
	Model    string   `yaml:"model"`    // of prompt columns that name none
	Samples  int      `yaml:"samples"`  // records per seed
	List     []Column `yaml:"columns"`  // the columns, in the order of the dataset
	Text     string   `yaml:"text"`     // template of the record's text; empty: the seed's
	Label    string   `yaml:"label"`    // template of its label; empty: the seed's labels
	Messages []Turn   `yaml:"messages"` // templates of its messages, for chat records; empty: the seed's
	Drop     []string `yaml:"drop"`     // columns that are used but not kept

	env   *pipeline.Env
	plan  []*step
	text  *prompt.Template
	label *prompt.Template
	turns []*prompt.Template
}

// Turn is one message of a chat record.
type Turn struct {
	Role    string `yaml:"role"`    // system, user, assistant
	Content string `yaml:"content"` // template
}

// Check finds wrong columns, templates, expressions and cycles.
func (c *Columns) Check(e pipeline.CheckEnv) error {
	var errs []error
	if err := samplesIn(c.Samples, maxSamples); err != nil {
		errs = append(errs, err)
	}
	if len(c.List) == 0 {
		errs = append(errs, &pipeline.KeyError{Key: "columns", Err: errors.New("no columns are given")})
	}
	_, err := c.arrange(e.Schema)
	errs = append(errs, err)
	f := expr.Fields{Schema: e.Schema, Extra: c.declared()}
	errs = append(errs, checkTemplate("text", c.Text, f), checkTemplate("label", c.Label, f))
	for i, t := range c.Messages {
		at := []string{strconv.Itoa(i), "content"}
		err := checkTemplate("messages", t.Content, f)
		if e, ok := errors.AsType[*pipeline.KeyError](err); ok {
			e.At = at
		}
		errs = append(errs, err)
		if t.Role == "" {
			errs = append(errs, &pipeline.KeyError{Key: "messages", At: at[:1], Err: errors.New("a message needs a role")})
		}
	}
	for _, d := range c.Drop {
		if c.column(d) == nil {
			errs = append(errs, &pipeline.KeyError{Key: "drop", Err: fmt.Errorf("there is no column %q here", d)})
		}
	}
	if e.Schema != nil && (e.Schema.Kind == schemas.Preference || e.Schema.Kind == schemas.Chat && c.Text != "") {
		errs = append(errs, &pipeline.KeyError{Key: "text", Err: fmt.Errorf("records of kind %s have no text", e.Schema.Kind)})
	}
	return errors.Join(errs...)
}

func (c *Columns) column(name string) *Column {
	for i := range c.List {
		if c.List[i].Name == name {
			return &c.List[i]
		}
	}
	return nil
}

// declared are the columns with their types; wrong ones are left out, [Columns.Check] reports them.
func (c *Columns) declared() []schemas.Column {
	var cols []schemas.Column
	for i := range c.List {
		if t, err := c.List[i].typ(); err == nil {
			cols = append(cols, schemas.Column{Name: c.List[i].Name, Type: t})
		}
	}
	return cols
}

// Columns returns the columns that are kept, with their types.
func (c *Columns) Columns() []schemas.Column {
	var kept []schemas.Column
	for _, col := range c.declared() {
		if !c.dropped(col.Name) {
			kept = append(kept, col)
		}
	}
	return kept
}

func (c *Columns) dropped(name string) bool {
	for _, d := range c.Drop {
		if d == name {
			return true
		}
	}
	return false
}

// Models returns the models of all prompt columns.
func (c *Columns) Models() []string {
	var names []string
	seen := map[string]bool{}
	for i := range c.List {
		if m := c.List[i].modelOr(c.Model); c.List[i].Prompt != "" && !seen[m] {
			seen[m] = true
			names = append(names, m)
		}
	}
	return names
}

// Forecast counts every prompt column once for each record: conditions are not known before the rows are.
func (c *Columns) Forecast() (requests, made float64) {
	for i := range c.List {
		if c.List[i].Prompt != "" {
			requests++
		}
	}
	return requests * float64(c.Samples), float64(c.Samples)
}

// Open arranges the columns and finds their models.
func (c *Columns) Open(_ context.Context, env *pipeline.Env) (err error) {
	c.env = env
	if c.plan, err = c.arrange(env.Schema); err != nil {
		return err
	}
	for _, s := range c.plan {
		if err := s.open(env, c.Model); err != nil {
			return fmt.Errorf("column %s: %w", s.col.Name, err)
		}
	}
	if c.text, err = optional("text", c.Text); err != nil {
		return err
	}
	if c.label, err = optional("label", c.Label); err != nil {
		return err
	}
	for _, t := range c.Messages {
		tpl, err := prompt.Parse("messages", t.Content)
		if err != nil {
			return err
		}
		c.turns = append(c.turns, tpl)
	}
	return nil
}

func optional(name, src string) (*prompt.Template, error) {
	if src == "" {
		return nil, nil
	}
	return prompt.Parse(name, src)
}

// Generate returns the records of all samples. A column that cannot be made fails its record.
func (c *Columns) Generate(ctx context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	fields := expr.Vars(seed)
	var out []*schemas.Record
	for i := range c.Samples {
		r := seed.Child(c.env.Stage, seed.Origin.Round, i)
		if r.Columns == nil {
			r.Columns = map[string]any{}
		}
		if err := c.fill(ctx, seed, r, maps.Clone(fields), i); err != nil {
			f, ok := errors.AsType[*schemas.Failure](err)
			if !ok {
				return nil, err
			}
			r.Failure = f
		}
		for _, d := range c.Drop {
			delete(r.Columns, d)
		}
		out = append(out, r)
	}
	return out, nil
}

// fill makes the columns of r one after the other, then its content. Each column draws from numbers of its own, so that adding
// a column changes no other.
func (c *Columns) fill(ctx context.Context, seed, r *schemas.Record, vars map[string]any, sample int) error {
	for _, s := range c.plan {
		v, err := s.value(ctx, seed, r, vars, c.env, sample)
		if f, ok := errors.AsType[*schemas.Failure](err); ok {
			return schemas.Fail(f.Reason, "column %s: %w", s.col.Name, cmp.Or(f.Err, err))
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", s.col.Name, err)
		}
		if err := s.typ.Check(s.col.Name, v); err != nil {
			return &schemas.Failure{Reason: "schema", Err: err}
		}
		r.Columns[s.col.Name], vars[s.col.Name] = v, v
	}
	vars["columns"] = r.Columns
	return c.content(seed, r, vars)
}

// content renders the record's text, label and messages.
func (c *Columns) content(seed, r *schemas.Record, vars map[string]any) (err error) {
	render := func(t *prompt.Template, into *string) {
		if t != nil && err == nil {
			*into, err = t.Render(vars)
		}
	}
	r.Text = seed.Text
	render(c.text, &r.Text)
	var label string
	render(c.label, &label)
	if c.label != nil {
		r.Labels = []string{label}
	}
	r.Messages = append(r.Messages, seed.Messages...)
	if len(c.turns) > 0 {
		r.Messages = make([]schemas.Message, len(c.turns))
	}
	for i, t := range c.turns {
		r.Messages[i].Role = c.Messages[i].Role
		render(t, &r.Messages[i].Content)
	}
	r.Prompt, r.Chosen, r.Rejected = seed.Prompt, seed.Chosen, seed.Rejected
	if err != nil {
		return &schemas.Failure{Reason: "template", Err: err}
	}
	return nil
}
