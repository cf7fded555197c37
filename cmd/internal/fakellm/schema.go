package fakellm

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A valueMaker writes a JSON value that fits a schema. The same schema, theme and state give the same value.
type valueMaker struct {
	root  node
	theme string // what texts in the value speak about
	state uint64
	out   []byte
}

// depths at which optional things are left out, and below which a schema that recurses without end is given up.
const (
	shallow = 6
	deepest = 24
)

// fitting makes a value for a schema: for {"type":"object","properties":{"ok":{"type":"boolean"}}}, say, {"ok":true}.
func fitting(schema node, theme string, state uint64) string {
	m := &valueMaker{root: schema, theme: theme, state: state}
	m.value(schema, "", 0)
	return string(m.out)
}

// draw is the next number below n.
func (m *valueMaker) draw(n int) int {
	m.state = mix(m.state, 1)
	return int(m.state % uint64(max(1, n)))
}

func (m *valueMaker) value(schema node, name string, depth int) {
	schema = m.resolve(schema, depth)
	if depth > deepest {
		m.out = append(m.out, "null"...)
		return
	}
	if c := schema.get("const"); c.kind != 0 {
		m.out = c.append(m.out)
		return
	}
	if e := schema.get("enum"); len(e.kids) > 0 {
		m.out = e.kids[m.draw(len(e.kids))].append(m.out)
		return
	}
	switch typeOf(schema) {
	case "object":
		m.object(schema, depth)
	case "array":
		m.array(schema, name, depth)
	case "integer":
		m.integer(schema, name)
	case "number":
		m.number(schema, name)
	case "boolean":
		m.out = strconv.AppendBool(m.out, m.draw(2) == 0)
	case "null":
		m.out = append(m.out, "null"...)
	default:
		m.out = appendString(m.out, m.text(schema, name))
	}
}

// resolve follows $ref, merges allOf and takes the first choice of anyOf and oneOf. Deep down it takes a choice that does
// not go deeper, if there is one.
func (m *valueMaker) resolve(schema node, depth int) node {
	for range deepest {
		if ref := schema.get("$ref"); ref.kind == 's' {
			schema = m.lookup(ref.text)
			continue
		}
		if all := schema.get("allOf"); all.kind == 'a' {
			schema = m.merge(schema, all.kids, depth)
		}
		options := schema.get("anyOf").kids
		if len(options) == 0 {
			options = schema.get("oneOf").kids
		}
		if len(options) == 0 {
			return schema
		}
		chosen := options[0]
		if depth > shallow {
			for _, o := range options {
				if t := typeOf(o); o.get("$ref").kind == 0 && t != "object" && t != "array" {
					chosen = o
					break
				}
			}
		}
		schema = chosen
	}
	return schema
}

// lookup finds #/$defs/name and any other pointer inside the document; # alone is the whole.
func (m *valueMaker) lookup(ref string) node {
	at := m.root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#"), "/") {
		if step == "" {
			continue
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		if i, err := strconv.Atoi(step); err == nil && at.kind == 'a' && i >= 0 && i < len(at.kids) {
			at = at.kids[i]
			continue
		}
		at = at.get(step)
	}
	return at
}

// merge joins a schema with the members of its allOf: properties and required add up, other keys are taken over.
func (m *valueMaker) merge(schema node, parts []node, depth int) node {
	sum := node{kind: 'o'}
	for _, part := range append([]node{schema}, parts...) {
		if part.get("$ref").kind == 's' {
			part = m.resolve(part, depth)
		}
		for i, key := range part.keys {
			if key == "allOf" {
				continue
			}
			at := slices.Index(sum.keys, key)
			if at < 0 {
				sum.keys, sum.kids = append(sum.keys, key), append(sum.kids, part.kids[i])
				continue
			}
			old := sum.kids[at]
			sum.kids[at] = node{kind: old.kind, text: old.text,
				keys: append(slices.Clip(old.keys), part.kids[i].keys...),
				kids: append(slices.Clip(old.kids), part.kids[i].kids...)}
		}
	}
	return sum
}

// typeOf is the type of a schema: named, the first of several, or told by its other keys.
func typeOf(schema node) string {
	switch t := schema.get("type"); {
	case t.kind == 's':
		return t.text
	case t.kind == 'a' && len(t.kids) > 0:
		return t.kids[0].text
	case schema.get("properties").kind != 0:
		return "object"
	case schema.get("items").kind != 0:
		return "array"
	case schema.get("minimum").kind != 0 || schema.get("maximum").kind != 0:
		return "number"
	}
	return "string"
}

