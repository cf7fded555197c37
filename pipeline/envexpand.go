package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// expanded remembers what ${VAR} became, so that the values can be kept out of messages and files.
type expanded struct {
	nodes  map[*yaml.Node]string // the scalar as it is written in the recipe
	values map[string]string     // value -> the reference it came from
}

// expandEnv puts the values of ${VAR} and ${VAR:-default} into the scalar nodes below n, after parsing, so that a value
// cannot change the structure of the recipe. $${ is a literal ${. Keys are not expanded: they are the
// recipe's language. A scalar that is a number or boolean
// then is one, unless it is quoted and more than a single reference: YAML wants "${N}" quoted inside braces.
func expandEnv(n *yaml.Node, getenv func(string) (string, bool), bad func(n *yaml.Node, err error, hint string)) *expanded {
	e := &expanded{nodes: map[*yaml.Node]string{}, values: map[string]string{}}
	e.walk(n, getenv, bad)
	return e
}

func (e *expanded) walk(n *yaml.Node, getenv func(string) (string, bool), bad func(*yaml.Node, error, string)) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			e.walk(n.Content[i], getenv, bad)
		}
	case yaml.ScalarNode:
		if strings.Contains(n.Value, "${") {
			e.scalar(n, getenv, bad)
		}
	case yaml.AliasNode: // its anchor is expanded where it stands
	default:
		for _, c := range n.Content {
			e.walk(c, getenv, bad)
		}
	}
}

func (e *expanded) scalar(n *yaml.Node, getenv func(string) (string, bool), bad func(*yaml.Node, error, string)) {
	text, refs, err := expand(n.Value, getenv)
	if err != nil {
		hint := "write $${ for a literal ${"
		if errors.Is(err, errUnset) {
			hint = "set it, or give a default: ${NAME:-default}"
		}
		bad(n, err, hint)
		return
	}
	e.nodes[n] = n.Value
	maps.Copy(e.values, refs)
	const written = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	if whole := strings.HasPrefix(n.Value, "${") && strings.IndexByte(n.Value, '}') == len(n.Value)-1; whole || n.Style&written == 0 {
		n.Tag, n.Style = plainTag(text), n.Style&^written
	}
	n.Value = text
}

// expand returns s with its references replaced, and the reference behind every value from the environment:
//
//	expand("http://${HOST:-localhost}:${PORT}/v1") = "http://localhost:8080/v1", {"8080": "${PORT}"}
func expand(s string, getenv func(string) (string, bool)) (string, map[string]string, error) {
	var b strings.Builder
	refs := map[string]string{}
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), refs, nil
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return "", nil, errors.New("${ without }")
		}
		ref := s[i : i+end+1]
		name, fallback, hasFallback := strings.Cut(ref[2:len(ref)-1], ":-")
		if !isEnvName(name) {
			return "", nil, fmt.Errorf("%q is not the name of an environment variable", name)
		}
		switch value, ok := getenv(name); {
		case ok && (value != "" || !hasFallback): // as in a shell, :- also replaces an empty value
			b.WriteString(value)
			refs[value] = "${" + name + "}"
		case hasFallback:
			b.WriteString(fallback)
		default:
			return "", nil, fmt.Errorf("%s: %w", name, errUnset)
		}
		s = s[i+end+1:]
	}
}

var errUnset = errors.New("this environment variable is not set")

func isEnvName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// plainTag is the YAML tag of what was expanded into a plain scalar: a number, a boolean, or else text.
func plainTag(s string) string {
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return "!!int"
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "+-.eE0123456789") == "" {
		return "!!float"
	}
	if s == "true" || s == "false" {
		return "!!bool"
	}
	return "!!str"
}

// hide puts the references back in place of their values in a message: what came from the environment may be
// a secret. Values of one or two characters are left, since they would tear words apart.
func (e *expanded) hide(message string) string {
	values := slices.SortedFunc(maps.Keys(e.values), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	for _, v := range values {
		if len(v) > 2 {
			message = strings.ReplaceAll(message, v, e.values[v])
		}
	}
	return message
}
