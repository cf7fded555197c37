package trainer

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// A setting is one key of a recipe's section `train:` and its value, as people write them: optimizer.lr, 0.001.
type setting struct{ key, value string }

// settings lists every key of a config in the order of its fields, those of the masker and the mixer among them.
func settings(c Config) []setting {
	return appendSettings(nil, "", reflect.ValueOf(c))
}

func appendSettings(out []setting, key string, v reflect.Value) []setting {
	switch x := v.Interface().(type) {
	case Masking:
		return appendChoice(out, key, x.Name, x.Masker)
	case Mixing:
		return appendChoice(out, key, x.Name, x.Mixer)
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			if f := v.Type().Field(i); f.IsExported() && tag != "" && tag != "-" {
				out = appendSettings(out, strings.TrimPrefix(key+"."+tag, "."), v.Field(i))
			} else if f.IsExported() && f.Anonymous && tag == "" { // inline
				out = appendSettings(out, key, v.Field(i))
			}
		}
		return out
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				out = appendSettings(out, fmt.Sprintf("%s[%d]", key, i), v.Index(i))
			}
			return out
		}
	case reflect.Pointer:
		if v.IsNil() {
			return out
		}
		return appendSettings(out, key, v.Elem())
	case reflect.String:
		return append(out, setting{key, v.String()})
	}
	b, err := json.Marshal(v.Interface())
	if err != nil {
		b = fmt.Append(nil, v.Interface())
	}
	return append(out, setting{key, string(b)})
}

// appendChoice lists the name of a component and its settings below it.
func appendChoice(out []setting, key, name string, component any) []setting {
	out = append(out, setting{key, name})
	if v := reflect.ValueOf(component); v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Struct {
		out = appendSettings(out, key+"."+name, v.Elem())
	}
	return out
}

// differences tells in which keys two configs differ.
func differences(was, is Config) (out []string) {
	before, now := map[string]string{}, map[string]bool{}
	for _, s := range settings(was) {
		before[s.key] = s.value
	}
	for _, s := range settings(is) {
		now[s.key] = true
		if old, ok := before[s.key]; !ok || old != s.value {
			out = append(out, fmt.Sprintf("%s was %.200s, is %.200s", s.key, orNone(old), orNone(s.value)))
		}
	}
	for _, s := range settings(was) {
		if !now[s.key] {
			out = append(out, fmt.Sprintf("%s was %.200s, is none", s.key, orNone(s.value)))
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
