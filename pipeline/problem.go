package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is one thing wrong in a recipe, with its place in the file.
type Problem struct {
	File    string // as named to [Load]
	Line    int    // from 1; 0: the file as a whole
	Column  int    // from 1, in characters
	Width   int    // characters the caret underlines, at least 1
	Message string
	Hint    string // the remedy, where one is known
	Excerpt string // the line itself
}

// Problems is everything wrong in a recipe, in the order of the file. [Load] returns it as its error.
type Problems []Problem

// KeyError is the error of a [Checker] that knows which of its keys is wrong, and where inside the
// value: [Load] points its caret there. Several may be joined by [errors.Join].
type KeyError struct {
	Key          string   // of the component, such as prompt
	At           []string // below the key, to the value that is wrong: keys, and positions in lists from 0
	Line, Column int      // inside the value, from 1, such as a template's; 0: the value as a whole
	Hint         string   // the remedy, where one is known
	Err          error
}

func (e *KeyError) Error() string { return e.Key + ": " + e.Err.Error() }

func (e *KeyError) Unwrap() error { return e.Err }

// Error renders all problems for a terminal:
//
//	recipe.yaml:7:23: unknown key "mim" of filters/length
//	  7 |   - filters/length: {mim: 40}
//	    |                      ^^^
//	  hint: did you mean min?
func (p Problems) Error() string {
	parts := make([]string, len(p))
	for i := range p {
		parts[i] = p[i].String()
	}
	return strings.Join(parts, "\n")
}

// excerptWidth is how many characters of a long line are shown around the caret.
const excerptWidth = 100

// String renders one problem on one to four lines.
func (p *Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	b.WriteString(p.Message)
	if p.Line > 0 && p.Excerpt != "" {
		line, caret := window(p.Excerpt, p.Column-1, max(1, p.Width))
		number := fmt.Sprint(p.Line)
		fmt.Fprintf(&b, "\n  %s | %s\n  %*s | %s", number, line, len(number), "", caret)
	}
	if p.Hint != "" {
		b.WriteString("\n  hint: " + p.Hint)
	}
	return b.String()
}

// window cuts line to excerptWidth characters around the at-th and returns it with a line of carets below
// it. Tabs become single spaces and control characters dots, so that the caret stands right on every terminal:
//
//	window("a: b", 3, 1) = "a: b", "   ^"
func window(line string, at, width int) (string, string) {
	runes := []rune(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r == 0xfeff:
			return '.'
		}
		return r
	}, line))
	at = min(max(0, at), len(runes))
	from := 0
	if len(runes) > excerptWidth && at > excerptWidth*2/3 {
		from = min(at-excerptWidth/2, len(runes)-excerptWidth)
	}
	to := min(len(runes), from+excerptWidth)
	head, tail := "", ""
	if from > 0 {
		head = "…"
	}
	if to < len(runes) {
		tail = "…"
	}
	width = max(1, min(width, to-at))
	caret := strings.Repeat(" ", utf8.RuneCountInString(head)+at-from) + strings.Repeat("^", width)
	return head + string(runes[from:to]) + tail, caret
}

// sort orders problems by place and removes repeats, which one mistake may cause in several checks.
func (p Problems) sort() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(p, func(a, b Problem) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}
