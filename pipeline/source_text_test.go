package pipeline

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestTextRows(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct{ name, per, text, want string }{
		{"file", perFile, "\ufeffa\n\nb\r\n", "a\n\nb\r\n"},
		{"empty file", perFile, "", ""},
		{"lines", perLine, "\ufeffa\r\n\n  \nb\nc", "a|b|c"},
		{"no lines", perLine, "\n\r\n", ""},
		{"paragraphs", perParagraph, "\n\na\nb\r\n \t\nc\n\n\nd", "a\nb|c|d"},
		{"NUL", perLine, "a\nb\x00c\nd", "a|!not_text|d"},
		{"long line", perLine, "a\n" + long + "\nb", "a|!too_long_line|b"},
		{"long paragraph", perParagraph, "a\n\n" + strings.Repeat("xy z\n", 20_000) + "\nb", "a|!too_long_line|b"},
		{"long file", perFile, long, "!too_long_line"},
		{"just fits", perLine, long[:1000] + "\n" + long[:1001], long[:1000] + "|!too_long_line"},
	} {
		dir := writeFiles(t, map[string]string{"in.txt": c.text})
		var got []string
		for row, err := range textRows(filepath.Join(dir, "in.txt"), c.per, 1000) {
			switch {
			case err != nil:
				t.Fatal(err)
			case row.Err != nil:
				got = append(got, "!"+rowFault(&row).reason)
			default:
				got = append(got, row.Values["text"].(string))
			}
			if row.N != int64(len(got)-1) {
				t.Errorf("%s: row %d has number %d", c.name, len(got)-1, row.N)
			}
		}
		if g := strings.Join(got, "|"); g != c.want {
			t.Errorf("%s: got %.80q, want %.80q", c.name, g, c.want)
		}
	}
}

func TestTextSourceRepairs(t *testing.T) {
	dir := writeFiles(t, map[string]string{"in.txt": "caf\xe9\n\xff\xfeok\n"})
	_, src := openTestSource(t, dir, `{text: {path: in.txt, per: line}}`)
	var texts []string
	repaired := 0
	for row, err := range src.Read(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, row.Record.Text)
		repaired += row.Repaired
	}
	if strings.Join(texts, "|") != "caf\ufffd|\ufffdok" || repaired != 2 {
		t.Errorf("got %q, %d repaired", texts, repaired)
	}
}
