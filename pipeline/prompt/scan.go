package prompt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// use is one place where a template reads a free variable.
type use struct {
	name, attr   string // attr: the first attribute, when it is read by name
	line, column int
}

// scanner reads the tokens of a template once: it finds free variables with their places, refuses unknown
// tags, filters and tests, and bounds how deep things nest before the engine's parser recurses over them.
type scanner struct {
	name   string
	b      bounds
	env    *exec.Environment
	scopes []scope
	uses   []use
}

// scope holds the names bound since a tag was opened.
type scope struct {
	tag   string
	names map[string]bool
}

func scan(name, src string, c *config.Config, env *exec.Environment, b bounds) ([]use, error) {
	s := &scanner{name: name, b: b, env: env, scopes: []scope{{names: map[string]bool{}}}}
	var toks []*tokens.Token
	stream := tokens.LexAll(src, c)
	for ; !stream.End(); stream.Next() {
		toks = append(toks, stream.Current())
	}
	if stream.IsError() {
		t := stream.Current()
		return nil, s.fail(t, "%s", tidy(t.Val))
	}
	for i := 0; i < len(toks); i++ {
		end := tokens.VariableEnd
		switch toks[i].Type {
		case tokens.VariableBegin:
		case tokens.BlockBegin:
			end = tokens.BlockEnd
		default:
			continue
		}
		n := slices.IndexFunc(toks[i:], func(t *tokens.Token) bool { return t.Type == end })
		if n < 0 {
			return nil, s.fail(toks[i], "%s is never closed", strings.TrimSpace(toks[i].Val))
		}
		inner := toks[i+1 : i+n]
		if err := s.shape(toks[i], inner); err != nil {
			return nil, err
		}
		err := error(nil)
		if end == tokens.BlockEnd {
			err = s.tag(toks[i], inner)
		} else {
			err = s.expression(inner)
		}
		if err != nil {
			return nil, err
		}
		i += n
	}
	return s.uses, nil
}

func (s *scanner) fail(t *tokens.Token, format string, args ...any) error {
	return &Error{Name: s.name, Line: t.Line, Column: t.Col, Message: fmt.Sprintf(format, args...)}
}

// shape bounds one tag: its length and how deep its brackets nest.
func (s *scanner) shape(begin *tokens.Token, inner []*tokens.Token) error {
	if len(inner) > s.b.words {
		return s.fail(begin, "more than %d words in one tag", s.b.words)
	}
	depth := 0
	for _, t := range inner {
		switch t.Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			if depth++; depth > s.b.nesting {
				return s.fail(t, "brackets nest more than %d deep", s.b.nesting)
			}
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		case tokens.Multiply, tokens.Power:
			if !s.b.multiply && !inMacroHead(inner) {
				return s.fail(t, "%s is not allowed in a chat template", t.Val)
			}
		}
	}
	return nil
}

// inMacroHead: there * and ** mark the rest of the arguments.
func inMacroHead(inner []*tokens.Token) bool {
	return len(inner) > 0 && (inner[0].Val == "macro" || inner[0].Val == "call")
}

var keywords = map[string]bool{"if": true, "else": true, "recursive": true, "in": true, "and": true, "or": true, "not": true, "is": true,
	"true": true, "false": true, "none": true, "True": true, "False": true, "None": true, "loop": true, "self": true, "caller": true}

// expression records the free variables of an expression and checks its filters and tests.
func (s *scanner) expression(ts []*tokens.Token) error {
	depth := 0
	at := func(i int) tokens.Type {
		if i < 0 || i >= len(ts) {
			return tokens.EOF
		}
		return ts[i].Type
	}
	for i, t := range ts {
		switch t.Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		}
		if t.Type != tokens.Name {
			continue
		}
		switch {
		case at(i-1) == tokens.Dot: // an attribute
		case at(i-1) == tokens.Pipe:
			if !s.env.Filters.Exists(t.Val) {
				return s.unknown(t, "filter", filterNames)
			}
		case at(i-1) == tokens.Is, at(i-1) == tokens.Not && at(i-2) == tokens.Is:
			if !s.env.Tests.Exists(t.Val) {
				return s.unknown(t, "test", testNames)
			}
		case depth > 0 && at(i+1) == tokens.Assign: // a keyword argument
		case keywords[t.Val], s.bound(t.Val), s.env.Context.Has(t.Val):
		default:
			u := use{name: t.Val, line: t.Line, column: t.Col}
			switch {
			case at(i+1) == tokens.Dot && at(i+2) == tokens.Name && at(i+3) != tokens.LeftParenthesis:
				u.attr = ts[i+2].Val
			case at(i+1) == tokens.LeftBracket && at(i+2) == tokens.String && at(i+3) == tokens.RightBracket:
				u.attr = ts[i+2].Val
			}
			s.uses = append(s.uses, u)
		}
	}
	return nil
}

func (s *scanner) unknown(t *tokens.Token, what string, known []string) error {
	return &Error{Name: s.name, Line: t.Line, Column: t.Col, Message: fmt.Sprintf("unknown %s %q", what, t.Val), Hint: meant(t.Val, known)}
}

func (s *scanner) bound(name string) bool {
	return slices.ContainsFunc(s.scopes, func(c scope) bool { return c.names[name] })
}

func (s *scanner) bind(names ...string) {
	for _, n := range names {
		s.scopes[len(s.scopes)-1].names[n] = true
	}
}

// spread splits known names into the variables and those attributes of one variable that are known:
// ["text", "origin.row"] for origin → ["text", "origin"], ["row"].
func spread(known []string, variable string) (bases, attrs []string) {
	for _, k := range known {
		base, attr, dotted := strings.Cut(k, ".")
		if dotted && base == variable {
			attrs = append(attrs, attr)
		}
		if !slices.Contains(bases, base) {
			bases = append(bases, base)
		}
	}
	return bases, attrs
}
