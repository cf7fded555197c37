package pipeline

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"sluice/schemas"
)

// A mapper turns the rows of one file into records of a fixed schema.
type mapper struct {
	file    string
	schema  *schemas.Schema
	from    MapSpec          // source columns of the content; "" where the kind has none
	names   map[string]place // source column -> what becomes of it
	drop    bool             // columns that are not known are left out
	parse   bool             // values are text that declared types are read from: CSV
	divider string           // of labels in one cell of CSV
	labels  map[string]bool  // declared; nil: any
	list    []string         // declared labels in order
}

// place is where a source column goes: into the content, which is read by name (typ is nil), or a user column.
type place struct {
	name string
	typ  *schemas.Type
}

// newMapper prepares for the rows of f.
func newMapper(s *SourceSpec, schema *schemas.Schema, f sourceFile) *mapper {
	m := &mapper{
		file: f.name, schema: schema, from: contentColumns(&s.FileSpec, schema.Kind), names: map[string]place{},
		drop: s.Extra == extraDrop, parse: f.format == FormatCSV || f.format == FormatTSV,
		divider: or(s.LabelDelimiter, defaultDivider),
	}
	for _, c := range m.from.content() {
		m.names[c] = place{}
	}
	if len(schema.Labels) > 0 {
		m.list, m.labels = schema.Labels, make(map[string]bool, len(schema.Labels))
		for _, l := range schema.Labels {
			m.labels[l] = true
		}
	}
	return m
}

// column says where a source column goes, and remembers it.
func (m *mapper) column(source string) (place, bool) {
	if t, ok := m.names[source]; ok {
		return t, true
	}
	name := userName(&m.from, m.schema.Kind, source)
	c, ok := m.schema.Column(name)
	if !ok {
		return place{}, false
	}
	t := place{name: name, typ: &c.Type}
	m.names[source] = t
	return t, true
}

// userName is the name of a source column among user columns: renamed by map.columns, and with source_ in front
// where it would meet a column of sluice's own.
func userName(from *MapSpec, kind schemas.Kind, source string) string {
	for name, c := range from.Columns {
		if c == source {
			return name
		}
	}
	if reserved(source) || slices.Contains(contentNames(kind), source) {
		return "source_" + source
	}
	return source
}

// reserved tells the column names that belong to sluice in datasets of every kind.
func reserved(name string) bool {
	return name == "id" || name == "scores" || name == "origin" || strings.HasPrefix(name, "reject_")
}

// contentNames are the columns that hold the content of a kind.
func contentNames(k schemas.Kind) []string {
	switch k {
	case schemas.Labeled:
		return []string{"text", "label"}
	case schemas.Multi:
		return []string{"text", "labels"}
	case schemas.Chat:
		return []string{"messages"}
	case schemas.Preference:
		return []string{"prompt", "chosen", "rejected"}
	}
	return []string{"text"}
}

// content lists the source columns that are content.
func (c *MapSpec) content() []string {
	return slices.DeleteFunc([]string{c.Text, c.Label, c.Labels, c.Messages, c.Prompt, c.Chosen, c.Rejected},
		func(s string) bool { return s == "" })
}

// contentColumns names the source column of each part of a kind's content: as mapped, or by its own name.
func contentColumns(f *FileSpec, kind schemas.Kind) MapSpec {
	m := MapSpec{Columns: f.Map.Columns}
	switch kind {
	case schemas.Text:
		m.Text = or(f.Map.Text, "text")
	case schemas.Labeled:
		m.Text, m.Label = or(f.Map.Text, "text"), or(f.Map.Label, "label")
	case schemas.Multi:
		m.Text, m.Labels = or(f.Map.Text, "text"), or(f.Map.Labels, "labels")
	case schemas.Chat:
		m.Messages = or(f.Map.Messages, "messages")
	case schemas.Preference:
		m.Prompt, m.Chosen, m.Rejected = or(f.Map.Prompt, "prompt"), or(f.Map.Chosen, "chosen"), or(f.Map.Rejected, "rejected")
	}
	return m
}

// fault is why a row cannot become a record: a fixed short word, and the cause in words.
type fault struct{ reason, detail string }

func faultf(reason, format string, args ...any) *fault {
	return &fault{reason, fmt.Sprintf(format, args...)}
}

// record maps row n of the file. What is wrong with it makes it a reject with all that could be read.
func (m *mapper) record(row *schemas.Row, n int64) SourceRow {
	r := &schemas.Record{ID: schemas.SeedID(m.file, n)}
	r.Origin.Source, r.Origin.Row = m.file, n
	out := SourceRow{File: m.file, Row: n}
	if row.Err != nil {
		out.Bad = bad(r, rowFault(row))
		return out
	}
	f := m.content(row.Values, r)
	if g := m.columns(row.Values, r, &out.Extra); f == nil {
		f = g
	}
	out.Repaired = m.schema.Clean(r)
	if f != nil {
		out.Bad = bad(r, f)
		return out
	}
	out.Record = r
	return out
}

func bad(r *schemas.Record, f *fault) *Reject {
	return &Reject{Record: r, Stage: SourceStage, Reason: f.reason, Failed: true, Detail: strings.ToValidUTF8(f.detail, "\ufffd")}
}