// object writes every property; deep down only the required ones, so that a schema that contains itself ends.
func (m *valueMaker) object(schema node, depth int) {
	var required []string
	for _, r := range schema.get("required").kids {
		required = append(required, r.text)
	}
	properties := schema.get("properties")
	m.out = append(m.out, '{')
	first := true
	write := func(key string, of node) {
		if !first {
			m.out = append(m.out, ',')
		}
		first = false
		m.out = append(appendString(m.out, key), ':')
		m.value(of, key, depth+1)
	}
	for i, key := range properties.keys {
		if depth < shallow || slices.Contains(required, key) {
			write(key, properties.kids[i])
		}
	}
	for _, key := range required {
		if properties.get(key).kind == 0 {
			write(key, node{kind: 'o'})
		}
	}
	m.out = append(m.out, '}')
}

// array writes one to three items within the bounds. Where items have to differ, a repeat is drawn again.
func (m *valueMaker) array(schema node, name string, depth int) {
	least := schema.get("minItems").integer(0)
	size := max(least, 1+m.draw(3))
	if depth > shallow {
		size = least
	}
	size = min(size, schema.get("maxItems").integer(size))
	unique := schema.get("uniqueItems").kind == 't'
	var seen []string
	m.out = append(m.out, '[')
	for tries := 0; len(seen) < size && tries < 100*(size+1); tries++ {
		start := len(m.out)
		if len(seen) > 0 {
			m.out = append(m.out, ',')
		}
		from := len(m.out)
		m.value(schema.get("items"), name, depth+1)
		item := string(m.out[from:])
		if unique && slices.Contains(seen, item) {
			m.out = m.out[:start]
			continue
		}
		seen = append(seen, item)
	}
	m.out = append(m.out, ']')
}

// bounds of a number; those that the schema leaves open are drawn from what the name suggests.
func bounds(schema node, name string, step float64) (lo, hi float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	if v, ok := schema.get("minimum").number(); ok {
		lo = v
	}
	if v, ok := schema.get("exclusiveMinimum").number(); ok {
		lo = max(lo, v+step)
	}
	if v, ok := schema.get("maximum").number(); ok {
		hi = v
	}
	if v, ok := schema.get("exclusiveMaximum").number(); ok {
		hi = min(hi, v-step)
	}
	span := 100.0
	if marks(name) {
		span = 1
		if step == 1 {
			span = 5
		}
	}
	switch {
	case math.IsInf(lo, -1) && math.IsInf(hi, 1):
		return 0, span
	case math.IsInf(lo, -1):
		return hi - span, hi
	case math.IsInf(hi, 1):
		return lo, lo + span
	}
	return lo, hi
}

// marks reports whether a name is that of a mark that a judge gives; most marks are good ones.
func marks(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "score") || strings.Contains(name, "rating") || strings.Contains(name, "quality")
}

// fraction draws a place between the bounds, in the upper part for a mark.
func (m *valueMaker) fraction(name string) float64 {
	m.state = mix(m.state, 1)
	if u := unit(m.state); marks(name) {
		return math.Sqrt(u)
	} else {
		return u
	}
}

func (m *valueMaker) integer(schema node, name string) {
	step, ok := schema.get("multipleOf").number()
	if !ok || step < 1 {
		step = 1
	}
	lo, hi := bounds(schema, name, 1)
	first, last := math.Ceil(lo/step), math.Floor(hi/step)
	v := min(last, first+math.Floor(m.fraction(name)*(last-first+1)))
	m.out = strconv.AppendInt(m.out, int64(v*step), 10)
}

func (m *valueMaker) number(schema node, name string) {
	if step, ok := schema.get("multipleOf").number(); ok && step > 0 {
		lo, hi := bounds(schema, name, step)
		v := math.Ceil(lo/step) + math.Floor(m.fraction(name)*(math.Floor(hi/step)-math.Ceil(lo/step)))
		m.out = strconv.AppendFloat(m.out, v*step, 'g', 12, 64)
		return
	}
	lo, hi := bounds(schema, name, 1e-6)
	v := lo + m.fraction(name)*(hi-lo)
	if r := math.Round(v*100) / 100; r >= lo && r <= hi {
		v = r
	}
	m.out = strconv.AppendFloat(m.out, v, 'f', -1, 64)
}
