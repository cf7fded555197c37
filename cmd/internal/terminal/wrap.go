package terminal

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks text into harmless lines of at most n columns: at line feeds, at spaces where there are any, inside of words that are
// longer than a line. White space at the start of a line of the text stays; there is always at least one line.
//
//	Wrap("one two\nthree", 5) → "one", "two", "three"
func Wrap(text string, n int) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.TrimRight(text, "\n")
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = wrapLine(lines, Escape(strings.ReplaceAll(line, "\t", tab)), max(n, 2))
	}
	return lines
}

// wrapLine appends s, which has no line feed, in pieces of at most n columns.
func wrapLine(lines []string, s string, n int) []string {
	for {
		end, space, used := 0, 0, 0 // where the piece ends, and its last good place to break
		for i, r := range s {
			if used += columns(r); used > n {
				if r == ' ' {
					space = i // the piece fits to the column
				}
				break
			}
			end = i + utf8.RuneLen(r)
			if r == ' ' && strings.TrimLeft(s[:i], " ") != "" {
				space = i
			}
		}
		if end == len(s) {
			return append(lines, strings.TrimRight(s, " "))
		}
		if space > 0 {
			end = space
		}
		lines = append(lines, strings.TrimRight(s[:end], " "))
		if s = strings.TrimLeft(s[end:], " "); s == "" {
			return lines
		}
	}
}

// Clip keeps the first n lines, and says in their place how many more there are.
func Clip(lines []string, n int) (kept []string, more int) {
	if n <= 0 || len(lines) <= n {
		return lines, 0
	}
	return lines[:n], len(lines) - n
}
