package export

import (
	"io"
	"strconv"
	"strings"

	"sluice/cmd/internal/rows"
	"sluice/schemas"
)

// table writes CSV (RFC 4180, but with line feeds alone): a null is nothing between two commas, an empty text is "" in quotes, so that
// readers that care can tell them apart. With tabulators rows are lines: a text with a tabulator or a line break does not fit, and an
// empty text is like a null.
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
	t.line = t.line[:0]
	for i, c := range t.columns {
		if i > 0 {
			t.line = append(t.line, t.delimiter)
		}
		switch x := c.Get(rows.Row{Record: r}).(type) {
		case nil:
		case string:
			if t.delimiter == '\t' && strings.ContainsAny(x, "\t\r\n") {
				return misfit(r, "its %s has a tabulator or a line break; csv can hold it", c.Name)
			}
			t.line = t.cell(t.line, x)
		default:
			t.line = rows.AppendValue(t.line, x)
		}
	}
	if err := t.header(); err != nil {
		return err
	}
	_, err := t.w.Write(append(t.line, '\n'))
	return err
}

// header writes the names of the columns, once.
func (t *table) header() error {
	if t.begun {
		return nil
	}
	t.begun = true
	var line []byte
	for i, c := range t.columns {
		if i > 0 {
			line = append(line, t.delimiter)
		}
		line = t.cell(line, c.Name)
	}
	_, err := t.w.Write(append(line, '\n'))
	return err
}

// cell appends a text, in quotes where a reader needs them. In CSV a text that looks like another type stays one for readers that
// heed quotes; with tabulators a text is as it is unless it begins with a quote, which readers would take for their own.
func (t *table) cell(line []byte, s string) []byte {
	plain := s != "" && !strings.ContainsAny(s, "\"\r\n,") && s == strings.TrimSpace(s) && !typed(s)
	if t.delimiter == '\t' {
		plain = !strings.HasPrefix(s, `"`)
	}
	if plain {
		return append(line, s...)
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(s, `"`, `""`)...)
	return append(line, '"')
}

func typed(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil || s == "true" || s == "false"
}

func (t *table) Close() error { return t.header() }
