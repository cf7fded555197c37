package prompt

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/parser"
)

// Error says what is wrong with a template and where. Line and Column count from 1; 0 is unknown.
type Error struct {
	Name         string // of the template
	Line, Column int
	Message      string
	Hint         string // the remedy, where there is one
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Name)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
		if e.Column > 0 {
			fmt.Fprintf(&b, ":%d", e.Column)
		}
	}
	b.WriteString(": ")
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// syntax turns a parser's error into ours.
func syntax(name string, err error) error {
	if s, ok := errors.AsType[*parser.SyntaxError](err); ok {
		return &Error{Name: name, Line: s.Line, Column: s.Column, Message: tidy(s.Message)}
	}
	return &Error{Name: name, Message: tidy(root(err).Error())}
}

var (
	atLine     = regexp.MustCompile(`at line (\d+)`)
	undefined  = regexp.MustCompile(`^Unable to evaluate name "([^"]*)"`)
	missing    = regexp.MustCompile(`: (attribute|item) '?([^']*?)'? not found$`)
	engineWord = strings.NewReplacer("ControlStructure", "tag", "controlStructure", "tag", "control structure", "tag")
)

// failed turns a rendering error into ours: the innermost cause, the line of the outermost tag that failed.
func (t *Template) failed(err error, g *guard, vars map[string]any) error {
	e := &Error{Name: t.name}
	if m := atLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
	}
	cause := root(err)
	if g.err != nil { // the engine may have turned it into text on the way
		cause = g.err
	}
	if b, ok := cause.(*Error); ok { // from our own functions and guards
		e.Message, e.Hint = b.Message, b.Hint
		return e
	}
	e.Message = tidy(cause.Error())
	switch m := undefined.FindStringSubmatch(e.Message); {
	case m != nil:
		e.Message = fmt.Sprintf("undefined variable %q", m[1])
		e.Hint = meant(m[1], slices.Collect(maps.Keys(vars)))
		for _, u := range t.uses {
			if u.name == m[1] {
				e.Line, e.Column = u.line, u.column
				break
			}
		}
	case missing.MatchString(e.Message):
		m := missing.FindStringSubmatch(e.Message)
		e.Message = fmt.Sprintf("no %s %q", m[1], m[2])
		e.Hint = "test it with \"is defined\" or give it a default"
	}
	return e
}

// panicked turns a panic of the engine into an error; its known panics have a remedy.
func panicked(name string, p any) error {
	e := &Error{Name: name, Message: fmt.Sprint("template engine: ", p)}
	if strings.Contains(e.Message, "divide by zero") {
		e.Hint = `% is the remainder of numbers; to format a string write '%s'|format(x)`
	}
	return e
}

// root returns the innermost cause of an error, through both ways of wrapping in use.
func root(err error) error {
	for {
		var next error
		switch w := err.(type) {
		case interface{ Unwrap() error }:
			next = w.Unwrap()
		case interface{ Cause() error }:
			next = w.Cause()
		case interface{ Interface() any }: // the engine's values carry errors
			next, _ = w.Interface().(error)
		}
		if next == nil || next == err {
			return err
		}
		err = next
	}
}

func tidy(s string) string {
	s = engineWord.Replace(s)
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return s
}

// moved adds to the column of err what leftStrip took from its line.
func moved(err error, shift []int) error {
	if e, ok := err.(*Error); ok && e.Column > 0 {
		e.Column += shiftOf(shift, e.Line)
	}
	return err
}

func shiftOf(shift []int, line int) int {
	if line < 1 || line > len(shift) {
		return 0
	}
	return shift[line-1]
}
