package schemas

import (
	"encoding/json"
	"fmt"
)

// features writes the columns of l as the datasets library of Hugging Face describes them:
//
//	{"id": {"dtype": "string", "_type": "Value"}, "messages": [{"role": …, "content": …}], …}
//
// A list of structs is [{…}] and a list of scalars a Sequence: the forms that every release since 2.0 reads. A
// Sequence of structs would be read as a struct of lists.
func (l *layout) features() []byte { return appendFeatures(nil, l.roots) }

func appendFeatures(b []byte, parts []*node) []byte {
	b = append(b, '{')
	for i, n := range parts {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, quoted(n.name)...)
		b = append(b, ": "...)
		b = appendFeature(b, n)
	}
	return append(b, '}')
}

func appendFeature(b []byte, n *node) []byte {
	switch {
	case n.kind == Struct:
		return appendFeatures(b, n.parts)
	case n.kind == List && n.elem().leaf():
		b = append(b, `{"feature": `...)
		b = appendFeature(b, n.elem())
		return append(b, `, "_type": "Sequence"}`...)
	case n.kind == List:
		b = append(b, '[')
		b = appendFeature(b, n.elem())
		return append(b, ']')
	}
	return fmt.Appendf(b, `{"dtype": "%s", "_type": "Value"}`, n.kind.dtype())
}

// dtype is the name that NumPy and Arrow give a scalar type.
func (k TypeKind) dtype() string {
	switch k {
	case Int:
		return "int64"
	case Float:
		return "float64"
	}
	return string(k)
}

// quoted writes a column name, which is valid UTF-8, as a JSON string.
func quoted(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return b
}
