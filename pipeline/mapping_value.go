package pipeline

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice/schemas"
)

// nothing tells values that say nothing: null, and a struct without fields.
func nothing(v any) bool {
	if m, ok := v.(map[string]any); ok {
		return len(m) == 0
	}
	return v == nil
}

// fit returns v as a value of t: strict, but for whole numbers where t is float, and text where the file has nothing
// else. path names the column for the fault.
func (m *mapper) fit(path string, v any, t *schemas.Type, extra *int) (any, *fault) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case string:
		if t.Kind == schemas.String {
			return v, nil
		}
		switch {
		case !m.parse:
		case t.Kind == schemas.List || t.Kind == schemas.Struct:
			return m.parseCell(path, x, t, extra)
		default:
			return parseText(path, x, t)
		}
	case int64:
		switch {
		case t.Kind == schemas.Int:
			return v, nil
		case t.Kind == schemas.Float && x >= -1<<53 && x <= 1<<53:
			return float64(x), nil
		}
	case float64:
		if t.Kind == schemas.Float && !math.IsNaN(x) && !math.IsInf(x, 0) {
			return v, nil
		}
	case bool:
		if t.Kind == schemas.Bool {
			return v, nil
		}
	case []any:
		if t.Kind == schemas.List {
			return m.fitList(path, x, t, extra)
		}
	case map[string]any:
		if t.Kind == schemas.Struct {
			return m.fitStruct(path, x, t, extra)
		}
		if len(x) == 0 {
			return nil, nil
		}
	}
	return nil, faultf("wrong_type", "column %s: want %s, got %s", path, t, value(v))
}

func (m *mapper) fitList(path string, x []any, t *schemas.Type, extra *int) (any, *fault) {
	var changed []any
	for i, e := range x {
		c, f := m.fit(path+"[]", e, t.Elem, extra)
		if f != nil {
			return nil, f
		}
		if changed == nil && !same(c, e) {
			changed = append(make([]any, 0, len(x)), x[:i]...)
		}
		if changed != nil {
			changed = append(changed, c)
		}
	}
	if changed != nil {
		return changed, nil
	}
	return x, nil
}

func (m *mapper) fitStruct(path string, x map[string]any, t *schemas.Type, extra *int) (any, *fault) {
	out := make(map[string]any, len(x))
	known := 0
	for i := range t.Fields {
		field := &t.Fields[i]
		v, ok := x[field.Name]
		if !ok {
			continue
		}
		known++
		c, f := m.fit(path+"."+field.Name, v, &field.Type, extra)
		if f != nil {
			return nil, f
		}
		out[field.Name] = c
	}
	if known == len(x) {
		return out, nil
	}
	for _, name := range sortedKeys(x) {
		if hasField(t, name) || nothing(x[name]) {
			continue
		}
		if !m.drop {
			return nil, faultf("unknown_column", "column %s.%s is not in the schema: %s", path, name, value(x[name]))
		}
		*extra++
	}
	return out, nil
}

func hasField(t *schemas.Type, name string) bool {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return true
		}
	}
	return false
}

// same reports whether fit returned what it was given: scalars by value, lists and structs by being untouched.
func same(a, b any) bool {
	switch a.(type) {
	case []any, map[string]any:
		return false
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// parseText reads a cell of a file that knows only text. An empty cell is null.
func parseText(path, s string, t *schemas.Type) (any, *fault) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	switch t.Kind {
	case schemas.Int:
		if v, err := strconv.ParseInt(s, 10, 64); err == nil {
			return v, nil
		}
	case schemas.Float:
		if v, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v, nil
		}
	case schemas.Bool:
		switch strings.ToLower(s) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return nil, faultf("wrong_type", "column %s: want %s, got %s", path, t, value(s))
}

// parseCell reads a list or a struct that stands as JSON in a cell of CSV. An empty cell is null.
func (m *mapper) parseCell(path, s string, t *schemas.Type, extra *int) (any, *fault) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	v, err := schemas.ParseJSON([]byte(s))
	if _, text := v.(string); err != nil || text {
		return nil, faultf("wrong_type", "column %s: want %s as JSON, got %s", path, t, value(s))
	}
	return m.fit(path, v, t, extra)
}

// value describes v for people, cut short.
func value(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		return "text " + excerpt(x)
	case int64:
		return fmt.Sprintf("whole number %d", x)
	case float64:
		return fmt.Sprintf("number %v", x)
	case bool:
		return fmt.Sprintf("%v", x)
	case []any:
		return fmt.Sprintf("a list of %d", len(x))
	case map[string]any:
		return "a struct with " + excerpt(strings.Join(sortedKeys(x), ", "))
	}
	return fmt.Sprintf("%T", v)
}

// excerpt quotes the first 60 characters of s.
func excerpt(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return strconv.Quote(s)
	}
	n := 0
	for i := range s {
		if n++; n > most {
			return strconv.Quote(s[:i]) + "…"
		}
	}
	return strconv.Quote(s)
}
