package schemas

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Type is the type of a user column or of a field inside one.
type Type struct {
	Kind   TypeKind `json:"kind" yaml:"kind"`
	Elem   *Type    `json:"elem,omitempty" yaml:"elem,omitempty"`     // of a list
	Fields []Column `json:"fields,omitempty" yaml:"fields,omitempty"` // of a struct, in order
}

// TypeKind names a scalar or nested type.
type TypeKind string

const (
	String TypeKind = "string"
	Int    TypeKind = "int" // 64 bits, signed
	Float  TypeKind = "float"
	Bool   TypeKind = "bool"
	List   TypeKind = "list"
	Struct TypeKind = "struct"
)

// Column is a named, typed, always optional column. The Go values of a column are nil (null), string,
// int64, float64, bool, []any and map[string]any, and nothing else: see [Type.Check].
type Column struct {
	Name string `json:"name" yaml:"name"`
	Type Type   `json:"type" yaml:"type"`
}

// Schema is everything a dataset fixes about its rows before the first is written.
type Schema struct {
	Kind    Kind     `json:"kind"`
	Columns []Column `json:"columns,omitempty"` // user columns, in the recipe's order
	Scores  []string `json:"scores,omitempty"`  // names of the scores that stages write, sorted
	Labels  []string `json:"labels,omitempty"`  // declared label names; empty: any string
}

// Column returns the user column of that name.
func (s *Schema) Column(name string) (Column, bool) {
	i := slices.IndexFunc(s.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return s.Columns[i], true
}

// Check reports whether v is a legal value of t: strict, without conversion. NaN and infinities are refused because no
// reader of the dataset agrees on them. The error names the path below column, such as meta.tags[2].
func (t Type) Check(path string, v any) error {
	below, problem := t.check(v)
	if problem == "" {
		return nil
	}
	return fmt.Errorf("column %s%s: %s", path, below, problem)
}

// check returns what is wrong with v and where below it. Paths are put together on the way back, so that a value
// that is right costs no allocation.
func (t Type) check(v any) (below, problem string) {
	want := t.Kind
	switch x := v.(type) {
	case nil:
		return "", ""
	case string:
		if want == String {
			if !utf8.ValidString(x) {
				return "", "the text is not valid UTF-8"
			}
			return "", ""
		}
	case int64:
		if want == Int {
			return "", ""
		}
	case float64:
		if want == Float {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return "", fmt.Sprintf("%v is not a number that can be stored", x)
			}
			return "", ""
		}
	case bool:
		if want == Bool {
			return "", ""
		}
	case []any:
		if want == List {
			for i, e := range x {
				if below, problem := t.Elem.check(e); problem != "" {
					return "[" + strconv.Itoa(i) + "]" + below, problem
				}
			}
			return "", ""
		}
	case map[string]any:
		if want == Struct {
			return t.checkFields(x)
		}
	default:
		return "", fmt.Sprintf("Go type %T is not a column value", v)
	}
	return "", fmt.Sprintf("want %s, got %s", t, describe(v))
}

func (t Type) checkFields(m map[string]any) (below, problem string) {
	known := 0
	for _, f := range t.Fields {
		v, ok := m[f.Name]
		if ok {
			known++
		}
		if below, problem := f.Type.check(v); problem != "" {
			return "." + f.Name + below, problem
		}
	}
	if known == len(m) {
		return "", ""
	}
	for _, k := range sortedKeys(m) {
		if !slices.ContainsFunc(t.Fields, func(f Column) bool { return f.Name == k }) {
			return "", fmt.Sprintf("unknown field %q", k)
		}
	}
	return "", ""
}

// String writes a type as the recipe does: string, list<int>, struct<a: string, b: float>.
func (t Type) String() string {
	switch t.Kind {
	case List:
		if t.Elem == nil {
			return "list<?>"
		}
		return "list<" + t.Elem.String() + ">"
	case Struct:
		s := "struct<"
		for i, f := range t.Fields {
			if i > 0 {
				s += ", "
			}
			s += f.Name + ": " + f.Type.String()
		}
		return s + ">"
	}
	return string(t.Kind)
}

func describe(v any) string {
	switch x := v.(type) {
	case string:
		if len(x) > 40 {
			x = strings.ToValidUTF8(x[:40], "") + "…"
		}
		return fmt.Sprintf("string %q", x)
	case int64:
		return fmt.Sprintf("int %d", x)
	case float64:
		return fmt.Sprintf("float %v", x)
	case bool:
		return fmt.Sprintf("bool %v", x)
	case []any:
		return "a list"
	case map[string]any:
		return "a struct"
	}
	return fmt.Sprintf("%T", v)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
