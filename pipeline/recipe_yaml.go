package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"sluice/pipeline/catalog"
)

// reader turns the nodes of one recipe into Go values and collects everything that is wrong.
type reader struct {
	file     string
	lines    []string
	env      *expanded
	common   []string            // keys known beside those of the type that is decoded
	failed   map[*yaml.Node]bool // scalars that could not be expanded: what else is wrong with them follows from it
	problems Problems
}

// bad records a problem at n.
func (r *reader) bad(n *yaml.Node, hint, format string, args ...any) {
	if r.failed[n] {
		return
	}
	p := Problem{File: r.file, Hint: hint, Message: fmt.Sprintf(format, args...)}
	if n != nil && n.Line > 0 {
		p.Line, p.Column, p.Width = n.Line, n.Column, r.width(n)
	}
	r.add(p)
}

// maxProblems bounds what is collected: nobody reads on, and a file that is no recipe may have a million.
const maxProblems = 200

// add completes p with its excerpt and takes values of the environment out of its words.
func (r *reader) add(p Problem) {
	if len(r.problems) == maxProblems {
		return
	}
	if p.Excerpt == "" && p.Line > 0 && p.Line <= len(r.lines) && p.File == r.file {
		p.Excerpt = r.lines[p.Line-1]
	}
	if r.env != nil {
		p.Message, p.Hint = r.env.hide(p.Message), r.env.hide(p.Hint)
	}
	r.problems = append(r.problems, p)
}

// width is the number of characters that n takes on its line: the text of scalars, one for all else.
func (r *reader) width(n *yaml.Node) int {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return 1
	}
	text := n.Value
	if r.env != nil && r.env.nodes[n] != "" {
		text = r.env.nodes[n]
	}
	w := utf8.RuneCountInString(text)
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		w += 2
	}
	return max(1, w)
}

// A field is one key of a mapping with its value.
type field struct{ key, value *yaml.Node }

// fields returns the keys of a mapping in order, aliases and merge keys resolved; keys written out win over merged
// ones. ok is false where n is something else; null is an empty mapping.
func fields(n *yaml.Node) (fs []field, ok bool) {
	budget := 1000 // an anchor may merge itself, or many that merge many
	return mergedFields(n, &budget)
}

func mergedFields(n *yaml.Node, budget *int) (fs []field, ok bool) {
	n = resolve(n)
	if isNull(n) {
		return nil, true
	}
	if *budget--; n.Kind != yaml.MappingNode || *budget < 0 {
		return nil, false
	}
	var merged []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.ShortTag() != "!!merge" {
			fs = append(fs, field{k, v})
			continue
		}
		from := []*yaml.Node{v}
		if s := resolve(v); s.Kind == yaml.SequenceNode {
			from = s.Content
		}
		for _, f := range from {
			m, ok := mergedFields(f, budget)
			if !ok {
				return nil, false
			}
			merged = append(merged, m...)
		}
	}
	for _, m := range merged {
		if lookup(fs, m.key.Value) == nil {
			fs = append(fs, m)
		}
	}
	return fs, true
}

// lookup returns the value of a key, or nil.
func lookup(fs []field, key string) *yaml.Node {
	for _, f := range fs {
		if f.key.Value == key {
			return f.value
		}
	}
	return nil
}

// mapping makes a node of fields again, at the place of n.
func mapping(n *yaml.Node, fs []field) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
	for _, f := range fs {
		m.Content = append(m.Content, f.key, f.value)
	}
	return m
}

func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// repeats reports keys that a mapping below n has twice.
func (r *reader) repeats(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		lines := map[string]int{}
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge" {
				continue
			}
			if line, twice := lines[k.Value]; twice {
				r.bad(k, "", "key %q stands here a second time: the first is on line %d", k.Value, line)
			}
			lines[k.Value] = k.Line
		}
	}
	for _, c := range n.Content {
		r.repeats(c)
	}
}

// strict decodes n onto into, which points to a value that holds the defaults. Unknown keys, wrong types and keys
// without value are problems; owner names whose keys they are. It reports whether there were none.
func (r *reader) strict(n *yaml.Node, into any, owner string) bool {
	before := len(r.problems)
	t := reflect.TypeOf(into).Elem()
	r.empty(n, t)
	err := r.decode(n, into)
	var many *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case err == nil:
	case errors.As(err, &many):
		for _, e := range many.Errors {
			r.translate(n, t, e, owner)
		}
	case errors.As(err, &one):
		r.translate(n, t, one, owner)
	default:
		r.bad(n, "", "%s: %v", owner, err)
	}
	return len(r.problems) == before
}

