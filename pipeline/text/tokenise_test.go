package text

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func tokens(s string) []string {
	var t Tokeniser
	var all []string
	for i := range t.Tokens(s) {
		all = append(all, string(t.Token(i)))
	}
	return all
}

func TestTokens(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		" \n.,!":                               "",
		"The QUICK-brown fox":                  "the quick brown fox",
		"don’t “quote” it — no":                "don t quote it no",
		"ÉCOLE École e\u0301cole":              "école école école",
		"a\u00a0b\u2003c":                      "a b c",
		"x_1 y=2 10km __a_":                    "x_1 y 2 10km __a_",
		"日本語のテキスト":                             "日 本 語 の テ キ ス ト",
		"abc日本def":                             "abc 日 本 def",
		"ไทย":                                  "ไ ท ย",
		"ΑΣΣΟΣ ασσος Straße ½ Ⅷ":               "ασσοσ ασσοσ straße ½ ⅷ",
		"Ⱥ" + strings.Repeat("Ⱥ", 80):          strings.Repeat("ⱥ", 81),
		strings.Repeat("word ", 40) + "über X": strings.Repeat("word ", 40) + "über x",
		strings.Repeat("A", 200):               strings.Repeat("a", 200),
		"bad\xffutf":                           "bad utf",
	} {
		if got := strings.Join(tokens(in), " "); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// plain is the definition of tokens, one character at a time.
func plain(s string) []string {
	s = norm.NFC.String(s)
	var all []string
	var word []byte
	flush := func() {
		if len(word) > 0 {
			all = append(all, string(word))
			word = nil
		}
	}
	for i := 0; i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		i += w
		if r == utf8.RuneError && w == 1 || r != '_' && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) {
			flush()
			continue
		}
		alone := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
		if alone {
			flush()
		}
		word = utf8.AppendRune(word, lower(r))
		if alone {
			flush()
		}
	}
	flush()
	return all
}

func checkTokens(t *testing.T, s string) {
	t.Helper()
	want := plain(s)
	got := tokens(s)
	if !slices.Equal(got, want) {
		t.Fatalf("%q:\n got %q\nwant %q", s, got, want)
	}
	var tk Tokeniser
	for i, h := range tk.Hashes(s) {
		if h != HashToken([]byte(want[i])) {
			t.Fatalf("%q: hash of token %d (%q) differs", s, i, want[i])
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("The quick brown fox, " + strings.Repeat("jumps OVER 13 lazy dogs; ", 9))
	f.Add(strings.Repeat("a", 63) + "é" + strings.Repeat("b", 64))
	f.Add(strings.Repeat("x ", 40) + "e\u0301\u0301 日本 ก็ \xff\xc3")
	f.Add("a" + strings.Repeat("\u0301", 70) + "İSTANBUL K Ω")
	f.Fuzz(checkTokens)
}

func TestTokensAtEveryOffset(t *testing.T) {
	base := "Alpha 42-BETA, übermäßig e\u0301t e\u0301\u0323 日本 zZ9"
	for n := range 3 * block {
		checkTokens(t, strings.Repeat("q", n%7)+strings.Repeat(" W", n)+base+strings.Repeat("-K", n))
	}
}

func TestNormal(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"Hello WORLD [@`{":       "hello world [@`{",
		"E\u0301COLE École":      "école école",
		"\u212B \u2126":          "å ω", // Ångström and Ohm signs are canonical equivalents of letters
		"abcdefgH\tIJKLMNOP\xff": "abcdefgh\tijklmnop\xff",
	} {
		if got := string(AppendNormal([]byte("> "), in)); got != "> "+want {
			t.Errorf("%q: %q, want %q", in, got, "> "+want)
		}
	}
	for in, want := range map[string]string{
		"":                          "",
		" \n\t ":                    "",
		"  A\u00a0\n B\u3000C\r\n ": "a b c",
		"a b":                       "a b",
	} {
		if got := string(AppendFolded([]byte(" "), in)); got != " "+want {
			t.Errorf("folded %q: %q, want %q", in, got, " "+want)
		}
	}
}

func FuzzNormal(f *testing.F) {
	f.Add("ÀB\u0301c İ")
	f.Fuzz(func(t *testing.T, s string) {
		want := norm.NFC.String(s)
		var b []byte
		for i := 0; i < len(want); {
			r, w := utf8.DecodeRuneInString(want[i:])
			if r == utf8.RuneError && w == 1 {
				b = append(b, want[i])
			} else {
				b = utf8.AppendRune(b, lower(r))
			}
			i += w
		}
		if got := AppendNormal(nil, s); !bytes.Equal(got, b) {
			t.Fatalf("%q: %q, want %q", s, got, b)
		}
		once := AppendFolded(nil, s)
		if utf8.ValidString(s) && bytes.Contains(once, []byte("  ")) {
			t.Fatalf("%q: two spaces in %q", s, once)
		}
	})
}

func TestCharShingles(t *testing.T) {
	n := 4
	s := []byte("héllo wörld héllo")
	got := AppendCharShingles(nil, s, n)
	rs := []rune(string(s))
	if len(got) != len(rs)-n+1 {
		t.Fatalf("%d shingles of %d characters", len(got), len(rs))
	}
	for i := range got {
		if alone := AppendCharShingles(nil, []byte(string(rs[i:i+n])), n); len(alone) != 1 || alone[0] != got[i] {
			t.Fatalf("shingle %d depends on what lies around it", i)
		}
	}
	if got[0] != got[len(got)-2] || got[0] == got[1] {
		t.Error("equal runs must have equal hashes, others not")
	}
	if len(AppendCharShingles(nil, []byte("ab"), n)) != 1 || len(AppendCharShingles(nil, nil, n)) != 0 {
		t.Error("a short text is one shingle, an empty one none")
	}
}

func TestFeatures(t *testing.T) {
	var tk Tokeniser
	h := tk.Hashes("to be or not to be")
	got := AppendWordGrams(nil, h, 2, 16)
	if len(got) != 6+5 {
		t.Fatalf("%d features, want 6 words and 5 pairs", len(got))
	}
	if got[0] != got[4] || got[6] != got[10] || got[0] == got[6] {
		t.Errorf("features %v: equal n-grams must share a bucket, others not", got)
	}
	c := AppendCharGrams(nil, []byte("cat cat"), 4, 16)
	// " cat", "cat ", "at c", "t ca", " cat", "cat "
	if len(c) != 6 || c[0] != c[4] || c[1] != c[5] || c[0] == c[1] {
		t.Errorf("character features %v", c)
	}
	for _, f := range slices.Concat(got, c) {
		if f >= 1<<16 {
			t.Fatalf("feature %d is over 2^16", f)
		}
	}
}

func TestStableCharactersAreStable(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		p := norm.NFC.PropertiesString(string(r))
		if isStable(r) && (!p.BoundaryBefore() || p.CCC() != 0 || norm.NFC.String(string(r)) != string(r)) {
			t.Fatalf("%U changes or joins under NFC", r)
		}
	}
}
