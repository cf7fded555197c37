package llm

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"
)

// valueMaker makes a value that fits a JSON Schema out of words: types, enum, const, properties, items, bounds of length and size,
// anyOf, oneOf, allOf, local $ref. It does not read pattern or format; what then does not fit is found by validation like any bad answer.
type valueMaker struct {
	rng   *rand.Rand
	words []string
	root  any
	used  int
}

func (m *valueMaker) value(schema any, name string, depth int) any {
	s, ok := schema.(map[string]any)
	if !ok || depth > 12 {
		return m.phrase(3)
	}
	if v, ok := s["const"]; ok {
		return v
	}
	if options, ok := s["enum"].([]any); ok && len(options) > 0 {
		return options[m.rng.IntN(len(options))]
	}
	if ref, ok := s["$ref"].(string); ok {
		return m.value(m.resolve(ref), name, depth+1)
	}
	for _, k := range []string{"oneOf", "anyOf"} {
		if options, ok := s[k].([]any); ok && len(options) > 0 {
			return m.value(options[m.rng.IntN(len(options))], name, depth+1)
		}
	}
	if parts, ok := s["allOf"].([]any); ok {
		merged := maps.Clone(s)
		delete(merged, "allOf")
		for _, p := range parts {
			if pm, ok := p.(map[string]any); ok {
				mergeSchema(merged, pm)
			}
		}
		return m.value(merged, name, depth+1)
	}
	switch typeOf(s) {
	case "object":
		return m.object(s, depth)
	case "array":
		low, high := int(bound(s, "minItems", 1)), int(bound(s, "maxItems", math.Inf(1)))
		n := low
		if high > low {
			n += m.rng.IntN(min(high-low, 2) + 1)
		}
		list := make([]any, 0, n)
		for range n {
			list = append(list, m.value(s["items"], name, depth+1))
		}
		return list
	case "integer":
		return int64(math.Round(m.number(s, 1)))
	case "number":
		return math.Round(m.number(s, 100)*100) / 100
	case "boolean":
		return m.rng.IntN(2) == 0
	case "null":
		return nil
	}
	return m.text(s, name)
}

func (m *valueMaker) object(s map[string]any, depth int) map[string]any {
	props, _ := s["properties"].(map[string]any)
	out := make(map[string]any, len(props))
	for _, k := range slices.Sorted(maps.Keys(props)) {
		out[k] = m.value(props[k], k, depth+1)
	}
	required, _ := s["required"].([]any)
	for _, r := range required {
		if k, ok := r.(string); ok {
			if _, there := out[k]; !there {
				out[k] = m.phrase(3)
			}
		}
	}
	return out
}

// number lies within the bounds, on a step of 1/per.
func (m *valueMaker) number(s map[string]any, per float64) float64 {
	low, high := bound(s, "minimum", math.Inf(-1)), bound(s, "maximum", math.Inf(1))
	low = max(low, bound(s, "exclusiveMinimum", math.Inf(-1))+1/per)
	high = min(high, bound(s, "exclusiveMaximum", math.Inf(1))-1/per)
	switch {
	case math.IsInf(low, -1) && math.IsInf(high, 1):
		low, high = 0, 10
	case math.IsInf(low, -1):
		low = high - 10
	case math.IsInf(high, 1):
		high = low + 10
	}
	if step := bound(s, "multipleOf", 0); step > 0 {
		return math.Ceil(low/step) * step
	}
	low = math.Ceil(low*per) / per
	return low + float64(m.rng.Int64N(max(int64((high-low)*per), 0)+1))/per
}

// text is the whole rewritten text for the first string that may be long, and a few words of it for the others.
func (m *valueMaker) text(s map[string]any, name string) string {
	n := 3 + m.rng.IntN(6)
	switch strings.ToLower(name) {
	case "text", "content", "answer", "output", "rewrite", "paraphrase", "question", "instruction", "reason", "explanation":
		n = len(m.words)
	}
	t := m.phrase(n)
	for utf8.RuneCountInString(t) < int(bound(s, "minLength", 0)) {
		t = strings.TrimSpace(t + " " + m.phrase(4))
	}
	if most := bound(s, "maxLength", math.Inf(1)); float64(utf8.RuneCountInString(t)) > most {
		t = string([]rune(t)[:int(most)])
	}
	return t
}

func (m *valueMaker) phrase(n int) string {
	if len(m.words) == 0 {
		return "echo"
	}
	n = min(max(n, 1), len(m.words))
	start := 0
	if n < len(m.words) {
		start = m.rng.IntN(len(m.words) - n + 1)
	}
	return strings.Join(m.words[start:start+n], " ")
}

// resolve follows a reference inside the schema, such as #/$defs/item.
func (m *valueMaker) resolve(ref string) any {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	v := m.root
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		object, _ := v.(map[string]any)
		v = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return v
}

func typeOf(s map[string]any) string {
	switch t := s["type"].(type) {
	case string:
		return t
	case []any:
		for _, e := range t {
			if name, ok := e.(string); ok && name != "null" {
				return name
			}
		}
	}
	if _, ok := s["properties"]; ok {
		return "object"
	}
	if _, ok := s["items"]; ok {
		return "array"
	}
	return "string"
}

func bound(s map[string]any, key string, otherwise float64) float64 {
	n, ok := s[key].(json.Number)
	if !ok {
		return otherwise
	}
	f, err := n.Float64()
	if err != nil {
		return otherwise
	}
	return f
}

func mergeSchema(to, from map[string]any) {
	for k, v := range from {
		switch old := to[k].(type) {
		case map[string]any:
			if add, ok := v.(map[string]any); ok && k == "properties" {
				both := maps.Clone(old)
				maps.Copy(both, add)
				to[k] = both
				continue
			}
		case []any:
			if add, ok := v.([]any); ok && k == "required" {
				to[k] = slices.Concat(old, add)
				continue
			}
		}
		to[k] = v
	}
}
