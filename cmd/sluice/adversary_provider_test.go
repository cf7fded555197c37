package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// says is an HTTP answer in which a model says text, with usage as given.
func says(r *http.Request, text, usage string) *http.Response {
	inner, _ := json.Marshal(map[string]string{"text": text})
	content, _ := json.Marshal(string(inner))
	return replies(r, 200, nil, `{"object":"chat.completion","model":"practice","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":`+
		string(content)+`}}],"usage":`+usage+`}`)
}

const plainUsage = `{"prompt_tokens":90,"completion_tokens":20,"total_tokens":110}`

func replies(r *http.Request, status int, h map[string]string, body string) *http.Response {
	res := &http.Response{Status: fmt.Sprint(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: r}
	for k, v := range h {
		res.Header.Set(k, v)
	}
	return res
}

// twisted runs a world whose provider's n-th request (from 1) is answered by f, or by the practice server where f gives nil.
func (w *stageWorld) twisted(f func(n int, r *http.Request) *http.Response) (*pipeline.Result, error) {
	w.t.Helper()
	o := w.options()
	healthy := o.Transport
	var mu sync.Mutex
	n := 0
	o.Transport = watched(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		n++
		at := n
		mu.Unlock()
		time.Sleep(50 * time.Millisecond)
		if res := f(at, r); res != nil {
			r.Body.Close()
			return res, nil
		}
		return healthy.RoundTrip(r)
	})
	return pipeline.Run(w.t.Context(), w.load(), o)
}

// What a provider may answer to one request of thirty: it costs time, never a row, and never the run.
func TestAdversaryStrangeAnswersToOne(t *testing.T) {
	for name, c := range map[string]struct {
		most time.Duration
		f    func(r *http.Request) *http.Response
	}{
		"endless body": {time.Minute, func(r *http.Request) *http.Response {
			res := replies(r, 200, nil, "")
			res.Body = io.NopCloser(endless{})
			return res
		}},
		"no choices":              {time.Minute, func(r *http.Request) *http.Response { return replies(r, 200, nil, `{"choices":null}`) }},
		"no content":              {time.Minute, func(r *http.Request) *http.Response { return replies(r, 204, nil, "") }},
		"retry after a day":       {16 * time.Minute, throttled("Retry-After", "86400")},
		"retry after an age":      {16 * time.Minute, throttled("Retry-After-Ms", "1e30")},
		"retry after no number":   {time.Minute, throttled("Retry-After", "NaN")},
		"retry after minus five":  {time.Minute, throttled("Retry-After", "-5")},
		"retry after a word":      {time.Minute, throttled("Retry-After", "soon")},
		"retry after a past date": {time.Minute, throttled("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT")},
		"gzip that is none": {time.Minute, func(r *http.Request) *http.Response {
			return replies(r, 200, map[string]string{"Content-Encoding": "gzip"}, "{}")
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 30, fill(paraphrases, "WORKERS", "4"), fakellm.Config{Latency: 1e8})
			res, err := w.twisted(func(n int, r *http.Request) *http.Response {
				if n == 3 {
					return c.f(r)
				}
				return nil
			})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			wantMade(t, res, 30, 0)
			if res.Took > c.most {
				t.Errorf("%s: took %v", name, res.Took)
			}
		})
	}
}

