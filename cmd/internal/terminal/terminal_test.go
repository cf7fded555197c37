package terminal

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain, naïve, 中文, שלום", "plain, naïve, 中文, שלום"},
		{"\x1b[2J\x1b]0;owned\x07", `\x1b[2J\x1b]0;owned\x07`},
		{"a\u009b31mb\x7f", `a\x9b31mb\x7f`},
		{"invoice\u202efdp.exe", `invoice\u202efdp.exe`},
		{"two\nlines\r\tand\u2028more\ufeff", `two\nlines\r\tand\u2028more\ufeff`},
		{"tag \U000e0041", `tag \U000e0041`},
		{"family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"},
		{"cut \xe4\xb8 off", `cut \xe4\xb8 off`},
		{"replacement \ufffd itself", "replacement \ufffd itself"},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("Escape(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"abc": 3, "中文": 4, "e\u0301": 1, "😀!": 3, "ｱ": 1, "ＡＢ": 4, "": 0} {
		if got := Columns(s); got != want {
			t.Errorf("Columns(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want []string
	}{
		{"one two\nthree", 5, []string{"one", "two", "three"}},
		{"one two", 7, []string{"one two"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"  kept at the start", 10, []string{"  kept at", "the start"}},
		{"中文字符", 5, []string{"中文", "字符"}},
		{"", 10, []string{""}},
		{"a\n\nb\n", 10, []string{"a", "", "b"}},
		{"a\tb", 10, []string{"a    b"}},
		{"x \x1b[0m", 5, []string{"x", `\x1b[`, "0m"}},
	} {
		if diff := cmp.Diff(c.want, Wrap(c.in, c.n)); diff != "" {
			t.Errorf("Wrap(%q, %d):\n%s", c.in, c.n, diff)
		}
	}
}

// Whatever the text: no line is too wide or can harm, and no character but white space is lost.
func TestWrapLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	letters := []string{"a", "bc", " ", "  ", "\n", "中", "e\u0301", "😀", "\x1b[1m", "\u202e", "\t", "\xff", strings.Repeat("long", 20)}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	for range 2000 {
		var b strings.Builder
		for range rng.IntN(40) {
			b.WriteString(letters[rng.IntN(len(letters))])
		}
		text, n := b.String(), 2+rng.IntN(30)
		lines := Wrap(text, n)
		for _, l := range lines {
			if Columns(l) > n || Escape(l) != l || !utf8.ValidString(l) {
				t.Fatalf("Wrap(%q, %d) has the line %q of %d columns", text, n, l, Columns(l))
			}
		}
		want := squeeze(Escape(strings.NewReplacer("\n", " ", "\t", tab).Replace(text)))
		if got := squeeze(strings.Join(lines, " ")); got != want {
			t.Fatalf("Wrap(%q, %d) kept %q, want %q", text, n, got, want)
		}
		if l := Line(text, n); Columns(l) > n || strings.Contains(l, "\n") {
			t.Fatalf("Line(%q, %d) = %q", text, n, l)
		}
	}
}

func TestClip(t *testing.T) {
	kept, more := Clip([]string{"a", "b", "c"}, 2)
	if len(kept) != 2 || more != 1 {
		t.Errorf("kept %q, %d more", kept, more)
	}
	if kept, more = Clip(kept, 0); len(kept) != 2 || more != 0 {
		t.Errorf("0 is no bound: kept %q, %d more", kept, more)
	}
}

// JSON on a terminal has the same value and nothing hostile, however its bytes are cut.
func TestJSON(t *testing.T) {
	doc, err := json.MarshalIndent("a\x1b\u009b1m\u202e\U000e0041 中😀\x7f end", "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(doc) {
		var b strings.Builder
		j := &jsonWriter{w: &b}
		for _, part := range [][]byte{doc[:cut], doc[cut:]} {
			if n, err := j.Write(part); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		var got, want string
		if err := errors.Join(json.Unmarshal([]byte(b.String()), &got), json.Unmarshal(doc, &want)); err != nil || got != want {
			t.Fatalf("cut at %d: %q is %q, want %q: %v", cut, b.String(), got, want, err)
		}
		if strings.ContainsFunc(b.String(), hostile) {
			t.Fatalf("%q is not harmless", b.String())
		}
	}
	if w := JSON(&strings.Builder{}); Is(w) {
		t.Error("a builder is no terminal")
	}
}
