package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// csvRows reads RFC 4180 with any one-rune delimiter, strictly: a quote inside an unquoted field or after a quoted
// one, or a wrong number of fields, costs that row. All values are strings; see [Type.Parse].
//
// With tabs, rows are lines: a field that is quoted is taken out of its quotes, and any other quote is a character, since files
// with and without quoting are equally common.
//
// It does not use encoding/csv, which holds a line of any length in memory.
type csvRows struct {
	in     *lineReader
	delim  string
	tabs   bool
	names  []string
	record []byte // lines of one record joined, where quotes hold newlines
	first  bool   // the first line has been read to count the columns and is yet to be returned
	held   []string
}

func openCSV(path string, o ReadOptions) (*csvRows, error) {
	in, err := openLines(path, o.MaxLine)
	if err != nil {
		return nil, err
	}
	c := &csvRows{in: in, delim: ",", names: o.Names}
	switch {
	case o.Delimiter != 0:
		c.delim = string(o.Delimiter)
	case o.Format == "tsv":
		c.delim = "\t"
	}
	c.tabs = c.delim == "\t"
	if err := c.header(o.NoHeader); err != nil {
		in.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func (c *csvRows) Close() error { return c.in.Close() }

// header fixes the names of the columns.
func (c *csvRows) header(none bool) error {
	if none && len(c.names) > 0 {
		return nil
	}
	b, err := c.lines()
	if err == io.EOF {
		return nil // an empty file has no rows
	}
	if err != nil {
		return err
	}
	fields, err := c.split(b)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	switch {
	case none:
		for i := range fields {
			c.names = append(c.names, fmt.Sprintf("column%d", i+1))
		}
		c.first, c.held = true, fields
	case len(c.names) == 0:
		c.names = fields
	}
	for i, n := range c.names {
		if slices.Contains(c.names[:i], n) {
			return fmt.Errorf("header: two columns are named %q: give names in the recipe", n)
		}
	}
	return nil
}

func (c *csvRows) next() (Row, error) {
	if c.first {
		c.first = false
		return c.row(c.held, nil)
	}
	b, err := c.lines()
	if long, ok := errors.AsType[*errLong](err); ok {
		return Row{Err: long}, nil
	}
	if err != nil {
		return Row{}, err
	}
	fields, err := c.split(b)
	if err != nil {
		return Row{Err: err, Raw: excerpt(b)}, nil
	}
	return c.row(fields, b)
}

func (c *csvRows) row(fields []string, raw []byte) (Row, error) {
	if len(fields) != len(c.names) {
		return Row{Err: fmt.Errorf("%d fields, want %d", len(fields), len(c.names)), Raw: excerpt(raw)}, nil
	}
	m := make(map[string]any, len(fields))
	for i, f := range fields {
		m[c.names[i]] = f
	}
	return Row{Values: m}, nil
}

// lines returns the next record: a line, or several where a line ends inside quotes.
func (c *csvRows) lines() ([]byte, error) {
	c.record = c.record[:0]
	inside := false
	for {
		b, err := c.in.next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			if inside {
				return nil, fmt.Errorf("a quote is opened and never closed, from %q on", excerpt(c.record))
			}
			return nil, io.EOF
		}
		if !inside && (len(b) == 0 || !c.tabs && blank(b)) {
			continue
		}
		if c.tabs {
			return b, nil
		}
		if inside = c.endsInside(b, inside); !inside && len(c.record) == 0 {
			return b, nil
		}
		if len(c.record)+len(b) > c.in.max {
			return nil, fmt.Errorf("a quote is opened and not closed within %d bytes, from %q on", c.in.max, excerpt(c.record))
		}
		c.record = append(c.record, b...)
		if !inside {
			return c.record, nil
		}
		c.record = append(c.record, '\n')
	}
}

// endsInside reports whether a line ends inside quotes, if it starts inside them or not. Only a quote at
// the start of a field opens any.
func (c *csvRows) endsInside(b []byte, inside bool) bool {
	for {
		if inside {
			q := bytes.IndexByte(b, '"')
			if q < 0 {
				return true
			}
			if b = b[q+1:]; len(b) > 0 && b[0] == '"' { // "" is a quote in the text
				b = b[1:]
				continue
			}
		} else if len(b) > 0 && b[0] == '"' {
			b, inside = b[1:], true
			continue
		}
		inside = false
		d := bytes.Index(b, []byte(c.delim))
		if d < 0 {
			return false
		}
		b = b[d+len(c.delim):]
	}
}

// split cuts a record into its fields.
//
//	a,"b ""c"", d",  →  a  b "c", d  (empty)
func (c *csvRows) split(b []byte) ([]string, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("not valid UTF-8")
	}
	fields := make([]string, 0, len(c.names))
	rest := string(b)
	for {
		f, after, more, err := c.field(rest)
		if err != nil {
			return nil, fmt.Errorf("field %d: %w", len(fields)+1, err)
		}
		if fields = append(fields, f); !more {
			return fields, nil
		}
		rest = after
	}
}

// field reads the next field; more tells whether a delimiter followed.
func (c *csvRows) field(rest string) (f, after string, more bool, err error) {
	if strings.HasPrefix(rest, `"`) {
		f, after, err = quotedField(rest[1:])
		if err == nil {
			if after == "" {
				return f, "", false, nil
			}
			if after, more = strings.CutPrefix(after, c.delim); more {
				return f, after, true, nil
			}
			err = errors.New("text after the closing quote")
		}
		if !c.tabs {
			return "", "", false, err
		}
	}
	f, after, more = strings.Cut(rest, c.delim)
	if !c.tabs && strings.Contains(f, `"`) {
		return "", "", false, errors.New("a quote inside an unquoted field")
	}
	return f, after, more, nil
}

// quotedField reads a field behind its opening quote, up to and with the closing one.
func quotedField(s string) (field, after string, err error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return "", "", errors.New("the closing quote is missing")
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteString(s[:i+1])
			s = s[i+2:]
			continue
		}
		if b.Len() == 0 {
			return s[:i], s[i+1:], nil
		}
		b.WriteString(s[:i])
		return b.String(), s[i+1:], nil
	}
}
