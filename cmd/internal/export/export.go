// Package export writes rows of a dataset in the layouts that trainers and tools read. It is strict: a row that a layout cannot hold
// is a [Misfit] that says what would be lost, never a row with less in it. The order and bytes of what it writes depend on the
// rows alone.
//
// formats.go lists what there is; stored.go writes rows as they are stored, csv.go tables of plain values; dialogue.go, preference.go and
// classification.go are the layouts of trainers, turns.go what they need of conversations; labels.go numbers labels; file.go writes a
// file whole or not at all.
package export

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sluice/cmd/internal/rows"
	"sluice/schemas"
)

// Options say what is written of each row.
type Options struct {
	Format  string
	Schema  *schemas.Schema
	Columns []string // of csv and jsonl: these alone, in this order
	Labels  []string // of classification: write the place of each label in this list, from 0; nil: write names

	// Columns of rows of text that dialogue layouts take for the turns: see [Format.Turns].
	Prompt, Completion, System string
}

// A Writer writes records. A row that does not fit ends with a [*Misfit], of which nothing is written; it may be skipped.
type Writer interface {
	Write(r *schemas.Record) error
	Close() error // completes the file; the underlying writer stays open
}

// A Misfit is a row that the layout cannot hold.
type Misfit struct {
	ID  schemas.ID
	Why string
}

func (e *Misfit) Error() string {
	return fmt.Sprintf("row %s does not fit: %s", rows.Short(e.ID), e.Why)
}

// A UsageError is an export that makes no sense, with the remedy where one is known.
type UsageError struct {
	Err  error
	Hint string
}

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usage(hint, format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...), hint}
}

// New returns a writer of o.Format on w, or a [*UsageError].
func New(w io.Writer, o Options) (Writer, error) {
	f, err := Find(o.Format)
	if err != nil {
		return nil, err
	}
	if err := f.check(&o); err != nil {
		return nil, err
	}
	switch {
	case f.Name == "csv" || f.Name == "tsv":
		return newTable(w, &o, f.Name == "tsv")
	case f.layout == nil && len(o.Columns) > 0:
		return newMembers(w, &o)
	case f.layout == nil:
		return newStored(w, &o)
	}
	t, err := newTurns(&o)
	if err != nil {
		return nil, err
	}
	return &lines{w: w, layout: f.layout, env: &env{turns: t, labels: o.Labels, kind: o.Schema.Kind}}, nil
}

// check finds settings that the format does not know, and kinds of rows that it has no layout for.
func (f *Format) check(o *Options) error {
	k := o.Schema.Kind
	mapped := o.Prompt != "" || o.Completion != "" || o.System != ""
	textual := k == schemas.Text || k == schemas.Labeled || k == schemas.Multi
	switch {
	case len(o.Columns) > 0 && !f.Columns:
		return usage("csv, tsv and jsonl take columns", "--columns does not go with --format %s: its members are fixed", f.Name)
	case o.Labels != nil && f.Name != "classification":
		return usage("", "--label-ids goes with --format classification alone")
	case mapped && !f.Turns:
		return usage("", "--prompt, --completion and --system do not go with --format %s", f.Name)
	case mapped && !textual:
		return usage("leave --prompt, --completion and --system out", "rows of kind %s have turns of their own", k)
	case f.Turns && textual && (o.Prompt == "" || o.Completion == ""):
		return usage("name the columns to make them of: --prompt COLUMN --completion COLUMN, such as "+textColumns(o.Schema),
			"rows of kind %s have no prompt and completion", k)
	case f.Turns && textual:
		return nil
	case !slices.Contains(f.Kinds, k):
		return usage("rows of kind "+string(k)+" go as "+strings.Join(namesFor(k), ", "), "--format %s cannot hold rows of kind %s", f.Name, k)
	}
	return nil
}

// lines writes one JSON object, or a few, for each record.
type lines struct {
	w      io.Writer
	layout layout
	env    *env
}

func (l *lines) Write(r *schemas.Record) error {
	l.env.out = l.env.out[:0]
	if err := l.layout(l.env, r); err != nil {
		return err
	}
	_, err := l.w.Write(l.env.out)
	return err
}

func (l *lines) Close() error { return nil }

// A layout appends the rows of one record to env.out.
type layout func(e *env, r *schemas.Record) error

// env is what layouts need beside the record.
type env struct {
	turns  *turns
	labels []string
	kind   schemas.Kind

	object rows.Object
	out    []byte
}

// member is one member of a JSON object.
type member struct {
	name  string
	value any
}

// row appends one object.
func (e *env) row(members ...member) {
	e.object.Open()
	for _, m := range members {
		e.object.Value(m.name, m.value)
	}
	e.out = append(e.out, e.object.Close()...)
}

func misfit(r *schemas.Record, format string, args ...any) error {
	return &Misfit{r.ID, fmt.Sprintf(format, args...)}
}

// IsMisfit reports whether err is about one row.
func IsMisfit(err error) (*Misfit, bool) { return errors.AsType[*Misfit](err) }
