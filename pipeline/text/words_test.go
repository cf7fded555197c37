package text

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"Hello, world!":                  "Hello | , | world | !",
		"can't won't I'm it's DON’T":     "ca | n't | wo | n't | I | 'm | it | 's | DON’T",
		"Don’t cannot dont":              "Do | n’t | can | not | do | nt",
		"10km 50% $5 5am 3kg.":           "10 | km | 50 | % | $ | 5 | 5 | am | 3 | kg | .",
		"e-mail foo/bar x=1 __init__":    "e | - | mail | foo | / | bar | x=1 | _ | _ | init | _ | _",
		"U.S. Mr. Smith, Ph.D. etc.":     "U.S. | Mr. | Smith | , | Ph.D. | etc | .",
		"(see \"this\")...":              "( | see | \" | this | \" | ) | ...",
		"http://example.com/a-b?c=d,e":   "http://example.com/a-b?c=d,e",
		"me@example.org, www.example.de": "me@example.org | , | www.example.de",
		"John's end.Start a,b 1,000":     "John | 's | end | . | Start | a | , | b | 1,000",
		"x--y a—b 3-4 -v":                "x | -- | y | a | — | b | 3 | - | 4 | -v",
		"wait...what … © 2020":           "wait | ... | what | … | © | 2020",
	} {
		if got := strings.Join(slices.Collect(Words(in)), " | "); got != want {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestSentences(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"One. Two! Three?":               "[One.][Two!][Three?]",
		"He said \"stop.\" Then left.":   "[He said \"stop.\"][Then left.]",
		"Wait... and … go on.":           "[Wait... and … go on.]",
		"The U.S. is large. So is Mr. X": "[The U.S. is large.][So is Mr. X]",
		"What?! (Really.) Yes":           "[What?! (][Really.)][Yes]",
	} {
		if got := joined(Sentences(in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// golden calls f with every document of the corpus that datatrove judged, and what it counted.
func golden(t *testing.T, f func(text string, words int, fnv string, sentences int)) {
	shared := os.Getenv("SLUICE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(shared, "golden", "curation")
	lines := func(name string) *bufio.Scanner {
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Skip("shared/golden not found beside the clone: set SLUICE_SHARED")
		}
		t.Cleanup(func() { file.Close() })
		z, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(z)
		s.Buffer(nil, 64<<20)
		return s
	}
	docs, verdicts := lines("docs.jsonl.gz"), lines("datatrove_verdicts.jsonl.gz")
	for docs.Scan() && verdicts.Scan() {
		var d struct{ ID, Text string }
		var v struct {
			ID    string
			Words int    `json:"n_words"`
			FNV   string `json:"words_fnv"`
			Stats struct{ Sentences int }
		}
		if err := json.Unmarshal(docs.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(verdicts.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if d.ID != v.ID {
			t.Fatalf("documents and verdicts are out of step at %s", d.ID)
		}
		f(d.Text, v.Words, v.FNV, v.Stats.Sentences)
	}
}

// The words of most documents are those of the reference, and where they are, so are the sentences.
func TestWordsAgainstReference(t *testing.T) {
	n, seen, same, sentences := 0, 0, 0, 0
	every := 4
	if os.Getenv("SLUICE_LONG") != "" {
		every = 1
	}
	var off float64
	golden(t, func(text string, words int, want string, nSentences int) {
		if seen++; seen%every > 0 {
			return
		}
		n++
		h := fnv.New64a()
		count := 0
		for w := range Words(text) {
			if count > 0 {
				h.Write([]byte{0x1f})
			}
			io.WriteString(h, w)
			count++
		}
		off += math.Abs(float64(count-words)) / float64(max(1, words))
		if fmt.Sprintf("%016x", h.Sum64()) != want {
			return
		}
		same++
		got := 0
		for range Sentences(text) {
			got++
		}
		if got == nSentences {
			sentences++
		}
	})
	t.Logf("%d documents: words equal in %.1f %%, their number off by %.3f %%; sentences equal in %.1f %% of those",
		n, 100*float64(same)/float64(n), 100*off/float64(n), 100*float64(sentences)/float64(same))
	if float64(same) < 0.95*float64(n) || off > 0.001*float64(n) {
		t.Error("too far from the reference")
	}
}
