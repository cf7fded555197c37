package tokenizer

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func scanAll(scan scanner, s string) []string {
	var out []string
	for i := 0; i < len(s); {
		j := scan(sharedClasses(), s, i)
		out = append(out, s[i:j])
		i = j
	}
	return out
}

func TestScanners(t *testing.T) {
	for _, c := range []struct {
		name, pattern, text string
		want                []string
	}{
		{"gpt2", gpt2Pattern, "I'm  DON'T 12345 x!?\n\n y  ", []string{"I", "'m", " ", " DON", "'", "T", " 12345", " x", "!?", "\n\n", " y", "  "}},
		{"llama3", llama3Pattern, "I'M (ok) 12345!\n\n  x\r\n", []string{"I", "'M", " (", "ok", ")", " ", "123", "45", "!\n\n", " ", " x", "\r\n"}},
		{"tiktoken", cl100kPattern, "\"word\" \n \n 7", []string{"\"word", "\"", " \n \n", " ", "7"}},
		{"qwen2", qwen2Pattern, "x 123'ſ", []string{"x", " ", "1", "2", "3", "'ſ"}},
		{"o200k", o200kPattern, "helloWorld HTTPServer's it/\n1234", []string{"hello", "World", " HTTPServer's", " it", "/\n", "123", "4"}},
	} {
		scan := knownScanner(c.pattern)
		if scan == nil {
			t.Fatalf("%s: no scanner for its pattern", c.name)
		}
		if got := scanAll(scan, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s on %q:\n got %q\nwant %q", c.name, c.text, got, c.want)
		}
	}
}

// TestScannersAgainstRE2 runs each pattern without its look-ahead through RE2 and does the look-ahead by hand: a run of
// white space that is no line end gives its last character back when something follows.
func TestScannersAgainstRE2(t *testing.T) {
	alphabet := []rune("aabZ'sStTdlLrReEvVmM  \t\n\r19٣½é́ſǅʰあ中!?./-_\u00a0\u3000\U0001f642\U00010d50\u0897")
	r := rand.New(rand.NewPCG(3, 4))
	for name, pattern := range map[string]string{"gpt2": gpt2Pattern, "llama3": llama3Pattern, "qwen2": qwen2Pattern, "o200k": o200kPattern} {
		plain, err := translateFolding(strings.Replace(pattern, `\s+(?!\S)|`, "", 1))
		if err != nil {
			t.Fatal(name, err)
		}
		re := regexp.MustCompile(`^(?:` + plain + `)`)
		newlines := name != "gpt2" // the pattern has a branch of its own for line ends
		for range 4000 {
			var b strings.Builder
			for range 1 + r.IntN(14) {
				b.WriteRune(alphabet[r.IntN(len(alphabet))])
			}
			s := b.String()
			var want []string
			for rest := s; rest != ""; {
				m := re.FindString(rest)
				blank := strings.TrimFunc(m, unicode.IsSpace) == ""
				if blank && len(m) < len(rest) && !(newlines && strings.HasSuffix(m, "\n")) && !(newlines && strings.HasSuffix(m, "\r")) {
					if _, n := utf8.DecodeLastRuneInString(m); n < len(m) {
						m = m[:len(m)-n]
					}
				}
				want = append(want, m)
				rest = rest[len(m):]
			}
			if got := scanAll(knownScanner(pattern), s); !slices.Equal(got, want) {
				t.Fatalf("%s on %q:\n got %q\nwant %q", name, s, got, want)
			}
		}
	}
}

// translateFolding is translate, with what it refuses written out: the (?i:…) group, and the classes of o200k with the
// two characters of Unicode 16 that the test uses.
func translateFolding(pattern string) (string, error) {
	pattern = strings.NewReplacer(contractions, `(?:'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`, capitals, "\x01", smalls, "\x02").Replace(pattern)
	re2, err := translate(pattern)
	return strings.NewReplacer(
		"\x01", `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}\x{10d50}\x{897}]`, "\x02", `[\p{Ll}\p{Lm}\p{Lo}\p{M}\x{897}]`,
	).Replace(re2), err
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          []string
	}{
		{`\s+`, "a\u00a0\u3000b c", []string{"\u00a0\u3000", " "}},
		{`\d`, "x٣4", []string{"٣", "4"}},
		{`[^\s\p{L}]+`, "ab, 12!", []string{",", "12!"}},
		{`\p{L}+`, "a\U00010d50-b", []string{"a\U00010d50", "b"}}, // a letter of Unicode 16
		{` {2,}`, "a   b", []string{"   "}},
		{`x$`, "x\nax\nxb", []string{"x", "x"}},
		{`[\r\n]`, "a\r\n", []string{"\r", "\n"}},
	} {
		p, err := newPattern(c.pattern)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		var got []string
		p.matches(c.text, func(lo, hi int) { got = append(got, c.text[lo:hi]) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%q on %q: %q, want %q", c.pattern, c.text, got, c.want)
		}
	}
	for _, bad := range []string{`\s+(?!\S)`, `(?=a)`, `(?<x>a)`, `a*`, `[a-z&&[aeiou]]`, `\bword\b`, `a++`, `[\S]`, `(`, `\p{Han}`, `\`} {
		if _, err := newPattern(bad); err == nil || !strings.Contains(err.Error(), "unknown pattern") || !strings.Contains(err.Error(), bad[:1]) {
			t.Errorf("pattern %q: error %v, want one that names it", bad, err)
		}
	}
}

func TestSplitBehaviors(t *testing.T) {
	for name, want := range map[string][]string{
		"Removed":            {"the", "final", "countdown"},
		"Isolated":           {"the", "-", "final", "-", "-", "countdown"},
		"MergedWithPrevious": {"the-", "final-", "-", "countdown"},
		"MergedWithNext":     {"the", "-final", "-", "-countdown"},
		"Contiguous":         {"the", "-", "final", "--", "countdown"},
	} {
		b, err := parseBehavior(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range (splitter{literal("-"), b, false}).apply([]segment{{s: "the-final--countdown"}}, nil) {
			got = append(got, s.s)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
