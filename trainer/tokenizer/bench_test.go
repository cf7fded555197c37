//go:build unix

package tokenizer

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/usage"
)

// benchText is the lines of the file that SLUICE_BENCH_TEXT names, or invented ones.
func benchText(b *testing.B) []string {
	if path := os.Getenv("SLUICE_BENCH_TEXT"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		return slices.Collect(strings.Lines(string(data)))
	}
	return slices.Collect(strings.Lines(inventedText(2 << 20)))
}

func benchEncode(b *testing.B, tok *Tokenizer, lines []string) {
	b.ReportAllocs()
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	b.SetBytes(int64(size))
	var ids []int32
	tokens := 0
	start := usage.CPU()
	for b.Loop() {
		for _, l := range lines {
			ids = tok.AppendIDs(ids[:0], l, true)
			tokens += len(ids)
		}
	}
	cpu := (usage.CPU() - start).Seconds()
	b.ReportMetric(float64(size)*float64(b.N)/1e6/cpu, "MB/cpu-s")
	b.ReportMetric(float64(tokens)/cpu, "tokens/cpu-s")
}

func BenchmarkEncodeSmolLM2(b *testing.B) {
	tok := smolLM2(b)
	benchEncode(b, tok, benchText(b))
}

// BenchmarkEncodeCold has a new word cache for each pass: every word is merged at its first sight.
func BenchmarkEncodeCold(b *testing.B) {
	tok := smolLM2(b)
	lines := benchText(b)
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	var ids []int32
	start := usage.CPU()
	for b.Loop() {
		tok.cache = newWordCache()
		for _, l := range lines {
			ids = tok.AppendIDs(ids[:0], l, true)
		}
	}
	b.ReportMetric(float64(size)*float64(b.N)/1e6/(usage.CPU()-start).Seconds(), "MB/cpu-s")
}

func BenchmarkEncode(b *testing.B) {
	lines := benchText(b)
	sample := lines[:min(len(lines), 4000)]
	for _, kind := range []string{"BPE", "WordPiece", "Unigram"} {
		tok, err := trainKind(kind, slices.Values(sample), TrainOptions{Vocab: 4096, Alphabet: 300})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind, func(b *testing.B) { benchEncode(b, tok, lines) })
		b.Run(kind+"/offsets", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, l := range lines[:1000] {
					tok.Encode(l, Options{Special: true})
				}
			}
		})
	}
}

func BenchmarkTrain(b *testing.B) {
	lines := benchText(b)
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	for _, kind := range []string{"BPE", "WordPiece", "Unigram"} {
		b.Run(kind, func(b *testing.B) {
			start := usage.CPU()
			for b.Loop() {
				if _, err := trainKind(kind, slices.Values(lines), TrainOptions{Vocab: 8192, Alphabet: 1000}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((usage.CPU()-start).Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(size)/1e6, "MB")
		})
	}
}

func BenchmarkParse(b *testing.B) {
	var out bytes.Buffer
	if err := smolLM2(b).Write(&out); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Parse(out.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
