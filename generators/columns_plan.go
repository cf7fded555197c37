package generators

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/pipeline"
	"sluice/pipeline/expr"
	"sluice/pipeline/prompt"
	"sluice/schemas"
)

// step is one column ready to be made.
type step struct {
	col  *Column
	typ  schemas.Type
	uses []string // columns of the same stage that it reads
	when *expr.Program
	expr *expr.Program
	ask  *asker
}

// arrange checks every column and orders them so that each comes after those it reads; among
// columns that are free to be made, the first declared goes first. Errors are all joined.
func (c *Columns) arrange(s *schemas.Schema) ([]*step, error) {
	var errs []error
	reserved, _ := expr.Known(expr.Fields{})
	steps := make([]*step, 0, len(c.List))
	names := map[string]bool{}
	for i := range c.List {
		col := &c.List[i]
		switch {
		case col.Name == "":
			errs = append(errs, wrong(i, "", fmt.Errorf("column %d has no name", i+1)))
		case names[col.Name]:
			errs = append(errs, wrong(i, "name", fmt.Errorf("column %s is given twice", col.Name)))
		case slices.Contains(reserved, col.Name):
			errs = append(errs, wrong(i, "name", fmt.Errorf("column %s has the name of a field of every record: choose another", col.Name)))
		case !isName(col.Name):
			errs = append(errs, wrong(i, "name", fmt.Errorf("column %q: a name is letters, digits and _, and starts with a letter", col.Name)))
		}
		names[col.Name] = true
	}
	f := expr.Fields{Schema: s, Extra: c.declared()}
	for i := range c.List {
		st, err := c.List[i].step(i, f, names)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		steps = append(steps, st)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return sorted(steps)
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !('a' <= r && r <= 'z') && !('A' <= r && r <= 'Z') && (i == 0 || !('0' <= r && r <= '9')) {
			return false
		}
	}
	return s != ""
}

// wrong is an error about column i: about one of its keys, where key is not empty.
func wrong(i int, key string, err error) error {
	at := []string{strconv.Itoa(i)}
	if key != "" {
		at = append(at, key)
	}
	return &pipeline.KeyError{Key: "columns", At: at, Err: err}
}

// step checks one column, the one at position i, and finds what it reads.
func (c *Column) step(i int, f expr.Fields, names map[string]bool) (*step, error) {
	s := &step{col: c}
	bad := func(key string, err error) error {
		k := &pipeline.KeyError{Key: "columns", At: []string{strconv.Itoa(i), key}, Err: fmt.Errorf("column %s: %s: %w", c.Name, key, err)}
		if e, ok := errors.AsType[*prompt.Error](err); ok {
			k.Line, k.Column, k.Hint, k.Err = e.Line, e.Column, e.Hint, fmt.Errorf("column %s: %s: %s", c.Name, key, e.Message)
		}
		if e, ok := errors.AsType[*expr.Error](err); ok {
			k.Line, k.Column, k.Hint, k.Err = e.Line, e.Column, e.Hint, fmt.Errorf("column %s: %s: %s", c.Name, key, e.Message)
		}
		return k
	}
	var err error
	if s.typ, err = c.typ(); err != nil {
		return nil, wrong(i, "", fmt.Errorf("column %s: %w", c.Name, err))
	}
	if err := c.checkSampler(); err != nil {
		return nil, wrong(i, "", fmt.Errorf("column %s: %w", c.Name, err))
	}
	read := map[string]bool{}
	if c.When != "" {
		if s.when, err = expr.Compile(c.When, expr.Bool, f); err != nil {
			return nil, bad("when", err)
		}
		s.reads(s.when.Names(), names, read)
	}
	if c.Expr != "" {
		if s.expr, err = expr.Compile(c.Expr, expr.Any, f); err != nil {
			return nil, bad("expr", err)
		}
		s.reads(s.expr.Names(), names, read)
	}
	for _, tpl := range [][2]string{{"system", c.System}, {"prompt", c.Prompt}} {
		t, err := prompt.Parse("column "+c.Name+": "+tpl[0], tpl[1])
		if err == nil {
			if known, ok := expr.Known(f); ok {
				err = t.Check(known)
			}
		}
		if err != nil {
			return nil, bad(tpl[0], err)
		}
		s.reads(t.Variables(), names, read)
	}
	slices.Sort(s.uses)
	return s, nil
}

// reads notes those of vars that are columns of the stage.
func (s *step) reads(vars []string, names, seen map[string]bool) {
	for _, v := range vars {
		if names[v] && !seen[v] {
			seen[v] = true
			s.uses = append(s.uses, v)
		}
	}
}

// sorted orders steps topologically; of a cycle it reports the path: review → reply → review.
func sorted(steps []*step) ([]*step, error) {
	made := map[string]bool{}
	var out []*step
	for len(out) < len(steps) {
		i := slices.IndexFunc(steps, func(s *step) bool {
			return !made[s.col.Name] && !slices.ContainsFunc(s.uses, func(u string) bool { return !made[u] })
		})
		if i < 0 {
			return nil, &pipeline.KeyError{Key: "columns", Err: fmt.Errorf("columns depend on one another: %s", strings.Join(cycle(steps, made), " → "))}
		}
		made[steps[i].col.Name] = true
		out = append(out, steps[i])
	}
	return out, nil
}

// cycle walks from a column that cannot be made along columns that cannot be made until one comes again.
func cycle(steps []*step, made map[string]bool) []string {
	at := slices.IndexFunc(steps, func(s *step) bool { return !made[s.col.Name] })
	var path []string
	for {
		name := steps[at].col.Name
		if i := slices.Index(path, name); i >= 0 {
			return append(path[i:], name)
		}
		path = append(path, name)
		next := steps[at].uses[slices.IndexFunc(steps[at].uses, func(u string) bool { return !made[u] })]
		at = slices.IndexFunc(steps, func(s *step) bool { return s.col.Name == next })
	}
}
