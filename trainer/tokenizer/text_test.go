package tokenizer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// inventedText returns about size bytes of lines whose words follow Zipf's law: the n-th most frequent word has
// weight 1/n. The words are spelt by chance from syllables; a few lines have digits, accents or other scripts.
func inventedText(size int) string {
	r := rand.New(rand.NewPCG(1, 2))
	syllables := strings.Fields("ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo ya zu an en in on un st tr sh th er al ing tion ess")
	words := make([]string, 40000)
	for i := range words {
		for range 1 + r.IntN(4) {
			words[i] += syllables[r.IntN(len(syllables))]
		}
	}
	zipf := rand.NewZipf(r, 1.07, 4, uint64(len(words)-1))
	odd := []string{"1984", "3.14", "naïve", "你好", "Привет", "🙂", "e.g.", "don't", "(sic)", "--"}
	var b strings.Builder
	for b.Len() < size {
		for n := 4 + r.IntN(16); n > 0; n-- {
			w := words[zipf.Uint64()]
			if r.IntN(40) == 0 {
				w = odd[r.IntN(len(odd))]
			}
			b.WriteString(w)
			b.WriteByte(" ,"[min(1, r.IntN(12)/11)])
			if n > 1 {
				b.WriteByte(' ')
			}
		}
		b.WriteString(".\n")
	}
	return b.String()
}

// tinyShakespeare returns the text beside the clone, or skips.
func tinyShakespeare(t testing.TB) string {
	z, err := gzip.NewReader(bytes.NewReader(sharedFile(t, "data/tinyshakespeare/input.txt.gz")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func trainKind(kind string, lines func(func(string) bool), o TrainOptions) (*Tokenizer, error) {
	switch kind {
	case "BPE":
		return TrainBPE(lines, o)
	case "WordPiece":
		return TrainWordPiece(lines, o)
	case "Unigram":
		return TrainUnigram(lines, o)
	}
	return nil, fmt.Errorf("no trainer for %s", kind)
}
