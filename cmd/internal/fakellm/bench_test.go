package fakellm

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// benchmark sends distinct bodies of about 1 kB and wants answers of about 1 kB.
func benchmark(b *testing.B, extra ...string) {
	s := New(Config{AnswerBytes: 1000})
	rt := s.RoundTripper()
	text := strings.Repeat("Please rewrite this request in your own words. ", 19)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		r, _ := http.NewRequest("POST", "http://x"+chatRoute, strings.NewReader(chat(text+strconv.Itoa(i), extra...)))
		resp, err := rt.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || n < 200 {
			b.Fatal(n, err)
		}
		resp.Body.Close()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

func BenchmarkChat(b *testing.B)       { benchmark(b) }
func BenchmarkStructured(b *testing.B) { benchmark(b, asked) }
func BenchmarkStream(b *testing.B)     { benchmark(b, streamed) }
