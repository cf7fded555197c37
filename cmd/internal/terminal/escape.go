package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// tab is what stands for a tabulator: where it would end depends on what stands before it.
const tab = "    "

// Escape makes s harmless on one line: control characters, those that reorder or hide text, line separators and bytes
// that are no UTF-8 are written as Go would.
//
//	"\x1b[2J" → `\x1b[2J`     "a\u202eb" → `a\u202eb`     "a\nb" → `a\nb`     "naïve 中" → naïve 中
func Escape(s string) string {
	if harmless(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !hostile(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

func harmless(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return utf8.ValidString(s) && !strings.ContainsFunc(s, hostile)
		}
	}
	return true
}

// hostile reports whether r is no character to look at. The joiners are let through: emoji and some scripts need them.
func hostile(r rune) bool {
	switch r {
	case zeroWidthJoiner, zeroWidthNonJoiner:
		return false
	case '\u2028', '\u2029', '\ufeff':
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// Line is s on one line of at most n columns: white space is one space, what is too much gives way to an ellipsis.
func Line(s string, n int) string { return Cut(strings.Join(strings.Fields(s), " "), n) }

// Cut is s, made harmless, as far as n columns go; an ellipsis stands for what is too much.
func Cut(s string, n int) string {
	s = Escape(s)
	if Columns(s) <= n {
		return s
	}
	end, used := 0, 0
	for i, r := range s {
		if used += columns(r); used > n-1 {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	return s[:end] + "…"
}

// Columns is how many columns s takes on a terminal: two for wide characters of East Asia and emoji, none for combining marks.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

func columns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
