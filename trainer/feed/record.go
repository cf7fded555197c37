package feed

import (
	"compress/gzip"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"unicode/utf8"

	"sluice/schemas"
)

// records reads a shard. Rows of a plain file become records by the form's names of columns.
func (s shard) records(f Form) iter.Seq2[*schemas.Record, error] {
	switch {
	case s.rows >= 0:
		return schemas.ReadShard(s.path)
	case isText(s.path):
		return s.text()
	}
	return func(yield func(*schemas.Record, error) bool) {
		for row, err := range schemas.ReadRows(s.path, schemas.ReadOptions{}) {
			if err == nil {
				err = row.Err
			}
			if err != nil {
				yield(nil, fmt.Errorf("%s: row %d: %w", s.path, row.N, err))
				return
			}
			r, err := plain(row.Values, f)
			if err != nil {
				yield(nil, fmt.Errorf("%s: row %d: %w", s.path, row.N, err))
				return
			}
			if r.ID.IsZero() {
				r.ID = schemas.SeedID(s.name, row.N)
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// plain makes a record of the values of a row.
func plain(values map[string]any, f Form) (*schemas.Record, error) {
	r := &schemas.Record{Columns: values}
	if id, ok := values["id"].(string); ok {
		r.ID, _ = schemas.ParseID(id) // other ids are the user's and say nothing to us
	}
	if t, ok := values[f.Text].(string); ok {
		r.Text = t
	}
	switch l := values[f.Label].(type) {
	case nil:
	case []any:
		for _, v := range l {
			r.Labels = append(r.Labels, fmt.Sprint(v))
		}
	default:
		r.Labels = []string{fmt.Sprint(l)}
	}
	var err error
	for _, part := range []struct {
		column string
		to     *[]schemas.Message
	}{{"messages", &r.Messages}, {"prompt", &r.Prompt}, {"chosen", &r.Chosen}, {"rejected", &r.Rejected}} {
		if list, ok := values[part.column].([]any); ok {
			if *part.to, err = messages(list); err != nil {
				return nil, fmt.Errorf("%s: %w", part.column, err)
			}
		}
	}
	return r, nil
}

func messages(list []any) (ms []schemas.Message, err error) {
	for i, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("message %d is no object of role and content", i)
		}
		role, _ := m["role"].(string)
		content, isText := m["content"].(string)
		if role == "" || !isText && m["content"] != nil {
			return nil, fmt.Errorf("message %d wants a role and a content, both text", i)
		}
		ms = append(ms, schemas.Message{Role: role, Content: content})
	}
	return ms, nil
}

// maxText bounds what one text file may hold, decompressed.
const maxText = 1 << 30

// text reads a plain text file as one record.
func (s shard) text() iter.Seq2[*schemas.Record, error] {
	return func(yield func(*schemas.Record, error) bool) {
		text, err := readText(s.path)
		if err != nil {
			yield(nil, fmt.Errorf("%s: %w", s.path, err))
			return
		}
		yield(&schemas.Record{ID: schemas.SeedID(s.name, 0), Text: text}, nil)
	}
}

func readText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	n, err := io.Copy(&b, io.LimitReader(in, maxText+1))
	switch {
	case err != nil:
		return "", err
	case n > maxText:
		return "", fmt.Errorf("longer than %d bytes: cut it into several files, or write one JSON object a line", maxText)
	case !utf8.ValidString(b.String()):
		return "", fmt.Errorf("is not UTF-8 text")
	}
	return b.String(), nil
}
