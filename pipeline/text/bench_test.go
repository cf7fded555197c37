package text

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// corpus is real text: documentation, mail and comments in several languages.
func corpus(b *testing.B) []string {
	shared := os.Getenv("SLUICE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "data", "neardup", "corpus.jsonl.gz"))
	if err != nil {
		b.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var docs []string
	in := bufio.NewScanner(z)
	in.Buffer(nil, 64<<20)
	for in.Scan() && len(docs) < 8000 {
		var row struct{ Text string }
		if err := json.Unmarshal(in.Bytes(), &row); err != nil {
			b.Fatal(err)
		}
		docs = append(docs, row.Text)
	}
	if err := in.Err(); err != nil {
		b.Fatal(err)
	}
	return docs
}

func each(b *testing.B, docs []string, f func(string)) {
	bytes := 0
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		d := docs[n%len(docs)]
		n++
		bytes += len(d)
		f(d)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "docs/s")
	b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
}

var sink uint64

func BenchmarkTokens(b *testing.B) {
	var t Tokeniser
	each(b, corpus(b), func(d string) { sink += uint64(len(t.Hashes(d))) })
}

// Tokens, shingles of 5, 128 slots, 14 bands of 8 rows and the stored sketch: all that deduplication computes of a document.
func BenchmarkSignature(b *testing.B) {
	var t Tokeniser
	f, err := NewFSS(128, 0)
	if err != nil {
		b.Fatal(err)
	}
	var sh, keys []uint64
	var low []byte
	each(b, corpus(b), func(d string) {
		sh = AppendShingles(sh[:0], t.Hashes(d), 5)
		s := f.Sketch(sh)
		keys = AppendBands(keys[:0], s, 14, 8)
		low = AppendLowBytes(low[:0], s)
		sink += keys[0]
	})
}

func BenchmarkCharSignature(b *testing.B) {
	f, err := NewFSS(512, 0)
	if err != nil {
		b.Fatal(err)
	}
	var sh, keys []uint64
	var buf []byte
	each(b, corpus(b), func(d string) {
		buf = AppendFolded(buf[:0], d)
		sh = AppendCharShingles(sh[:0], buf, 24)
		keys = AppendBands(keys[:0], f.Sketch(sh), 20, 13)
		sink += keys[0]
	})
}

func BenchmarkFolded(b *testing.B) {
	var buf []byte
	each(b, corpus(b), func(d string) {
		buf = AppendFolded(buf[:0], d)
		hi, _ := Hash128(buf)
		sink += hi
	})
}
