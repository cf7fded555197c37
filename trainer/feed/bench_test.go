//go:build unix

package feed

import (
	"fmt"
	"path/filepath"
	"testing"

	"sluice/schemas"
	"sluice/trainer/usage"
)

// benchRecords are documents of random letters, of 20 to 600 tokens each.
func benchRecords(n int) (rs []*schemas.Record) {
	for i, r := range texts(n, 20, 600, 5) {
		rs = append(rs, &schemas.Record{Text: r.(map[string]any)["text"].(string), Labels: []string{fmt.Sprint(i % 7)}})
	}
	return rs
}

// BenchmarkFeed goes from sealed Parquet shards through their token caches, shuffled, to batches: epochs of 20,000 documents, tokens per CPU-second of the
// process, with all its goroutines and the packing of every epoch. Opening, which checks hashes and maps the caches, is paid once and stands apart.
func BenchmarkFeed(b *testing.B) {
	dir := b.TempDir()
	dataset(b, dir, schemas.Labeled, benchRecords(10000), benchRecords(20000)[10000:])
	cache := filepath.Join(b.TempDir(), "tokens")
	for _, k := range []struct {
		name  string
		form  Form
		order Order
	}{
		{"packed", Form{Kind: Plain}, Order{Seed: 1, Length: 1024, Packed: true, Overlap: true}},
		{"padded", Form{Kind: Labeled, Length: 512}, Order{Seed: 1, Length: 512}},
	} {
		o := Options{Sources: []Source{{"d", dir}}, Form: k.form, Cache: cache}
		b.Run(k.name+"/tokenize", func(b *testing.B) { // once for a vocabulary and a shard
			start, tokens := usage.CPU(), int64(0)
			for b.Loop() {
				o := o
				o.Cache = filepath.Join(b.TempDir(), "anew")
				tokens += open(b, o).Train(0, -1).Tokens
			}
			b.ReportMetric(float64(tokens)/(usage.CPU()-start).Seconds(), "tokens/cpu-s")
		})
		c := open(b, o)
		b.Run(k.name+"/open", func(b *testing.B) {
			start, tokens := usage.CPU(), int64(0)
			for b.Loop() {
				tokens += open(b, o).Train(0, -1).Tokens
			}
			b.ReportMetric(float64(tokens)/(usage.CPU()-start).Seconds(), "tokens/cpu-s")
		})
		b.Run(k.name+"/batches", func(b *testing.B) {
			if k.order.Packed = k.form.Kind == Plain; !k.order.Packed {
				k.order.Classes = Labels([]*Set{c.Train(0, -1)})
			}
			b.ReportAllocs()
			began, tokens := usage.CPU(), 0
			f := start(b, c, k.order, 16, 1, nil)
			for b.Loop() {
				tokens += next(b, f, 0).Tokens
			}
			b.ReportMetric(float64(tokens)/(usage.CPU()-began).Seconds(), "tokens/cpu-s")
		})
	}
}
