package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"sluice/schemas"
)

// check lets components check themselves against what reaches them, and follows the schema through the stages.
func (l *loader) check(entries []*entry) {
	var s *schemas.Schema
	if l.recipe.seeds != nil {
		c := *l.recipe.seeds
		c.Columns = slices.Clone(c.Columns)
		s, l.valid = &c, true
	}
	models := slices.Sorted(maps.Keys(l.recipe.Models))
	for _, e := range entries {
		if m, ok := e.spec.Component.(Modeler); ok {
			l.modelNames(e, m.Models(), models)
		}
		if c, ok := e.spec.Component.(Checker); ok && (e.good || e.some) {
			l.checked(e, guard(func() error { return c.Check(CheckEnv{Dir: l.recipe.Dir, Schema: s, Models: models}) }))
		}
		if s != nil {
			s = l.passed(e, s)
		}
	}
	l.recipe.Schema = s
}

// guard turns a component's panic on odd settings into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its check crashed: %v", p)
		}
	}()
	return f()
}

// modelNames reports models that a stage asks and the recipe lacks, at the value that names them.
func (l *loader) modelNames(e *entry, names, known []string) {
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		at := e.name
		for _, f := range e.own {
			if v := resolve(f.value); v.Kind == yaml.ScalarNode && v.Value == name {
				at = v
				break
			}
		}
		switch {
		case name == "" && lookup(e.own, "model") == nil:
			l.bad(at, "name one of the recipe's models: `model: writer`", "%s needs a model", e.spec.Name)
		case len(known) == 0:
			l.bad(at, "define it under `models:`", "model %q is not defined", name)
		default:
			l.bad(at, suggest(name, known), "model %q is not defined", name)
		}
	}
}

// checked reports what a component found wrong with itself, as near to the cause as its error tells.
func (l *loader) checked(e *entry, err error) {
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			l.checked(e, one)
		}
		return
	}
	ke, ok := errors.AsType[*KeyError](err)
	if key := ""; e.some {
		if key, _, _ = strings.Cut(err.Error(), ":"); ok {
			key = ke.Key
		}
		if lookup(e.own, key) == nil {
			return // what is missing may stand under the unknown key
		}
	}
	if ok {
		l.keyError(e, ke)
		return
	}
	message, at := err.Error(), e.name
	if key, _, ok := strings.Cut(message, ":"); ok { // "min: must not exceed max" is about the key min
		if n := lookup(e.own, key); n != nil {
			at = resolve(n)
		}
	}
	l.bad(at, "", "%s: %s", e.spec.Name, message)
}

// keyError points into the value of a key. Lines inside a block scalar are lines of the file below its |.
func (l *loader) keyError(e *entry, ke *KeyError) {
	n := nodeAt(resolve(lookup(e.own, ke.Key)), ke.At)
	if n == nil {
		l.bad(e.name, ke.Hint, "%s: %v", e.spec.Name, ke)
		return
	}
	p := Problem{File: l.file, Line: n.Line, Column: n.Column, Width: l.width(n), Hint: ke.Hint,
		Message: fmt.Sprintf("%s: %v", e.spec.Name, ke)}
	switch _, fromEnv := l.env.nodes[n]; {
	case ke.Line < 1 || n.Kind != yaml.ScalarNode || fromEnv:
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		if line := n.Line + ke.Line; line <= len(l.lines) && n.Style&yaml.LiteralStyle != 0 {
			text := l.lines[line-1]
			p.Line, p.Column, p.Width = line, blockIndent(l.lines[n.Line:], n.Value)+max(1, ke.Column), 1
			p.Column = min(p.Column, len([]rune(text))+1)
		}
	case ke.Line == 1 && ke.Column > 0 && !strings.Contains(n.Value, "\n"):
		p.Column, p.Width = n.Column+ke.Column-1, 1
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			p.Column++
		}
	}
	l.add(p)
}

// nodeAt follows keys and positions in lists from n, as far as they lead.
func nodeAt(n *yaml.Node, path []string) *yaml.Node {
	for _, step := range path {
		var next *yaml.Node
		if fs, ok := fields(n); ok {
			next = lookup(fs, step)
		} else if i, err := strconv.Atoi(step); err == nil && n.Kind == yaml.SequenceNode && i >= 0 && i < len(n.Content) {
			next = n.Content[i]
		}
		if next = resolve(next); next == nil {
			break
		}
		n = next
	}
	return n
}

// blockIndent is how far a block scalar stands in: the spaces before its first line that has text.
func blockIndent(lines []string, value string) int {
	first := strings.TrimLeft(value, "\n")
	first, _, _ = strings.Cut(first, "\n")
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			if i := strings.Index(line, first); i >= 0 {
				return i
			}
			return 0
		}
	}
	return 0
}
