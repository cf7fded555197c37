//go:build unix

package pipeline

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sluice/schemas"
)

// BenchmarkSource reads 20,000 rows of 2 kB with a label and two user columns, and reports rows per second of CPU.
func BenchmarkSource(b *testing.B) {
	const rows = 20_000
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string { return fmt.Sprintf("w%x ", rng.IntN(1<<20)) }
	dir := b.TempDir()
	schema := &schemas.Schema{Kind: schemas.Labeled, Columns: []schemas.Column{
		{Name: "n", Type: schemas.Type{Kind: schemas.Int}}, {Name: "stars", Type: schemas.Type{Kind: schemas.Float}},
	}}
	var jsonl bytes.Buffer
	var records []*schemas.Record
	for i := range rows {
		var text []byte
		for len(text) < 2000 {
			text = append(text, word()...)
		}
		r := &schemas.Record{ID: schemas.SeedID("x", int64(i)), Text: string(text), Labels: []string{"l"}, Columns: map[string]any{"n": int64(i), "stars": 2.5}}
		records = append(records, r)
		fmt.Fprintf(&jsonl, "{\"text\":%q,\"label\":\"l\",\"n\":%d,\"stars\":2.5}\n", text, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "rows.jsonl"), jsonl.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	writeParquet(b, filepath.Join(dir, "rows.parquet"), schema, records)
	for _, name := range []string{"rows.jsonl", "rows.parquet"} {
		b.Run(name, func(b *testing.B) {
			raw := "sluice: 1\ndataset: out\nsource: {path: " + name + "}\n"
			r, err := parse(filepath.Join(dir, "recipe.yaml"), []byte(raw), LoadOptions{})
			if err != nil {
				b.Fatal(err)
			}
			src, err := r.OpenSource(nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			start := cpuSeconds(b)
			for b.Loop() {
				n := 0
				for row, err := range src.Read(b.Context(), nil) {
					if err != nil || row.Bad != nil {
						b.Fatal(err, row.Bad)
					}
					n++
				}
				if n != rows {
					b.Fatalf("%d rows", n)
				}
			}
			b.ReportMetric(float64(rows*b.N)/(cpuSeconds(b)-start), "rows/cpu-s")
		})
	}
}

func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func writeParquet(b *testing.B, path string, s *schemas.Schema, rs []*schemas.Record) {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w, err := schemas.NewWriter(FormatParquet, f, s, schemas.WriteOptions{})
	if err == nil {
		err = w.Write(rs)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}
