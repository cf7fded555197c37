package prompt

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

// tag follows one {% … %}: what it reads, what it binds, what it opens and closes.
func (s *scanner) tag(begin *tokens.Token, ts []*tokens.Token) error {
	if len(ts) == 0 || ts[0].Type != tokens.Name {
		return s.fail(begin, "a tag needs a name")
	}
	name, args := ts[0].Val, ts[1:]
	if open, closes := strings.CutPrefix(name, "end"); closes {
		s.pop(open)
		return nil
	}
	switch name {
	case "for":
		return s.forTag(ts[0], args)
	case "set":
		return s.setTag(args)
	case "with":
		return s.withTag(ts[0], args)
	case "macro", "call":
		return s.macroTag(ts[0], args)
	case "filter":
		if len(args) > 0 && !s.env.Filters.Exists(args[0].Val) {
			return s.unknown(args[0], "filter", filterNames)
		}
		return s.push(ts[0], s.expression(args[min(1, len(args)):]))
	case "if":
		return s.push(ts[0], s.expression(args))
	case "elif", "do":
		return s.expression(args)
	case "else", "break", "continue", "raw":
		return nil
	}
	return s.unknown(ts[0], "tag", tagNames)
}

// push opens the scope of a tag unless its head was wrong.
func (s *scanner) push(t *tokens.Token, err error, names ...string) error {
	if err != nil {
		return err
	}
	if len(s.scopes) > s.b.nesting {
		return s.fail(t, "tags nest more than %d deep", s.b.nesting)
	}
	if t.Val == "if" { // no scope of its own: what is set inside stays
		s.scopes = append(s.scopes, scope{t.Val, s.scopes[len(s.scopes)-1].names})
		return nil
	}
	s.scopes = append(s.scopes, scope{t.Val, map[string]bool{}})
	s.bind(names...)
	return nil
}

// pop closes the innermost scope if tag opened it; what does not match the parser reports.
func (s *scanner) pop(tag string) {
	if n := len(s.scopes) - 1; n > 0 && s.scopes[n].tag == tag {
		s.scopes = s.scopes[:n]
	}
}

// forTag: for a, b in ITEMS if CONDITION. Items belong to the scope outside, the condition sees the targets.
func (s *scanner) forTag(t *tokens.Token, args []*tokens.Token) error {
	var targets []string
	i := 0
	for ; i < len(args) && args[i].Type != tokens.In; i++ {
		if args[i].Type == tokens.Name {
			targets = append(targets, args[i].Val)
		}
	}
	rest := args[min(i+1, len(args)):]
	cond, depth := len(rest), 0
	for j, a := range rest {
		switch {
		case a.Type == tokens.LeftParenthesis || a.Type == tokens.LeftBracket || a.Type == tokens.LeftBrace:
			depth++
		case a.Type == tokens.RightParenthesis || a.Type == tokens.RightBracket || a.Type == tokens.RightBrace:
			depth--
		case depth == 0 && a.Type == tokens.Name && a.Val == "if":
			cond = min(cond, j)
		}
	}
	if err := s.push(t, s.expression(rest[:cond]), targets...); err != nil {
		return err
	}
	return s.expression(rest[cond:])
}

// setTag: set NAME = EXPRESSION, set NAME.ATTRIBUTE = EXPRESSION, or set NAME followed by a body.
func (s *scanner) setTag(args []*tokens.Token) error {
	if len(args) == 0 || args[0].Type != tokens.Name {
		return nil // the parser says what is wrong
	}
	if len(args) > 1 && args[1].Type == tokens.Assign {
		if err := s.expression(args[2:]); err != nil {
			return err
		}
		s.bind(args[0].Val)
		return nil
	}
	if len(args) == 1 {
		s.bind(args[0].Val)
		return nil
	}
	return s.expression(args)
}

// withTag: with A = EXPRESSION, B = EXPRESSION. The names are bound inside, the expressions read outside.
func (s *scanner) withTag(t *tokens.Token, args []*tokens.Token) error {
	var names []string
	var rest []*tokens.Token
	depth := 0
	for i, a := range args {
		switch a.Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		}
		if depth == 0 && a.Type == tokens.Name && i+1 < len(args) && args[i+1].Type == tokens.Assign {
			names = append(names, a.Val)
			continue
		}
		rest = append(rest, a)
	}
	return s.push(t, s.expression(rest), names...)
}

// macroTag: macro NAME(A, B=EXPRESSION), and call(A) EXPRESSION, whose arguments are bound inside.
func (s *scanner) macroTag(t *tokens.Token, args []*tokens.Token) error {
	if t.Val == "macro" && len(args) > 0 {
		s.bind(args[0].Val)
		args = args[1:]
	}
	names := []string{"varargs", "kwargs"}
	rest := args
	if len(args) > 0 && args[0].Type == tokens.LeftParenthesis {
		depth, i := 0, 0
		value := false // after =, up to the next comma
		rest = nil
		for ; i < len(args); i++ {
			switch args[i].Type {
			case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
				depth++
			case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
				depth--
			}
			if depth == 0 {
				break
			}
			switch {
			case depth == 1 && args[i].Type == tokens.Comma:
				value = false
			case depth == 1 && args[i].Type == tokens.Assign:
				value = true
			case value:
				rest = append(rest, args[i])
			case args[i].Type == tokens.Name:
				names = append(names, args[i].Val)
			}
		}
		rest = append(rest, args[min(i+1, len(args)):]...)
	}
	return s.push(t, s.expression(rest), names...)
}
