//go:build unix

package schemas

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cpuTime is the processor time that the process has used, all threads together.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// corpus returns n texts of size bytes cut from the source of Go: real text that every user of Go has.
func corpus(b *testing.B, n, size int) []string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Skip("go is not in the path: ", err)
	}
	var texts []string
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(out)), "src"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		for len(text) >= size && len(texts) < n {
			texts = append(texts, strings.ToValidUTF8(string(text[:size]), ""))
			text = text[size:]
		}
		if len(texts) == n {
			return fs.SkipAll
		}
		return err
	})
	if err != nil || len(texts) < n {
		b.Skipf("no %d texts in the source of Go: %v", n, err)
	}
	return texts
}

func benchRecords(b *testing.B, n, size int) []*Record {
	rs := make([]*Record, n)
	for i, text := range corpus(b, n, size) {
		seed := SeedID("corpus.jsonl", int64(i/4))
		rs[i] = &Record{ID: MadeID(seed, "generators/paraphrase", 0, i), Text: text, Labels: []string{fmt.Sprint("label-", i%7)},
			Columns: map[string]any{"quality": int64(i % 5)}, Scores: map[string]float64{"clarity": float64(i%11) / 10},
			Origin: Origin{Source: "corpus.jsonl", Row: int64(i / 4), Depth: 1, Parents: []ID{seed}, Stage: "generators/paraphrase",
				Model: "writer", Template: "5f3c", Answer: MadeID(seed, "a", 0, i).String(), Cost: 12345, PromptTokens: 120, CompletionTokens: 300}}
	}
	return rs
}

func benchSchema() *Schema {
	return &Schema{Kind: Labeled, Columns: []Column{{"quality", Type{Kind: Int}}}, Scores: []string{"clarity"}}
}

func reportRows(b *testing.B, rows int, from time.Duration, bytes int) {
	cpu := (cpuTime() - from).Seconds()
	b.ReportMetric(float64(rows)/cpu, "rows/cpu-s")
	b.ReportMetric(float64(rows)*2048/1e6/cpu, "MB/cpu-s")
	if bytes > 0 {
		b.ReportMetric(float64(bytes), "B/file")
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func BenchmarkWrite(b *testing.B) {
	rs, s := benchRecords(b, 10000, 2048), benchSchema()
	for _, format := range Formats() {
		for _, c := range Compressions() {
			if format != "parquet" && c != "zstd-fastest" {
				continue
			}
			b.Run(format+"/"+c, func(b *testing.B) {
				b.ReportAllocs()
				rows := 0
				var out counter
				from := cpuTime()
				for b.Loop() {
					out = 0
					w, err := NewWriter(format, &out, s, WriteOptions{Compression: c})
					if err != nil {
						b.Fatal(err)
					}
					for i := 0; i < len(rs); i += 64 {
						if err := w.Write(rs[i:min(i+64, len(rs))]); err != nil {
							b.Fatal(err)
						}
					}
					if err := w.Close(); err != nil {
						b.Fatal(err)
					}
					rows += len(rs)
				}
				reportRows(b, rows, from, int(out))
			})
		}
	}
}

func BenchmarkReadShard(b *testing.B) {
	rs, s := benchRecords(b, 10000, 2048), benchSchema()
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			path := writeShard(b, format, s, WriteOptions{}, rs)
			b.ReportAllocs()
			rows := 0
			from := cpuTime()
			for b.Loop() {
				for _, err := range readShard(path, s) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
				}
			}
			reportRows(b, rows, from, 0)
		})
	}
}

// BenchmarkReadRows reads foreign files of one text column, as a corpus comes.
func BenchmarkReadRows(b *testing.B) {
	texts := corpus(b, 10000, 2048)
	var lines, csv strings.Builder
	csv.WriteString("text\n")
	for _, t := range texts {
		r, err := (&Record{Text: t}).AppendJSON(nil)
		if err != nil {
			b.Fatal(err)
		}
		lines.Write(append(r, '\n'))
		csv.WriteString(`"` + strings.ReplaceAll(t, `"`, `""`) + "\"\n")
	}
	s := benchSchema()
	for _, f := range []struct {
		name string
		path string
	}{
		{"jsonl", put(b, "x.jsonl", []byte(lines.String()))},
		{"jsonl.gz", put(b, "x.jsonl.gz", gz(b, lines.String()))},
		{"jsonl.zst", put(b, "x.jsonl.zst", zst(b, lines.String()))},
		{"csv", put(b, "x.csv", []byte(csv.String()))},
		{"parquet", writeShard(b, "parquet", s, WriteOptions{}, benchRecords(b, 10000, 2048))},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			rows := 0
			from := cpuTime()
			for b.Loop() {
				for r, err := range ReadRows(f.path, ReadOptions{Columns: []string{"text"}}) {
					if err != nil || r.Err != nil {
						b.Fatal(err, r.Err)
					}
					rows++
				}
			}
			reportRows(b, rows, from, 0)
		})
	}
}
