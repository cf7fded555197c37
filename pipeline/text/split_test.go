package text

import (
	"iter"
	"strings"
	"testing"
)

func joined(seq iter.Seq[string]) string {
	var b strings.Builder
	for s := range seq {
		b.WriteString("[" + s + "]")
	}
	return b.String()
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(string) iter.Seq[string]
		in   string
		want string
	}{
		{"lines", Lines, "", ""},
		{"lines", Lines, "a\n\nb\n", "[a][][b]"},
		{"lines", Lines, "a\r\nb\rc\vd\u2028e\u0085f\x1cg", "[a][b][c][d][e][f][g]"},
		{"runs", LineRuns, "\na\n\nb\n", "[][a][b][]"},
		{"runs", LineRuns, "", "[]"},
		{"runs", LineRuns, "a\r\n\r\nb", "[a\r][\r][b]"},
		{"paragraphs", Paragraphs, " \n\na\nb\n\n\nc\n ", "[a\nb][c]"},
		{"paragraphs", Paragraphs, "a\n \nb", "[a\n \nb]"},
		{"paragraphs", Paragraphs, "", "[]"},
	} {
		if got := joined(c.f(c.in)); got != c.want {
			t.Errorf("%s of %q: %s, want %s", c.name, c.in, got, c.want)
		}
	}
}
