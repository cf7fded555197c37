//go:build unix

package pipeline

import (
	"context"
	"fmt"
	"testing"

	"github.com/zeebo/xxh3"

	"sluice/schemas"
)

type longEnough struct{}

func (longEnough) Judge(_ context.Context, r *schemas.Record) (Verdict, error) {
	if len(r.Text) < 20 {
		return Verdict{Reason: "too_short"}, nil
	}
	return Verdict{}, nil
}

type wholeText struct{}

func (wholeText) Keys(_ context.Context, r *schemas.Record) (Likeness, error) {
	return Likeness{Keys: []Key{{Lo: xxh3.HashString(r.Text)}}}, nil
}

// inRAM remembers keys in a map.
type inRAM map[uint64]schemas.ID

func (m inRAM) Claim(_ int64, id schemas.ID, _ string, l Likeness) (Match, error) {
	if owner, ok := m[l.Keys[0].Lo]; ok {
		return Match{Dup: true, Owner: owner, Score: 1}, nil
	}
	m[l.Keys[0].Lo] = id
	return Match{}, nil
}

// BenchmarkEngine takes 64,000 rows in batches of 64 through a filter, a deduper and the gate, all of them cheap: what is
// measured is the handing over, the counting and the order.
func BenchmarkEngine(b *testing.B) {
	const rows, size = 64_000, 64
	var batches []*Batch
	for n := range rows / size {
		batch := &Batch{N: int64(n), Counts: []Tally{{Stage: SourceStage, In: size, Out: size}}}
		for i := range size {
			row := int64(n*size + i)
			batch.Records = append(batch.Records, &schemas.Record{
				ID: schemas.SeedID("x", row), Text: fmt.Sprintf("a text of some words, number %d", row%50_000),
			})
		}
		batches = append(batches, batch)
	}
	source := Stream(func(yield func(*Batch, error) bool) {
		for _, batch := range batches {
			if !yield(batch, nil) {
				return
			}
		}
	})
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint("workers ", workers), func(b *testing.B) {
			b.ReportAllocs()
			start := cpuSeconds(b)
			for b.Loop() {
				halt := NewHalt()
				at := func(id string) seat { return seat{id: id, workers: workers, halt: halt} }
				s := Judge(at("filters/long"), longEnough{})(b.Context(), source)
				s = Dedup(at("dedup/whole"), wholeText{}, "dataset", make(inRAM, rows))(b.Context(), s)
				s = (&gate{name: "sink"}).stage(b.Context(), s)
				if workers > 1 {
					s = ahead(b.Context(), halt, s)
				}
				kept := 0
				for batch, err := range s {
					if err != nil {
						b.Fatal(err)
					}
					kept += len(batch.Records)
				}
				if kept != 50_000 {
					b.Fatalf("%d rows kept", kept)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/(cpuSeconds(b)-start), "rows/cpu-s")
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
