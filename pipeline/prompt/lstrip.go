package prompt

import (
	"strings"
)

// leftStrip removes blanks between the start of a line and a tag or comment that begins it (lstrip_blocks of Jinja2). The
// engine's own option also eats blanks in the middle of a line: "a {% if x %}b" would lose its space. Lines stay where they
// are; shift tells for each line how many bytes went, so that errors can name the author's column.
//
//	"  {% if x %}\n  a {% endif %}"   →   "{% if x %}\n  a {% endif %}", [2 0]
func leftStrip(src string) (stripped string, shift []int) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	var b strings.Builder
	raw := false
	for line := range strings.SplitAfterSeq(src, "\n") {
		body := strings.TrimLeft(line, " \t")
		n := len(line) - len(body)
		tag := strings.HasPrefix(body, "{%") || strings.HasPrefix(body, "{#")
		if !tag || strings.HasPrefix(body, "{%+") || raw && !strings.HasPrefix(tagName(body), "endraw") {
			n = 0
		}
		shift = append(shift, n)
		b.WriteString(line[n:])
		if i, j := strings.LastIndex(line, "endraw"), lastRaw(line); i != j {
			raw = j > i
		}
	}
	return b.String(), shift
}

// lastRaw is the index of the last tag in the line that starts a raw block, -1 if there is none.
func lastRaw(line string) int {
	at := -1
	for i := 0; ; {
		n := strings.Index(line[i:], "{%")
		if n < 0 {
			return at
		}
		if i += n + 2; strings.HasPrefix(tagName("{%"+line[i:]), "raw") {
			at = i
		}
	}
}

// tagName returns what follows "{%" and its trim mark.
func tagName(s string) string {
	return strings.TrimLeft(strings.TrimPrefix(s, "{%"), "-+ \t")
}
