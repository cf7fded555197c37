package generators

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/pipeline"
	"sluice/schemas"
)

// typ is the column's type: as declared, else what its way of being made gives. An expression must declare one; a prompt is a
// string unless it has a JSON schema.
func (c *Column) typ() (schemas.Type, error) {
	if ways := c.ways(); len(ways) != 1 {
		if len(ways) == 0 {
			return schemas.Type{}, errors.New("say how it is made: " + strings.Join(allWays, ", "))
		}
		return schemas.Type{}, fmt.Errorf("it is made in %d ways: %s; choose one", len(ways), strings.Join(ways, ", "))
	}
	if c.Type != "" {
		return pipeline.ParseType(c.Type)
	}
	switch {
	case c.Schema != nil:
		return schemaType(c.Schema)
	case c.Int != nil:
		return schemas.Type{Kind: schemas.Int}, nil
	case c.Uniform != nil, c.Gaussian != nil:
		return schemas.Type{Kind: schemas.Float}, nil
	case c.Bernoulli != nil:
		return schemas.Type{Kind: schemas.Bool}, nil
	case c.Expr != "":
		return schemas.Type{}, errors.New("an expression needs a type, such as type: int")
	case len(c.Category) > 0:
		return valueType(c.Category)
	}
	return schemas.Type{Kind: schemas.String}, nil
}

// valueType is the type that all values have.
func valueType(values []any) (schemas.Type, error) {
	var kind schemas.TypeKind
	for _, v := range values {
		k := schemas.String
		switch v.(type) {
		case string:
		case int, int64, uint64:
			k = schemas.Int
		case float64:
			k = schemas.Float
		case bool:
			k = schemas.Bool
		default:
			return schemas.Type{}, fmt.Errorf("value %v is no text, number or boolean", v)
		}
		if kind == "" {
			kind = k
		}
		if kind != k && !(isNumber(kind) && isNumber(k)) {
			return schemas.Type{}, fmt.Errorf("values have different types: %s and %s; quote them to make all of them text", kind, k)
		}
		if k == schemas.Float {
			kind = k
		}
	}
	return schemas.Type{Kind: kind}, nil
}

func isNumber(k schemas.TypeKind) bool { return k == schemas.Int || k == schemas.Float }

// schemaType is the column type of values that fit a JSON Schema. Objects need properties, arrays items; the order of properties is
// that of their names, because maps of a recipe have none.
func schemaType(s map[string]any) (schemas.Type, error) {
	kind, _ := s["type"].(string)
	switch kind {
	case "string":
		return schemas.Type{Kind: schemas.String}, nil
	case "integer":
		return schemas.Type{Kind: schemas.Int}, nil
	case "number":
		return schemas.Type{Kind: schemas.Float}, nil
	case "boolean":
		return schemas.Type{Kind: schemas.Bool}, nil
	case "array":
		items, ok := s["items"].(map[string]any)
		if !ok {
			return schemas.Type{}, errors.New("schema: an array needs items")
		}
		elem, err := schemaType(items)
		return schemas.Type{Kind: schemas.List, Elem: &elem}, err
	case "object":
		props, ok := s["properties"].(map[string]any)
		if !ok || len(props) == 0 {
			return schemas.Type{}, errors.New("schema: an object needs properties, because a column's type is fixed")
		}
		t := schemas.Type{Kind: schemas.Struct}
		for name, p := range props {
			m, ok := p.(map[string]any)
			if !ok {
				return t, fmt.Errorf("schema: property %s is no schema", name)
			}
			ft, err := schemaType(m)
			if err != nil {
				return t, fmt.Errorf("%s: %w", name, err)
			}
			t.Fields = append(t.Fields, schemas.Column{Name: name, Type: ft})
		}
		slices.SortFunc(t.Fields, func(a, b schemas.Column) int { return strings.Compare(a.Name, b.Name) })
		return t, nil
	}
	return schemas.Type{}, fmt.Errorf("schema: type %q: there are string, integer, number, boolean, array and object", kind)
}

// convert turns a decoded value into the exact type of a column: whole numbers to int64 where the column is int, to
// float64 where it is float. What does not fit is left alone, for the type's own check to name.
func convert(t schemas.Type, v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil && t.Kind != schemas.Float {
			return n
		}
		if f, err := x.Float64(); err == nil {
			return convert(t, f)
		}
	case int:
		return convert(t, int64(x))
	case uint64:
		return convert(t, int64(x))
	case int64:
		if t.Kind == schemas.Float {
			return float64(x)
		}
	case float64:
		if t.Kind == schemas.Int && x == float64(int64(x)) {
			return int64(x)
		}
	case []any:
		if t.Kind == schemas.List && t.Elem != nil {
			list := make([]any, len(x))
			for i, e := range x {
				list[i] = convert(*t.Elem, e)
			}
			return list
		}
	case map[string]any:
		if t.Kind == schemas.Struct {
			m := make(map[string]any, len(x))
			for k, e := range x {
				m[k] = e
				for _, f := range t.Fields {
					if f.Name == k {
						m[k] = convert(f.Type, e)
					}
				}
			}
			return m
		}
	}
	return v
}