// rowFault words the error of a row that is not what its format says.
func rowFault(row *schemas.Row) *fault {
	reason := "malformed"
	switch {
	case errors.Is(row.Err, errTooLong), strings.Contains(row.Err.Error(), "longer than the limit"):
		reason = errTooLong.Error()
	case errors.Is(row.Err, errNotText):
		reason = errNotText.Error()
	}
	detail := strings.TrimPrefix(row.Err.Error(), reason+": ")
	if row.Raw != "" {
		detail += ": " + excerpt(row.Raw)
	}
	return &fault{reason, detail}
}

// content fills in the text, labels or messages of r.
func (m *mapper) content(values map[string]any, r *schemas.Record) *fault {
	switch m.schema.Kind {
	case schemas.Chat:
		var f *fault
		r.Messages, f = m.messages(m.from.Messages, values[m.from.Messages], "")
		if f == nil && len(r.Messages) == 0 {
			f = faultf("missing_messages", "column %s has no messages", m.from.Messages)
		}
		return f
	case schemas.Preference:
		return m.preference(values, r)
	}
	switch x := values[m.from.Text].(type) {
	case string:
		r.Text = x
	case nil:
	default:
		return faultf("wrong_type", "column %s: want text, got %s", m.from.Text, value(x))
	}
	if strings.TrimSpace(r.Text) == "" {
		return faultf("missing_text", "column %s has no text", m.from.Text)
	}
	switch m.schema.Kind {
	case schemas.Labeled:
		label, f := m.label(m.from.Label, values[m.from.Label])
		if f == nil {
			r.Labels = []string{label}
		}
		return f
	case schemas.Multi:
		return m.multi(values[m.from.Labels], r)
	}
	return nil
}

func (m *mapper) multi(v any, r *schemas.Record) *fault {
	if cell, ok := v.(string); ok && m.parse {
		var f *fault
		if v, f = m.labelsIn(cell); f != nil {
			return f
		}
	}
	list, ok := v.([]any)
	if !ok && v != nil {
		return faultf("wrong_type", "column %s: want a list of labels, got %s", m.from.Labels, value(v))
	}
	labels := make([]string, 0, len(list))
	for _, e := range list {
		label, f := m.label(m.from.Labels, e)
		if f != nil {
			return f
		}
		labels = append(labels, label)
	}
	r.Labels = labels
	return nil
}

// labelsIn reads the labels in one cell of CSV: a JSON list, or labels with the delimiter between them.
func (m *mapper) labelsIn(cell string) (any, *fault) {
	cell = strings.TrimSpace(cell)
	if strings.HasPrefix(cell, "[") {
		v, err := schemas.ParseJSON([]byte(cell))
		if err != nil {
			return nil, faultf("wrong_type", "column %s: %v: %s", m.from.Labels, err, excerpt(cell))
		}
		return v, nil
	}
	var list []any
	for l := range strings.SplitSeq(cell, m.divider) {
		if l = strings.TrimSpace(l); l != "" {
			list = append(list, l)
		}
	}
	return list, nil
}

// label reads a label: text, or a whole number, which counts into the declared labels or stands for itself.
func (m *mapper) label(column string, v any) (string, *fault) {
	var label string
	switch x := v.(type) {
	case nil:
	case string:
		label = x
	case bool:
		label = strconv.FormatBool(x)
	case float64:
		if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return "", faultf("wrong_type", "column %s: want a label, got %s", column, value(v))
		}
		return m.label(column, int64(x))
	case int64:
		if m.list == nil {
			return strconv.FormatInt(x, 10), nil
		}
		if x < 0 || x >= int64(len(m.list)) {
			return "", faultf("unknown_label", "column %s: label %d is not below %d, the number of labels", column, x, len(m.list))
		}
		return m.list[x], nil
	default:
		return "", faultf("wrong_type", "column %s: want a label, got %s", column, value(v))
	}
	if label == "" {
		return "", faultf("missing_label", "column %s has no label", column)
	}
	if m.labels != nil && !m.labels[label] {
		if i, err := strconv.ParseInt(label, 10, 64); err == nil && m.parse {
			return m.label(column, i)
		}
		return "", faultf("unknown_label", "column %s: label %s is not declared", column, excerpt(label))
	}
	return label, nil
}

// columns fills in the user columns of r. The first thing wrong is told, in order of columns.
func (m *mapper) columns(values map[string]any, r *schemas.Record, extra *int) *fault {
	var first *fault
	at := ""
	note := func(column string, f *fault) {
		if first == nil || column < at { // a map has no order of its own
			first, at = f, column
		}
	}
	for source, v := range values {
		t, ok := m.column(source)
		switch {
		case !ok && nothing(v):
		case !ok && m.drop:
			*extra++
		case !ok:
			note(source, faultf("unknown_column", "column %s is not in the schema: %s", source, value(v)))
		case t.typ == nil:
		default:
			c, f := m.fit(source, v, t.typ, extra)
			if f != nil {
				note(source, f)
				continue
			}
			if c == nil {
				continue
			}
			if r.Columns == nil {
				r.Columns = make(map[string]any, len(m.schema.Columns))
			}
			r.Columns[t.name] = c
		}
	}
	return first
}