// decode calls the YAML library; a component's own unmarshaler may panic, and a recipe must never crash the program.
func (r *reader) decode(n *yaml.Node, into any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read: %v", p)
		}
	}()
	return n.Load(into, yaml.WithKnownFields())
}

// lenient is decode without a word about unknown keys.
func (r *reader) lenient(n *yaml.Node, into any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read: %v", p)
		}
	}()
	return n.Load(into)
}

var (
	unknownField = regexp.MustCompile(`^field (.*) not found in type (.*)$`)
	wrongType    = regexp.MustCompile("(?s)^cannot construct (!!?[^ ]*)(?: `.*`)? into (.*)$")
)

// translate puts an error of the YAML library into the recipe's words. Values are not repeated in them: the
// excerpt shows what is written.
func (r *reader) translate(n *yaml.Node, t reflect.Type, e *yaml.LoadError, owner string) {
	if len(r.problems) == maxProblems {
		return
	}
	path, at := find(n, e.Mark.Line, e.Mark.Column)
	if at == nil {
		at = n
	}
	if m := unknownField.FindStringSubmatch(e.Message); m != nil {
		keys := keysOf(t, m[2])
		if m[2] == t.String() {
			keys = slices.Concat(keys, r.common)
		}
		r.bad(at, suggest(m[1], keys), "unknown key %q of %s", m[1], within(path[:max(0, len(path)-1)], owner))
		return
	}
	name := owner
	if len(path) > 0 {
		name = "key " + within(path, owner)
	}
	if m := wrongType.FindStringSubmatch(e.Message); m != nil {
		r.bad(at, "", "%s wants %s, not %s", name, typeWords(m[2]), tagWords(m[1]))
		return
	}
	if strings.Contains(e.Message, "already defined") || strings.Contains(e.Message, "already set in type") {
		return // repeats has reported it
	}
	r.bad(at, "", "%s: %s", name, e.Message)
}

// suggest is the hint for an unknown name: the nearest known one, or all where they are few.
func suggest(name string, known []string) string {
	if near := catalog.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	switch {
	case len(known) == 0:
		return ""
	case len(known) <= 16:
		return "known are " + strings.Join(known, ", ")
	}
	return ""
}

// within names a place for people: near.share of filters/size; the recipe's own keys speak for themselves.
func within(path []string, owner string) string {
	switch at := strings.Join(path, "."); {
	case at == "":
		return owner
	case owner == theRecipe:
		return at
	default:
		return at + " of " + owner
	}
}

// theRecipe owns the top-level keys.
const theRecipe = "the recipe"

// find returns the node at a place below n, and the keys that lead to it (its own included, for a key).
func find(n *yaml.Node, line, column int) (path []string, at *yaml.Node) {
	for i, c := range n.Content {
		here := c.Line == line && c.Column == column
		// a block mapping begins where its first key does: the key is meant
		if here && (c.Kind != yaml.MappingNode || len(c.Content) == 0 || c.Style&yaml.FlowStyle != 0) {
			at = c
		} else if path, at = find(c, line, column); at == nil && here {
			at = c
		}
		if at == nil {
			continue
		}
		if n.Kind == yaml.MappingNode {
			path = append([]string{n.Content[i-i%2].Value}, path...)
		}
		return path, at
	}
	return nil, nil
}

// empty reports keys that stand without a value where one is needed: the library would keep the default without a word.
func (r *reader) empty(n *yaml.Node, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	fs, ok := fields(n)
	if t.Kind() != reflect.Struct || !ok {
		return
	}
	byKey := yamlFields(t)
	for _, f := range fs {
		ft, known := byKey[f.key.Value]
		if !known {
			continue
		}
		switch ft.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		default:
			if v := resolve(f.value); isNull(v) {
				r.bad(f.key, "give it one, or leave the key out", "key %q has no value", f.key.Value)
			}
		}
		r.empty(f.value, ft)
	}
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
