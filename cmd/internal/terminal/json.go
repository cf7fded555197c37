package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// JSON returns a writer for JSON that makes it harmless if w is a terminal: what [Escape] would escape is written as \u escapes, which
// changes no value, for outside of strings JSON has no such characters but white space. Elsewhere it is w itself.
func JSON(w io.Writer) io.Writer {
	if !Is(w) {
		return w
	}
	return &jsonWriter{w: w}
}

type jsonWriter struct {
	w    io.Writer
	rest []byte // a character cut in two by the caller
}

func (j *jsonWriter) Write(p []byte) (int, error) {
	b := append(j.rest, p...)
	end := len(b)
	for i := max(0, end-utf8.UTFMax); i < end; i++ {
		if utf8.RuneStart(b[i]) && !utf8.FullRune(b[i:]) {
			end = i
			break
		}
	}
	var out strings.Builder
	for _, r := range string(b[:end]) {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || !hostile(r):
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	j.rest = append([]byte(nil), b[end:]...)
	if _, err := io.WriteString(j.w, out.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
