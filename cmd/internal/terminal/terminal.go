// Package terminal puts text that nobody has vouched for on a screen: rows of a dataset, prompts, answers. Nothing in such a text may
// move the cursor, change colours, hide or reorder what stands beside it. escape.go makes text harmless, wrap.go breaks it into lines
// by the columns it takes. It draws nothing and asks no terminal anything but its width.
package terminal

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Columns that are assumed where there is no terminal, and the least that text is wrapped to.
const (
	usual     = 100
	narrowest = 40
)

// Width is how many columns lines written to w may take: those of the terminal, else what COLUMNS says, else 100.
func Width(w io.Writer) int {
	n := 0
	if f, ok := w.(*os.File); ok {
		n, _, _ = term.GetSize(int(f.Fd())) // no terminal: 0
	}
	if n <= 0 {
		n, _ = strconv.Atoi(os.Getenv("COLUMNS"))
	}
	if n <= 0 {
		return usual
	}
	return max(n, narrowest)
}

// Is reports whether w is a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
