package state

import (
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// One request as the ledger sees it, by 64 callers: Begin, then Finish with an answer of 1 kB. The metric is CPU of the
// whole process, the store's own goroutines included.
func BenchmarkLedger(b *testing.B) {
	for _, pace := range []time.Duration{0, 20 * time.Millisecond} {
		b.Run("answer after "+pace.String(), func(b *testing.B) {
			s, err := OpenBadger(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			l, err := NewLedger(s)
			if err != nil {
				b.Fatal(err)
			}
			answer := make([]byte, 1024)
			var next atomic.Uint64
			var wg sync.WaitGroup
			b.ReportAllocs()
			start := cpu()
			b.ResetTimer()
			for range 64 {
				wg.Go(func() {
					for {
						i := next.Add(1)
						if i > uint64(b.N) {
							return
						}
						in := Intent{Dataset: "01JDATASET", Model: "writer", Stage: "generators/paraphrase", Worst: 1 << 30, Run: "01JRUN"}
						binary.LittleEndian.PutUint64(in.Key[:], i)
						id, err := l.Begin(in)
						if err != nil {
							b.Error(err)
						}
						time.Sleep(pace)
						if err := l.Finish(id, answer, Spend{Requests: 1, Prompt: 200, Completion: 250, Cost: 12345}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
			b.ReportMetric((cpu()-start).Seconds()/float64(b.N)*1000, "cpu-s/1000")
		})
	}
}

// Opening the book of a million answers.
func BenchmarkReopen(b *testing.B) {
	if os.Getenv("SLUICE_LONG") == "" {
		b.Skip("writes 1.2 GB: set SLUICE_LONG=1")
	}
	dir := b.TempDir()
	s, err := OpenBadger(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	answer := make([]byte, 1100)
	var ops []Op
	for i := range 1_000_000 {
		var key [32]byte
		binary.LittleEndian.PutUint64(key[:], uint64(i)*0x9e3779b97f4a7c15)
		v, _ := appendAnswer(nil, answer)
		if ops = append(ops, Op{Key: answerKey(key), Value: v}); len(ops) == Atomic {
			if err := s.Write(ops); err != nil {
				b.Fatal(err)
			}
			ops = ops[:0]
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := OpenBadger(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := NewLedger(s); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}