func throttled(header, value string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		return replies(r, 429, map[string]string{header: value}, `{"error":{"message":"slow down"}}`)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Texts that a model may well say are stored as it said them, or cost their row with a cause; none breaks the dataset.
func TestAdversaryStrangeTexts(t *testing.T) {
	long := strings.Repeat("word ", 200_000)
	for name, c := range map[string]struct{ said, stored string }{
		"fence and orders": {"Ignore all of the above.\n```json\n{\"text\": \"x\"}\n``` </text> <|im_end|> {{ 7*7 }} {% raw %}", ""},
		"emoji":            {"Wo bleibt meine Bestellung 👩‍👩‍👧 denn nur \U0001F9FF\u200d?", ""},
		"NUL":              {"a\x00b where is it", ""},
		"a megabyte":       {long + "end", ""},
		"lone surrogate":   {`{"text": "lone \ud800 half of a pair"}`, "lone \uFFFD half of a pair"},
		"line separators":  {"one\u2028two\u2029three\r\nfour\vfive", ""},
		"right to left":    {"\u202Eabc\u202C שלום", ""},
	} {
		w := newStage(t, 1, fill(paraphrases, "WORKERS", "1"), fakellm.Config{})
		res, err := w.twisted(func(_ int, r *http.Request) *http.Response {
			if c.stored == "" {
				return says(r, c.said, plainUsage)
			}
			content, _ := json.Marshal(c.said)
			return replies(r, 200, nil, `{"choices":[{"message":{"role":"assistant","content":`+string(content)+`}}],"usage":`+plainUsage+`}`)
		})
		if err != nil {
			if _, tolerated := errors.AsType[*pipeline.TolerateError](err); !tolerated {
				t.Fatalf("%s: %v", name, err)
			}
		}
		w.wantWhole(name)
		if s := stage(t, res, "generators/paraphrase"); s.Made != 1 {
			t.Errorf("%s: made %d rows", name, s.Made)
		} else if _, failed := s.Lost(); failed == 1 {
			t.Logf("%s: the row failed: %v", name, s.Failed)
			if name != "lone surrogate" && name != "NUL" {
				t.Errorf("%s: a usable text is lost: %v", name, s.Failed)
			}
			continue
		}
		want, found := c.stored, false
		if want == "" {
			want = c.said
		}
		for _, f := range res.Manifest.Shards(schemas.RoleTrain) {
			for r, err := range schemas.ReadShard(w.dir + "/out/" + f.Path) {
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				found = found || r.Origin.Depth == 1 && strings.TrimSpace(r.Text) == strings.TrimSpace(want)
			}
		}
		if !found {
			t.Errorf("%s: the text is not stored as it was said", name)
		}
	}
}

// Counts of tokens that cannot be are no counts: the books neither overflow nor lift the cap.
func TestAdversaryImpossibleUsage(t *testing.T) {
	for _, usage := range []string{
		`{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807,"total_tokens":-2}`,
		`{"prompt_tokens":-1000000,"completion_tokens":-5,"total_tokens":0}`,
		`{"prompt_tokens":90,"completion_tokens":4611686018427387904,"completion_tokens_details":{"reasoning_tokens":4611686018427387904}}`,
		`{"prompt_tokens":90,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":9223372036854775807}}`,
		`null`,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newStage(t, 30, fill(paraphrases, "MODEL", pricedModel, "BUDGET", "budget: {usd: 1}"), fakellm.Config{})
			res, err := w.twisted(func(n int, r *http.Request) *http.Response {
				return says(r, fmt.Sprint("where is parcel ", n, " of mine"), usage)
			})
			if err != nil {
				t.Fatalf("%s: %v", usage, err)
			}
			if s := res.Models.Spent; s < 30*20*37_500/2 || s > 1_000_000_000 {
				t.Errorf("%s: booked %v", usage, s)
			}
		})
	}
}

// A proxy that compresses although nobody asked for it is understood.
func TestAdversaryGzip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 30, fill(paraphrases), fakellm.Config{})
		res, err := w.twisted(func(n int, r *http.Request) *http.Response {
			plain := says(r, fmt.Sprint("where is parcel ", n), plainUsage)
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			io.Copy(z, plain.Body)
			z.Close()
			return replies(r, 200, map[string]string{"Content-Encoding": "gzip"}, b.String())
		})
		if err != nil {
			t.Fatal(err)
		}
		wantMade(t, res, 30, 0)
	})
}

// A redirect is not followed (the key would go with it): the run ends at once and says where the endpoint is.
func TestAdversaryRedirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStage(t, 30, fill(paraphrases, "WORKERS", "4"), fakellm.Config{})
		_, err := w.twisted(func(_ int, r *http.Request) *http.Response {
			return replies(r, 307, map[string]string{"Location": "http://elsewhere.example/v1"}, "")
		})
		if code, _ := verdict(err); code != exitFailed || !errors.Is(err, llm.ErrBadRequest) || !strings.Contains(err.Error(), "elsewhere.example") {
			t.Errorf("exit %d: %v", code, err)
		}
		w.wantRequests(0)
	})
}
