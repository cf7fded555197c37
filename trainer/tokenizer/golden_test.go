package tokenizer

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The golden files were made by the reference library from texts of our own: see testdata/make_golden.py.

type goldenCase struct {
	IDs     []int32 `json:"i"`
	At      []int   `json:"a"`
	Len     []int   `json:"n"`
	Words   []int32 `json:"w"` // differences
	Decoded *string `json:"d"`

	PairIDs     []int32 `json:"pi"`
	PairTypes   []int32 `json:"pk"`
	PairSpecial []int   `json:"ps"`
	PairDecoded string  `json:"pd"`
}

type golden struct {
	Tokenizer json.RawMessage `json:"tokenizer"`
	Cases     []goldenCase    `json:"cases"`
}

func readGolden(t testing.TB, path string, v any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// eachGolden runs f on every golden tokenizer. SLUICE_TOKENIZER_GOLDEN names another folder made by make_golden.py.
func eachGolden(t *testing.T, f func(t *testing.T, tok *Tokenizer, lines []string, g golden)) {
	dir := os.Getenv("SLUICE_TOKENIZER_GOLDEN")
	if dir == "" {
		dir = "testdata"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files in %s: %v", dir, err)
	}
	var lines []string
	readGolden(t, filepath.Join(dir, "lines.json.gz"), &lines)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		if name == "lines" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var g golden
			readGolden(t, file, &g)
			tok, err := Parse(g.Tokenizer)
			if err != nil {
				t.Fatal(err)
			}
			if len(g.Cases) != len(lines) {
				t.Fatalf("%d cases for %d lines", len(g.Cases), len(lines))
			}
			f(t, tok, lines, g)
		})
	}
}

// TestGolden holds ids, offsets, words and decoded text against the reference, and a written and reread tokenizer as well.
func TestGolden(t *testing.T) {
	eachGolden(t, func(t *testing.T, tok *Tokenizer, lines []string, g golden) {
		checkGolden(t, tok, lines, g)
		again, err := Parse(tok.file.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if again.Hash() != tok.Hash() {
			t.Error("a written and reread tokenizer has another hash")
		}
		checkGolden(t, again, lines, g)
	})
}

func checkGolden(t *testing.T, tok *Tokenizer, lines []string, g golden) {
	t.Helper()
	bad := 0
	fail := func(format string, args ...any) {
		t.Helper()
		if bad++; bad <= 5 {
			t.Errorf(format, args...)
		}
	}
	for n, c := range g.Cases {
		text := lines[n]
		e := tok.Encode(text, Options{Special: true})
		if !slices.Equal(e.IDs, c.IDs) {
			fail("Encode(%q)\n got %v\nwant %v\n got %q\nwant %q", text, e.IDs, c.IDs, names(tok, e.IDs), names(tok, c.IDs))
			continue
		}
		if fast := tok.AppendIDs(nil, text, true); !slices.Equal(fast, c.IDs) {
			fail("AppendIDs(%q) = %v, want %v", text, fast, c.IDs)
		}
		word := int32(0)
		for i, id := range c.IDs {
			if want := (Span{c.At[i], c.At[i] + c.Len[i]}); e.Offsets[i] != want {
				fail("%q: token %d %q at %v, want %v", text, i, tok.Token(id), e.Offsets[i], want)
				break
			}
			if word += c.Words[i]; e.Words[i] != word {
				fail("%q: token %d %q in word %d, want %d", text, i, tok.Token(id), e.Words[i], word)
				break
			}
		}
		want := text
		if c.Decoded != nil {
			want = *c.Decoded
		}
		if got := tok.Decode(c.IDs, true); got != want {
			fail("Decode(%v) = %q, want %q", c.IDs, got, want)
		}
		if c.PairIDs != nil {
			checkPair(fail, tok, text, lines[(n*7+3)%len(lines)], c)
		}
	}
	if bad > 5 {
		t.Errorf("and %d more of %d lines", bad-5, len(lines))
	}
}

func checkPair(fail func(string, ...any), tok *Tokenizer, a, b string, c goldenCase) {
	p := tok.EncodePair(a, b, Options{Special: true})
	if !slices.Equal(p.IDs, c.PairIDs) || !slices.Equal(p.Types, c.PairTypes) {
		fail("EncodePair(%q, %q)\n got %v %v\nwant %v %v", a, b, p.IDs, p.Types, c.PairIDs, c.PairTypes)
	}
	for i, s := range p.Special {
		if s != (c.PairSpecial[i] == 1) {
			fail("EncodePair(%q, %q): special[%d] = %t", a, b, i, s)
		}
	}
	if got := tok.Decode(c.PairIDs, false); got != c.PairDecoded {
		fail("Decode(%v) = %q, want %q", c.PairIDs, got, c.PairDecoded)
	}
}

func names(tok *Tokenizer, ids []int32) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = tok.Token(id)
	}
	return out
}
