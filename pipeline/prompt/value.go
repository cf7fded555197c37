package prompt

import (
	"maps"
	"slices"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// Map is an object whose keys keep their order, as JSON objects of chat messages and tools must: models were trained on
// one order and templates print what they are given.
type Map []Pair

// Pair is one entry of a [Map].
type Pair struct {
	Key   string
	Value any
}

// engineValue copies v into values of the engine, so that no template can write into a record.
func engineValue(v any) any {
	switch x := v.(type) {
	case []any:
		list := make([]any, len(x))
		for i, e := range x {
			list[i] = engineValue(e)
		}
		return list
	case []string:
		list := make([]any, len(x))
		for i, e := range x {
			list[i] = e
		}
		return list
	case []map[string]any:
		list := make([]any, len(x))
		for i, e := range x {
			list[i] = engineValue(e)
		}
		return list
	case map[string]any:
		d := &exec.Dict{Pairs: make([]*exec.Pair, 0, len(x))}
		for _, k := range slices.Sorted(maps.Keys(x)) {
			d.Pairs = append(d.Pairs, &exec.Pair{Key: exec.AsValue(k), Value: exec.AsValue(engineValue(x[k]))})
		}
		return d
	case map[string]float64:
		d := &exec.Dict{Pairs: make([]*exec.Pair, 0, len(x))}
		for _, k := range slices.Sorted(maps.Keys(x)) {
			d.Pairs = append(d.Pairs, &exec.Pair{Key: exec.AsValue(k), Value: exec.AsValue(x[k])})
		}
		return d
	case Map:
		d := &exec.Dict{Pairs: make([]*exec.Pair, 0, len(x))}
		for _, p := range x {
			d.Pairs = append(d.Pairs, &exec.Pair{Key: exec.AsValue(p.Key), Value: exec.AsValue(engineValue(p.Value))})
		}
		return d
	}
	return v
}

// entries returns the pairs of an object: in insertion order where there is one, else sorted by key.
func entries(v *exec.Value) []*exec.Pair {
	switch x := v.Interface().(type) {
	case *exec.Dict:
		return x.Pairs
	case exec.Dict:
		return x.Pairs
	case map[string]any:
		ps := make([]*exec.Pair, 0, len(x))
		for _, k := range slices.Sorted(maps.Keys(x)) {
			ps = append(ps, &exec.Pair{Key: exec.AsValue(k), Value: exec.ToValue(x[k])})
		}
		return ps
	}
	var ps []*exec.Pair
	for _, k := range v.Keys() {
		e, _ := v.GetItem(k.Interface())
		ps = append(ps, &exec.Pair{Key: k, Value: e})
	}
	return ps
}
