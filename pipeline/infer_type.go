package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"sluice/schemas"
)

// A shape is what is known of a column's type while rows are seen. Its zero value has seen nothing but null.
type shape struct {
	kind   schemas.TypeKind // "" before the first value that is not null
	elem   *shape           // of a list
	fields map[string]*shape
}

// add widens s to hold v too: null fits everything, and int widens to float. The error names the path below column.
//
//	1, null, 2.5            float
//	["a"], []               list<string>
//	{"a": 1}, {"b": true}   struct<a: int, b: bool>
func (s *shape) add(path string, v any) error {
	k := kindOf(v)
	switch {
	case k == "":
		return nil
	case s.kind == "" || s.kind == k:
		s.kind = k
	case s.kind == schemas.Int && k == schemas.Float, s.kind == schemas.Float && k == schemas.Int:
		s.kind = schemas.Float
		return nil
	default:
		return fmt.Errorf("column %s is %s in one row and %s in another", path, s.kind, k)
	}
	switch x := v.(type) {
	case []any:
		if s.elem == nil {
			s.elem = &shape{}
		}
		for _, e := range x {
			if err := s.elem.add(path+"[]", e); err != nil {
				return err
			}
		}
	case map[string]any:
		if s.fields == nil {
			s.fields = make(map[string]*shape, len(x))
		}
		for _, name := range sortedKeys(x) {
			f := s.fields[name]
			if f == nil {
				f = &shape{}
				s.fields[name] = f
			}
			if err := f.add(path+"."+name, x[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func kindOf(v any) schemas.TypeKind {
	switch v.(type) {
	case string:
		return schemas.String
	case int64:
		return schemas.Int
	case float64:
		return schemas.Float
	case bool:
		return schemas.Bool
	case []any:
		return schemas.List
	case map[string]any:
		return schemas.Struct
	}
	return ""
}

// settle returns the type. What was always null becomes string; a struct that never had a field has no type
// (ok is false), since no file can hold one.
func (s *shape) settle() (t schemas.Type, ok bool) {
	switch s.kind {
	case "":
		return schemas.Type{Kind: schemas.String}, true
	case schemas.List:
		elem, ok := s.elem.settle()
		return schemas.Type{Kind: schemas.List, Elem: &elem}, ok
	case schemas.Struct:
		t = schemas.Type{Kind: schemas.Struct}
		for _, name := range sortedKeys(s.fields) {
			if f, ok := s.fields[name].settle(); ok {
				t.Fields = append(t.Fields, schemas.Column{Name: name, Type: f})
			}
		}
		return t, len(t.Fields) > 0
	}
	return schemas.Type{Kind: s.kind}, true
}

// ParseType reads a type as recipes write it: string, list<int>, struct<a: string, b: list<float>>. It
// reads what [schemas.Type.String] writes.
func ParseType(s string) (schemas.Type, error) {
	p := typeParser{rest: s}
	t, err := p.parse(0)
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = fmt.Errorf("%q is left over behind the type", strings.TrimSpace(p.rest))
	}
	if err != nil {
		return schemas.Type{}, fmt.Errorf("type %q: %w", s, err)
	}
	return t, nil
}

type typeParser struct{ rest string }

func (p *typeParser) word() string {
	p.rest = strings.TrimLeft(p.rest, " ")
	n := strings.IndexAny(p.rest, "<>,: ")
	if n < 0 {
		n = len(p.rest)
	}
	w := p.rest[:n]
	p.rest = strings.TrimLeft(p.rest[n:], " ")
	return w
}

func (p *typeParser) take(sign string) error {
	rest, ok := strings.CutPrefix(strings.TrimLeft(p.rest, " "), sign)
	if !ok {
		return fmt.Errorf("a %s is missing before %q", sign, p.rest)
	}
	p.rest = rest
	return nil
}

func (p *typeParser) parse(depth int) (t schemas.Type, err error) {
	if depth > 32 {
		return t, fmt.Errorf("nested too deep")
	}
	w := p.word()
	t.Kind = schemas.TypeKind(w)
	switch t.Kind {
	case schemas.String, schemas.Int, schemas.Float, schemas.Bool:
		return t, nil
	case schemas.List:
		if err := p.take("<"); err != nil {
			return t, err
		}
		elem, err := p.parse(depth + 1)
		if err != nil {
			return t, err
		}
		t.Elem = &elem
		return t, p.take(">")
	case schemas.Struct:
		if err := p.take("<"); err != nil {
			return t, err
		}
		for {
			name := p.word()
			if name == "" || slices.ContainsFunc(t.Fields, func(c schemas.Column) bool { return c.Name == name }) {
				return t, fmt.Errorf("a struct needs fields with names of their own")
			}
			if err := p.take(":"); err != nil {
				return t, err
			}
			f, err := p.parse(depth + 1)
			if err != nil {
				return t, err
			}
			t.Fields = append(t.Fields, schemas.Column{Name: name, Type: f})
			if p.take(",") != nil {
				return t, p.take(">")
			}
		}
	}
	return t, fmt.Errorf("%q is no type: string, int, float, bool, list<…>, struct<…>", w)
}
