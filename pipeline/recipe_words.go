package pipeline

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// yamlFields maps the keys of a struct to the types of their values, inlined structs included.
func yamlFields(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case tag == "-" || !f.IsExported():
		case strings.Contains(options, "inline"):
			if in := f.Type; in.Kind() == reflect.Struct {
				maps.Copy(keys, yamlFields(in))
			}
		case tag == "":
			keys[strings.ToLower(f.Name)] = f.Type
		default:
			keys[tag] = f.Type
		}
	}
	return keys
}

// keysOf returns the keys of the type called name that is t or lies below it, sorted.
func keysOf(t reflect.Type, name string) []string {
	var found []string
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if seen[t] || found != nil {
				return
			}
			seen[t] = true
			if c, ok := reflect.Zero(t).Interface().(interface{ Choices() []any }); ok { // one of several components, which the type does not show
				for _, one := range c.Choices() {
					walk(reflect.TypeOf(one))
				}
				return
			}
			keys := yamlFields(t)
			if t.String() == name {
				found = slices.Sorted(maps.Keys(keys))
				return
			}
			for _, k := range slices.Sorted(maps.Keys(keys)) {
				walk(keys[k])
			}
		}
	}
	walk(t)
	return found
}

// typeWords says what a Go type wants to a reader who does not know Go.
func typeWords(t string) string {
	t = strings.TrimLeft(t, "*")
	switch {
	case t == "string":
		return "text"
	case strings.HasPrefix(t, "int"):
		return "a whole number"
	case strings.HasPrefix(t, "uint"):
		return "a whole number from 0 up"
	case strings.HasPrefix(t, "float"):
		return "a number"
	case t == "bool":
		return "true or false"
	case strings.HasPrefix(t, "[]string"):
		return "a list of texts"
	case strings.HasPrefix(t, "["):
		return "a list"
	case strings.HasPrefix(t, "map["):
		return "keys with values"
	case t == "time.Duration":
		return "a duration such as 30s or 10m"
	case strings.Contains(t, "."):
		return "keys with values"
	}
	return t
}

// tagWords says what a YAML tag is.
func tagWords(tag string) string {
	switch tag {
	case "!!str":
		return "text"
	case "!!int":
		return "a whole number"
	case "!!float":
		return "a number with a fraction"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!seq":
		return "a list"
	case "!!map":
		return "keys with values"
	case "!!timestamp":
		return "a date"
	}
	return "a value tagged " + tag
}
