package text

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsSpace reports whether r is white space as the reference filters see it: Unicode white space and the separators U+001C to
// U+001F.
func IsSpace(r rune) bool { return 0x1c <= r && r <= 0x1f || unicode.IsSpace(r) }

// Strip returns s without white space at its ends.
func Strip(s string) string { return strings.TrimFunc(s, IsSpace) }

// Lines yields the lines of s without their ends, cut at every Unicode line break: \n, \r, \r\n, VT, FF, U+001C to U+001E, U+0085,
// U+2028, U+2029. A break at the end of s makes no further line: "a\n\nb\n" is a, "", b.
func Lines(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			i := strings.IndexFunc(s, isLineBreak)
			if i < 0 {
				yield(s)
				return
			}
			line := s[:i]
			if strings.HasPrefix(s[i:], "\r\n") {
				i++
			}
			_, w := utf8.DecodeRuneInString(s[i:])
			s = s[i+w:]
			if !yield(line) {
				return
			}
		}
	}
}

func isLineBreak(r rune) bool {
	return '\n' <= r && r <= '\r' || 0x1c <= r && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

// LineRuns yields the parts of s between runs of one or more \n, as repetition counts lines: "\na\n\nb\n" is "", a, b, "".
func LineRuns(s string) iter.Seq[string] { return runs(s, 1) }

// Paragraphs yields the parts of the stripped text between runs of two or more \n.
func Paragraphs(s string) iter.Seq[string] { return runs(Strip(s), 2) }

// runs cuts s at runs of at least n newlines.
func runs(s string, n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		part, from := s, 0 // part is what is left, from where the next newline is sought in it
		for {
			i := strings.IndexByte(part[from:], '\n')
			if i < 0 {
				yield(part)
				return
			}
			i += from
			end := i + 1
			for end < len(part) && part[end] == '\n' {
				end++
			}
			if end-i < n {
				from = end
				continue
			}
			if !yield(part[:i]) {
				return
			}
			part, from = part[end:], 0
		}
	}
}
