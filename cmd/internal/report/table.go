package report

import (
	"io"
	"strings"
	"unicode/utf8"
)

// A Table is rows of cells in columns: the first column and those named in Left begin at the left, numbers end at the right.
//
//	stage           in  out
//	source         150  120   held_out 30
//	filters/length 120  118   too_short 2
type Table struct {
	Left []int // columns aligned at the left beside the first

	rows [][]string
}

// Row adds a row. Rows may have fewer cells than others.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Write writes the table, each line behind indent.
func (t *Table) Write(w io.Writer, indent string) error {
	var wide []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range t.rows {
		var line strings.Builder
		line.WriteString(indent)
		for i, c := range r {
			pad := strings.Repeat(" ", wide[i]-utf8.RuneCountInString(c))
			if i > 0 {
				line.WriteString("  ")
			}
			if t.left(i) {
				line.WriteString(c + pad)
			} else {
				line.WriteString(pad + c)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) left(column int) bool {
	if column == 0 {
		return true
	}
	for _, l := range t.Left {
		if l == column {
			return true
		}
	}
	return false
}
