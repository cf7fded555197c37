//go:build unix

package llm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/pipeline/state"
)

// serveEnv makes the test binary a server of its own process, so that the benchmark counts the processor time of the client alone.
const serveEnv = "SLUICE_LLM_BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

func serve() {
	kilobyte := strings.Repeat("An answer of one kilobyte. ", 38)
	prose, object := chatBody(kilobyte, "stop", 60, 260), chatBody(`{"score": 7, "text": "`+kilobyte+`"}`, "stop", 60, 270)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body)
		time.Sleep(20 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		if bytes.Contains(asked, []byte("response_format")) {
			io.WriteString(w, object)
		} else {
			io.WriteString(w, prose)
		}
	}))
	fmt.Println(s.URL)
	io.Copy(io.Discard, os.Stdin) // until the parent goes
}

// BenchmarkCalls asks for answers of 1 kB, 64 in flight, over a real socket, with ledger and budget; cpu-s/1000 is the client's own
// processor time for 1,000 calls.
func BenchmarkCalls(b *testing.B) {
	for _, schema := range []bool{false, true} {
		b.Run(fmt.Sprintf("schema=%v", schema), func(b *testing.B) { benchmarkCalls(b, schema) })
	}
}

func benchmarkCalls(b *testing.B, schema bool) {
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), serveEnv+"=1")
	in, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	defer server.Wait()
	defer in.Close()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	l, err := state.NewLedger(state.NewMemory())
	if err != nil {
		b.Fatal(err)
	}
	s := testSpec()
	s.Endpoint = strings.TrimSpace(url) + "/v1"
	budget := 1000 * Unit
	ms, err := NewModels(map[string]Spec{"m": s}, Options{Ledger: l, Dataset: "d", Budget: &Budget{USD: &budget}})
	if err != nil {
		b.Fatal(err)
	}
	defer ms.Close()
	m, err := ms.Model("m", "stage")
	if err != nil {
		b.Fatal(err)
	}
	prompt := strings.Repeat("Rewrite the text below in other words. ", 12)
	var next atomic.Int64
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	b.ReportAllocs()
	for b.Loop() {
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for range 16 {
					q := Request{Messages: []Message{{Role: "user", Content: fmt.Sprint(prompt, next.Add(1))}}}
					if schema {
						q.Schema = reviewSchema
					}
					_, err := m.Ask(b.Context(), q)
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	calls := float64(next.Load())
	b.ReportMetric(cpu.Seconds()*1000/calls, "cpu-s/1000")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLedgerHit is the way of an answer that was paid before.
func BenchmarkLedgerHit(b *testing.B) {
	l, err := state.NewLedger(state.NewMemory())
	if err != nil {
		b.Fatal(err)
	}
	ms, err := NewModels(map[string]Spec{"m": testSpec()}, Options{Ledger: l, Dataset: "d", Transport: newFake()})
	if err != nil {
		b.Fatal(err)
	}
	defer ms.Close()
	m, _ := ms.Model("m", "stage")
	if _, err := m.Ask(b.Context(), say(1)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Ask(b.Context(), say(1)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFit reads one fenced answer of a kilobyte.
func BenchmarkFit(b *testing.B) {
	c, err := compile(reviewSchema)
	if err != nil {
		b.Fatal(err)
	}
	text, _ := json.Marshal(map[string]any{"text": strings.Repeat("some words ", 90), "score": 7})
	answer := "Here you are:\n```json\n" + string(text) + "\n```"
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if _, bad := fit(answer, c); bad != nil {
			b.Fatal(bad)
		}
	}
}
