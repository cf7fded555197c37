package reference

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/trainer"
)

// A Component is one entry of the manual.
type Component struct {
	Name string // filters/length
	Line string // its purpose in one sentence
	Doc  string // the whole comment
	Keys []Key  // its own; those that all stages take are in [StageKeys]
}

// A Key is one key of a mapping in a recipe.
type Key struct {
	Name    string // with those above it: roles.<name>.min
	Type    string // in words
	Default string // as YAML; "" where there is none to speak of
	Doc     string
}

// Of describes a component: what its constructor returned, so that its fields hold the defaults.
func Of(name string, component any) Component {
	doc, _ := comments(structOf(reflect.TypeOf(component)).String())
	return Component{Name: name, Line: sentence(doc), Doc: doc, Keys: Keys(component)}
}

// StageKeys are the keys that every stage takes beside its own.
func StageKeys() []Key { return Keys(&pipeline.StageKeys{}) }

// Keys describes the keys of a struct, or a pointer to one, whose fields hold the defaults.
func Keys(v any) []Key {
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct {
		return nil
	}
	return keys(value, "", nil)
}

// keys walks a struct; above are the types it lies in, so that a type within itself ends.
func keys(v reflect.Value, prefix string, above []reflect.Type) []Key {
	t := v.Type()
	if slices.Contains(above, t) {
		return nil
	}
	above = append(slices.Clip(above), t)
	var out []Key
	for _, f := range fieldsOf(t) {
		if f.inline {
			out = append(out, keys(v.FieldByIndex(f.index), prefix, above)...)
			continue
		}
		out = append(out, Key{prefix + f.key, words(f.typ), plain(v.FieldByIndex(f.index)), f.doc})
		below, at := f.typ, ""
		switch {
		case structOf(below).Kind() == reflect.Struct:
		case below.Kind() == reflect.Slice:
			below, at = below.Elem(), "[]"
		case below.Kind() == reflect.Map:
			below, at = below.Elem(), ".<name>"
		}
		if s := structOf(below); s.Kind() == reflect.Struct && !scalar(s) {
			out = append(out, keys(defaultsOf(v.FieldByIndex(f.index), s), prefix+f.key+at+".", above)...)
		}
	}
	return out
}

// defaultsOf is the struct of type t that a field holds, or what stands for it while a recipe says nothing.
func defaultsOf(v reflect.Value, t reflect.Type) reflect.Value {
	switch {
	case v.Type() == t:
		return v
	case t == reflect.TypeFor[trainer.Linear]():
		return reflect.ValueOf(trainer.DefaultLinear())
	}
	return reflect.New(t).Elem()
}

// field is a field of a struct that a recipe can set.
type field struct {
	key    string
	doc    string
	typ    reflect.Type
	index  []int
	inline bool
}

// fieldsOf lists the fields of t that a recipe can set, in the order of the source.
func fieldsOf(t reflect.Type) []field {
	_, docs := comments(t.String())
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if tag == "-" || !f.IsExported() || f.Tag.Get("yaml") == "" {
			continue
		}
		out = append(out, field{key: tag, doc: docs[f.Name], typ: f.Type, index: f.Index, inline: strings.Contains(options, "inline")})
	}
	return out
}

// structOf is the type behind pointers.
func structOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// scalar reports whether a recipe writes a value of t as one scalar, or in a form of its own.
func scalar(t reflect.Type) bool {
	return t == reflect.TypeFor[pipeline.PerLabel]() || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// words says what t wants.
func words(t reflect.Type) string {
	switch t = structOf(t); t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[llm.Money]():
		return "amount"
	case reflect.TypeFor[llm.Rate]():
		return "price per million tokens"
	case reflect.TypeFor[pipeline.Paths]():
		return "path or list of paths"
	case reflect.TypeFor[pipeline.PerLabel]():
		return "balanced, level, or number by label"
	case reflect.TypeFor[trainer.Masking]():
		return "name of a masker, alone or with its settings"
	case reflect.TypeFor[trainer.Mixing]():
		return "name of a mixer, alone or with its settings"
	case reflect.TypeFor[trainer.ModelConfig]():
		return "linear, or keys"
	case reflect.TypeFor[trainer.Guarding]():
		return "share, true, or keys"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer from 0"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice, reflect.Array:
		return "list of " + many(t.Elem())
	case reflect.Map:
		if t.Elem().Kind() == reflect.Interface {
			return "keys"
		}
		return many(t.Elem()) + " by name"
	case reflect.Struct:
		return "keys"
	}
	return "any value"
}

// many is words for several.
func many(t reflect.Type) string {
	switch w := words(t); w {
	case "text", "integer", "number":
		return w + "s"
	case "any value":
		return "values"
	default:
		return w
	}
}

// sentence is the first sentence of a comment: up to a full stop or colon before a space or the end of a paragraph, outside of
// brackets.
func sentence(doc string) string {
	para, _, _ := strings.Cut(doc, "\n\n")
	para = strings.Join(strings.Fields(para), " ")
	depth := 0
	for i, r := range para {
		switch r {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case '.', ':':
			ends := i+1 == len(para) || para[i+1] == ' '
			short := r == '.' && i >= 2 && para[i-2] == '.' // e.g. i.e.
			if ends && !short && depth == 0 {
				return para[:i]
			}
		}
	}
	return para
}

// purpose is a sentence as it stands in a table, without the name it begins with: "Length keeps …" is "keeps …".
func purpose(line string) string {
	name, rest, ok := strings.Cut(line, " ")
	if r := []rune(name); ok && len(r) > 0 && unicode.IsUpper(r[0]) && !strings.HasSuffix(name, ",") {
		return rest
	}
	return line
}

// Purpose is what the component does, as it stands in a table.
func (c *Component) Purpose() string { return purpose(c.Line) }
