package fakellm

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestRateLimit: a sender that keeps the rate is never refused; a burst beyond it is, and is told when to come back.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{LimitRPM: 300, LimitRetryAfter: true, LimitHeaders: true})
		client := &http.Client{Transport: s.RoundTripper()}
		for i := range 100 {
			if r := post(t, client, "http://x"+chatRoute, chat(strconv.Itoa(i))); r.status != 200 {
				t.Fatalf("request %d of a steady sender: %d", i, r.status)
			}
			time.Sleep(200 * time.Millisecond)
		}
		var got []int
		var last reply
		for i := range 8 {
			last = post(t, client, "http://x"+chatRoute, chat("burst "+strconv.Itoa(i)))
			got = append(got, last.status)
		}
		if want := []int{200, 200, 200, 200, 200, 429, 429, 429}; !slices.Equal(got, want) {
			t.Errorf("a burst of 8 at 5 a second: %v", got)
		}
		h := last.header
		if h.Get("Retry-After") != "1" || h.Get("X-Ratelimit-Remaining-Requests") != "0" || h.Get("X-Ratelimit-Limit-Requests") != "300" {
			t.Errorf("headers %v", h)
		}
		if st := s.Stats(); st.Limited != 3 || st.Paid != 105 {
			t.Errorf("%+v", st)
		}
	})
}

// TestInFlightLimit: of 20 at once, 16 are let in.
func TestInFlightLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{LimitInFlight: 16, Latency: time.Second})
		client := &http.Client{Transport: s.RoundTripper()}
		var mu sync.Mutex
		count := map[int]int{}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				r := post(t, client, "http://x"+chatRoute, chat(strconv.Itoa(i)))
				mu.Lock()
				defer mu.Unlock()
				count[r.status]++
			})
		}
		synctest.Wait()
		if st := s.Stats(); st.InFlight != 16 || st.Limited != 4 || st.MaxInFlight < 16 {
			t.Errorf("meanwhile %+v", st)
		}
		wg.Wait()
		if count[200] != 16 || count[429] != 4 || s.Stats().InFlight != 0 {
			t.Errorf("%v, %+v", count, s.Stats())
		}
	})
}

// TestLatency: the logarithm of the latency is normal with the configured median and sigma, and hangs on the body alone.
func TestLatency(t *testing.T) {
	s := New(Config{Latency: 100 * time.Millisecond, Sigma: 0.35, FirstToken: 20 * time.Millisecond})
	var sum, squares float64
	const n = 20000
	for i := range n {
		first, total := s.latency(uint64(i))
		if again, _ := s.latency(uint64(i)); again != first || first > total {
			t.Fatal("not a function of the body, or a first token after the last")
		}
		x := math.Log(float64(total) / float64(100*time.Millisecond))
		sum, squares = sum+x, squares+x*x
	}
	mean := sum / n
	if sigma := math.Sqrt(squares/n - mean*mean); math.Abs(mean) > 0.01 || math.Abs(sigma-0.35) > 0.01 {
		t.Errorf("mean %v, sigma %v of the logarithm", mean, sigma)
	}
}

// TestStreamPace: the first token comes when it should, the rest until the whole latency is over; a body closed early
// or a context that ends frees the handler at once.
func TestStreamPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Latency: time.Second, FirstToken: 200 * time.Millisecond, AnswerBytes: 400})
		client := &http.Client{Transport: s.RoundTripper()}
		open := func(ctx context.Context) (*http.Response, error) {
			r, _ := http.NewRequestWithContext(ctx, "POST", "http://x"+chatRoute, strings.NewReader(chat("tell", streamed)))
			return client.Do(r)
		}
		start := time.Now()
		resp, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64)
		if _, err := io.ReadFull(resp.Body, buf); err != nil || time.Since(start) != 200*time.Millisecond {
			t.Errorf("first bytes after %v: %v", time.Since(start), err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil || time.Since(start) < 990*time.Millisecond || time.Since(start) > time.Second {
			t.Errorf("all after %v: %v", time.Since(start), err)
		}

		start = time.Now()
		resp, err = open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if _, err := resp.Body.Read(buf); err == nil || time.Since(start) != 0 {
			t.Errorf("after Close: %v, %v", err, time.Since(start))
		}

		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		resp, err = open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the deadline: %v", err)
		}
		resp.Body.Close()
		if st := s.Stats(); st.ByStatus["gone"] != 2 || st.ByStatus["200"] != 1 || st.InFlight != 0 || st.Paid != 3 {
			t.Errorf("%+v", st)
		}
	})
}

// TestCancelBeforeAnswer: a client that gives up gets its own error, and what it asked for is paid.
func TestCancelBeforeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Latency: time.Minute})
		client := &http.Client{Transport: s.RoundTripper(), Timeout: time.Second}
		start := time.Now()
		_, err := client.Post("http://x"+chatRoute, "application/json", strings.NewReader(chat("x")))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if st := s.Stats(); st.ByStatus["gone"] != 1 || st.Paid != 1 || st.InFlight != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestSlowFirstToken: the headers come at once, the first token late, in virtual time.
func TestSlowFirstToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Faults: []Fault{{Kind: "slow_first"}}})
		client := &http.Client{Transport: s.RoundTripper()}
		start := time.Now()
		resp, err := client.Post("http://x"+chatRoute, "application/json", strings.NewReader(chat("x", streamed)))
		if err != nil || time.Since(start) != 0 {
			t.Fatalf("headers after %v, %v", time.Since(start), err)
		}
		defer resp.Body.Close()
		if _, err := io.ReadAll(resp.Body); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("body after %v, %v", time.Since(start), err)
		}
	})
}
