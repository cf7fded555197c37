// Package filters judges records: keep, revise, or drop with a reason; scores and columns come along. Each filter
// is one file, named as recipes name it; its struct is its configuration and its reference, with the source of the rules. A
// filter sees one record at a time and keeps nothing between records; one that must see all of them first is a Fitter (top.go).
//
// It is not the place for what two records have in common: that is dedup. Counting and rejects are the engine's.
//
//	length.go language.go         size and language
//	repetition.go ngrams.go       Gopher's repetition rules
//	seedcopy.go                   copies of seeds
//	expr.go schema.go top.go      conditions, JSON Schema, the best share by a score
//	judge.go                      a model with a rubric (prompts/*.tmpl)
//	exec.go process.go …          an outside program
package filters

import (
	"errors"
	"fmt"

	"sluice/pipeline"
	"sluice/pipeline/catalog"
	"sluice/pipeline/expr"
	"sluice/pipeline/prompt"
	"sluice/schemas"
)

// Catalog lists every filter with its defaults.
var Catalog = catalog.Catalog[pipeline.Filter]{
	"exec":       func() pipeline.Filter { return &Exec{Processes: 1, Timeout: 30, Restarts: 10} },
	"expr":       func() pipeline.Filter { return &Expr{Reason: "expression"} },
	"judge":      func() pipeline.Filter { return &Judge{Rubric: "clarity", Scale: 5, Min: 0.5, MaxChars: 8000} },
	"language":   func() pipeline.Filter { return &Language{Allow: []string{"en"}, Min: 0.2, Short: 60} },
	"length":     func() pipeline.Filter { return &Length{Unit: "chars"} },
	"repetition": func() pipeline.Filter { return newRepetition() },
	"schema":     func() pipeline.Filter { return &Schema{} },
	"seedcopy":   func() pipeline.Filter { return &SeedCopy{Run: 12, Coverage: 0.5} },
	"top":        func() pipeline.Filter { return &Top{Share: 0.5} },
}

// wrong is an error about one key of the configuration.
func wrong(key, format string, args ...any) error {
	return &pipeline.KeyError{Key: key, Err: fmt.Errorf(format, args...)}
}

// place turns an error of a template or an expression into one about a key, with line and column.
func place(key string, err error) error {
	if e, ok := errors.AsType[*prompt.Error](err); ok {
		return &pipeline.KeyError{Key: key, Line: e.Line, Column: e.Column, Hint: e.Hint, Err: errors.New(e.Message)}
	}
	if e, ok := errors.AsType[*expr.Error](err); ok {
		return &pipeline.KeyError{Key: key, Line: e.Line, Column: e.Column, Hint: e.Hint, Err: errors.New(e.Message)}
	}
	return err
}

// value returns a column of a record: a user column, or the text.
func value(r *schemas.Record, column string) any {
	if column == "" || column == "text" {
		return r.Content()
	}
	return r.Columns[column]
}

// knownColumn finds a column that no record has.
func knownColumn(c pipeline.CheckEnv, key, column string) error {
	if c.Schema == nil || column == "" || column == "text" {
		return nil
	}
	if _, ok := c.Schema.Column(column); ok {
		return nil
	}
	names := []string{"text"}
	for _, col := range c.Schema.Columns {
		names = append(names, col.Name)
	}
	e := &pipeline.KeyError{Key: key, Err: fmt.Errorf("there is no column %q", column)}
	if near := catalog.Nearest(column, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}
