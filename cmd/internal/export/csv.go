package export

import (
	"io"
	"strconv"
	"strings"

	"sluice/cmd/internal/rows"
	"sluice/schemas"
)

// table writes CSV (RFC 4180, but with line feeds alone) or the same with tabulators. A null is nothing between two delimiters, an empty text
// is "" in quotes, so that readers that care can tell them apart.
type table struct {
	w         io.Writer
	columns   []rows.Column
	delimiter byte
	line      []byte
	begun     bool
}

// newTable takes the columns that are asked for, else the id, the content, the user's columns and the scores. All must be plain values.
func newTable(w io.Writer, o *Options, tabs bool) (Writer, error) {
	t := &table{w: w, delimiter: ','}
	if tabs {
		t.delimiter = '\t'
	}
	var err error
	if t.columns, err = selected(o); err != nil {
		return nil, err
	}
	if len(o.Columns) == 0 {
		for _, c := range rows.Columns(o.Schema, false) {
			if c.Name != "scores" && !strings.HasPrefix(c.Name, "origin.") {
				t.columns = append(t.columns, c)
			}
		}
	}
	for _, c := range t.columns {
		if !c.Flat {
			return nil, usage("use jsonl, parquet or arrow, or name the columns to write: --columns "+strings.Join(flatNames(t.columns), ","),
				"a cell of a table cannot hold the column %s (%s)", c.Name, c.Type)
		}
	}
	return t, nil
}

func flatNames(cs []rows.Column) []string {
	var names []string
	for _, c := range cs {
		if c.Flat {
			names = append(names, c.Name)
		}
	}
	return names
}

func (t *table) Write(r *schemas.Record) error {
	if err := t.header(); err != nil {
		return err
	}
	t.line = t.line[:0]
	for i, c := range t.columns {
		if i > 0 {
			t.line = append(t.line, t.delimiter)
		}
		switch x := c.Get(rows.Row{Record: r}).(type) {
		case nil:
		case string:
			t.cell(x)
		default:
			t.line = rows.AppendValue(t.line, x)
		}
	}
	t.line = append(t.line, '\n')
	_, err := t.w.Write(t.line)
	return err
}

// header writes the names of the columns, once.
func (t *table) header() error {
	if t.begun {
		return nil
	}
	t.begun = true
	for i, c := range t.columns {
		if i > 0 {
			t.line = append(t.line, t.delimiter)
		}
		t.cell(c.Name)
	}
	t.line = append(t.line, '\n')
	_, err := t.w.Write(t.line)
	return err
}

// cell appends a text, in quotes where a reader needs them; a text that looks like another type stays one for readers that heed quotes.
func (t *table) cell(s string) {
	if s != "" && !strings.ContainsAny(s, "\"\r\n"+string(t.delimiter)) && s == strings.TrimSpace(s) && !typed(s) {
		t.line = append(t.line, s...)
		return
	}
	t.line = append(t.line, '"')
	t.line = append(t.line, strings.ReplaceAll(s, `"`, `""`)...)
	t.line = append(t.line, '"')
}

func typed(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil || s == "true" || s == "false"
}

func (t *table) Close() error { return t.header() }
