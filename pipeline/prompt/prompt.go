// Package prompt renders Jinja2 templates: the prompts that stages send to models, and the chat templates that
// come with models and tokenizers. It is a leaf: it knows nothing of records, models or recipes, and it is the
// only place that knows which template engine is used.
//
// Two kinds of template differ in trust. [Parse] takes a prompt of a recipe or of a component: strict (an
// undefined name is an error, never an empty string) and without inheritance or includes, because a prompt is one text.
// [ParseChat] takes a template that came with data: lenient about undefined names, as the tokenizers that
// wrote them are, and bounded in source, output, loop steps, call depth and time.
//
// A template reads a copy of its variables and can change nothing outside itself; it has no clock, no random numbers and
// no files, so the same variables always give the same bytes.
//
//	prompt.go       Template: parse, render, hash
//	scan.go         free variables, unknown filters and depth limits, from the tokens
//	lstrip.go       blanks before tags
//	tags.go         what each tag binds, for scan.go
//	environment.go  filters, tests, functions and tags that templates may use
//	guard.go        bounds while rendering
//	value.go        variables copied into the engine's values; Map keeps insertion order
//	tojson.go       the tojson filter, byte for byte that of Hugging Face's chat templates
//	failure.go      errors with line, column and a hint
package prompt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"

	"sluice/pipeline/catalog"
)

// A Template is a parsed Jinja2 template. It may be rendered concurrently.
type Template struct {
	name, src string
	tpl       *exec.Template
	uses      []use
	bounds    bounds
}

// Parse reads a trusted template. The name stands in errors, such as "generators/label: prompt". Tags on a line of their own
// leave no trace (trim_blocks and lstrip_blocks of Jinja2) and one newline at the end is dropped.
//
// An error is of type [*Error] and has line and column. Unknown tags, filters and tests are found here, unknown variables
// by [Template.Check].
func Parse(name, src string) (*Template, error) {
	return parse(name, src, &config.Config{StrictUndefined: true}, trustedBounds, nil)
}

// ParseChat reads a chat template of unknown origin, as found under chat_template in a tokenizer's configuration. It is lenient
// about undefined names and has the functions raise_exception and strftime_now; the latter tells the time now,
// which the caller chooses so that equal inputs give equal bytes.
//
// Rendering it is bounded: source, output, loop steps, range, call depth and time. Multiplication, with which one expression can
// ask for any amount of memory, is refused.
func ParseChat(name, src string, now time.Time) (*Template, error) {
	return parse(name, src, &config.Config{}, chatBounds, chatFunctions(now))
}

func parse(name, src string, c *config.Config, b bounds, functions map[string]any) (t *Template, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, panicked(name, p)
		}
	}()
	if len(src) > b.source {
		return nil, &Error{Name: name, Message: fmt.Sprintf("template of %d bytes is larger than %d", len(src), b.source)}
	}
	c.BlockStartString, c.BlockEndString = "{%", "%}"
	c.VariableStartString, c.VariableEndString = "{{", "}}"
	c.CommentStartString, c.CommentEndString = "{#", "#}"
	c.NewlineSequence = "\n"
	c.TrimBlocks = true

	env := environment(b, functions)
	stripped, shift := leftStrip(src)
	uses, err := scan(name, stripped, c, env, b)
	if err != nil {
		return nil, moved(err, shift)
	}
	const root = "/template"
	loader, err := loaders.NewMemoryLoader(map[string]string{root: stripped})
	if err != nil {
		return nil, err
	}
	tpl, err := exec.NewTemplate(root, c, loader, env)
	if err != nil {
		return nil, moved(syntax(name, err), shift)
	}
	for i := range uses {
		uses[i].column += shiftOf(shift, uses[i].line)
	}
	return &Template{name: name, src: src, tpl: tpl, uses: uses, bounds: b}, nil
}

// Name returns the name given to [Parse].
func (t *Template) Name() string { return t.name }

// Hash names the template's text: 32 hexadecimal digits of its SHA-256.
func (t *Template) Hash() string {
	sum := sha256.Sum256([]byte(t.src))
	return hex.EncodeToString(sum[:16])
}

// Variables returns the names that the template reads and does not bind itself, sorted.
//
//	{% for t in texts %}{{ t }}: {{ label }}{% endfor %}   →   label, texts
func (t *Template) Variables() []string {
	names := map[string]bool{}
	for _, u := range t.uses {
		names[u.name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Attributes returns the attributes of the variable that the template reads by name, sorted: those of
// origin in "{{ origin.model }} {{ origin['row'] }}" are model and row.
func (t *Template) Attributes(variable string) []string {
	names := map[string]bool{}
	for _, u := range t.uses {
		if u.name == variable && u.attr != "" {
			names[u.attr] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Check returns an error for the first variable that is not among known. A known name may have a dot: then the
// attributes of that variable are checked too ("origin.model" and "origin.row" refuse origin.modle).
func (t *Template) Check(known []string) error {
	for _, u := range t.uses {
		if slices.Contains(known, u.name) && u.attr == "" {
			continue
		}
		bases, attrs := spread(known, u.name)
		if !slices.Contains(bases, u.name) {
			return &Error{Name: t.name, Line: u.line, Column: u.column, Message: fmt.Sprintf("unknown variable %q", u.name),
				Hint: meant(u.name, bases)}
		}
		if u.attr != "" && len(attrs) > 0 && !slices.Contains(attrs, u.attr) {
			return &Error{Name: t.name, Line: u.line, Column: u.column, Message: fmt.Sprintf("%s has no %q", u.name, u.attr),
				Hint: meant(u.attr, attrs)}
		}
	}
	return nil
}

// Render fills the template in. Values are nil, strings, booleans, integers, floats, []any, []string, map[string]any (whose
// keys are walked in sorted order) and [Map] (in insertion order). An error is of type [*Error].
func (t *Template) Render(vars map[string]any) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			text, err = "", panicked(t.name, p)
		}
	}()
	data := make(map[string]any, len(vars)+1)
	for _, u := range t.uses { // only what it reads: a record may hold much more
		if v, ok := vars[u.name]; ok {
			if _, done := data[u.name]; !done {
				data[u.name] = engineValue(v)
			}
		}
	}
	g := &guard{bounds: t.bounds}
	if t.bounds.time > 0 {
		g.deadline = time.Now().Add(t.bounds.time)
	}
	data[guardName] = g
	w := &capped{max: t.bounds.output}
	if err := t.tpl.Execute(w, exec.NewContext(data)); err != nil {
		return "", t.failed(err, g, vars)
	}
	return string(w.b), nil
}

func meant(name string, known []string) string {
	if n := catalog.Nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}
