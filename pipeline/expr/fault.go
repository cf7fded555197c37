package expr

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"

	"sluice/pipeline/catalog"
)

// Error says what is wrong with an expression and where. Line and Column count from 1; 0 is unknown.
type Error struct {
	Source       string
	Line, Column int
	Message      string
	Hint         string
}

// Error prints the message, the line of the expression and a caret under the place:
//
//	expression 1:7: unknown name "texr"; did you mean "text"?
//	  not (texr == "")
//	       ^
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("expression")
	if e.Line > 0 {
		fmt.Fprintf(&b, " %d:%d", e.Line, e.Column)
	}
	fmt.Fprintf(&b, ": %s", e.Message)
	if e.Hint != "" {
		fmt.Fprintf(&b, "; %s", e.Hint)
	}
	lines := strings.Split(e.Source, "\n")
	if e.Line > 0 && e.Line <= len(lines) {
		fmt.Fprintf(&b, "\n  %s\n  %s^", strings.ReplaceAll(lines[e.Line-1], "\t", " "), strings.Repeat(" ", e.Column-1))
	} else if e.Source != "" {
		fmt.Fprintf(&b, "\n  %s", e.Source)
	}
	return b.String()
}

var (
	unknownName  = regexp.MustCompile(`^unknown name ([^ ]+)`)
	unknownField = regexp.MustCompile(`unknown field ([^ ]+)`)
)

// fault turns the language's error into ours. env is what names are known, nil at run time.
func fault(src string, err error, env types.Map) error {
	e := &Error{Source: src, Message: err.Error()}
	f, ok := errors.AsType[*file.Error](err)
	if !ok {
		e.Message, _, _ = strings.Cut(e.Message, "\n")
		return e
	}
	e.Line, e.Column, e.Message = f.Line, f.Column+1, f.Message
	if m := unknownName.FindStringSubmatch(f.Message); m != nil && env != nil {
		e.Message = fmt.Sprintf("unknown name %q", m[1])
		e.hint(m[1], env)
	}
	if m := unknownField.FindStringSubmatch(f.Message); m != nil && env != nil {
		e.Message = fmt.Sprintf("unknown name %q", m[1])
		for _, k := range []string{"scores", "origin"} {
			if sub, ok := env[k].(types.Map); ok {
				e.hint(m[1], sub)
			}
		}
	}
	if strings.Contains(e.Message, "nil") && env == nil {
		e.Hint = "a value is null: give it a default with ??, such as (column ?? 0)"
	}
	return e
}

func (e *Error) hint(name string, env types.Map) {
	known := slices.DeleteFunc(slices.Collect(maps.Keys(env)), func(k string) bool { return k == types.Extra })
	if n := catalog.Nearest(name, known); n != "" && e.Hint == "" {
		e.Hint = fmt.Sprintf("did you mean %q?", n)
	}
}
