package llm

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// newTransport returns an HTTP transport for hundreds of requests in flight to few hosts. Retries and limits are not its business.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          2048,
		MaxIdleConnsPerHost:   1024,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,    // answers are small: the processor is dearer than the wire
		ReadBufferSize:        4 << 10, // a request and an answer are a kilobyte or two, and hundreds of connections are open
		WriteBufferSize:       2 << 10,
	}
}

// maxBody is the most an answer may weigh.
const maxBody = 64 << 20

// wire is what all requests of one model share below go-openai.
type wire struct {
	base    http.RoundTripper
	headers http.Header // key and further headers of the recipe
	secrets []string    // never to be seen in an error
}

// exchange is one request and its answer. It is the HTTP client of a go-openai client made for this request alone (an HTTPDoer), because what must pass it
// by has no other way: exact zeros and extra fields into the body, headers and the bare body out.
type exchange struct {
	wire   *wire
	tail   []byte // fields to merge into the body: "temperature":0,"min_p":0.1
	stream bool

	status int
	header http.Header
	body   []byte
	err    error // no whole answer
}

// Do merges the tail into the body, sends it, and reads the whole answer. go-openai sees the buffered body.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		plain, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		setBody(req, splice(plain, x.tail))
	}
	for k, v := range x.wire.headers {
		req.Header[k] = v
	}
	req.Header.Del("Connection") // go-openai sets it on streams; the transport keeps connections anyway
	res, err := x.wire.base.RoundTrip(req)
	if err != nil {
		x.err = err
		return nil, err
	}
	defer res.Body.Close()
	x.status, x.header = res.StatusCode, res.Header
	x.body, err = readBody(res)
	if err != nil {
		x.err = err
		return nil, err
	}
	if x.stream {
		x.body = append(x.body, '\n') // go-openai loses a last line without it
	}
	res.Body = io.NopCloser(bytes.NewReader(x.body))
	return res, nil
}

// readBody reads the whole answer. Some proxies compress although nobody asked them to; the limit is on what comes out.
func readBody(res *http.Response) ([]byte, error) {
	var b bytes.Buffer
	var in io.Reader = res.Body
	if strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("the answer is said to be gzip: %w", err)
		}
		defer z.Close()
		in = z
	} else if n := res.ContentLength; n > 0 && n <= maxBody {
		b.Grow(int(n) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(in, maxBody+1))
	if n > maxBody {
		return nil, fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	}
	return b.Bytes(), err
}

// splice merges fields into a JSON object as go-openai writes it. They are never among its own.
func splice(object, fields []byte) []byte {
	object = bytes.TrimRight(object, "\n")
	if len(fields) == 0 || len(object) < 2 || object[len(object)-1] != '}' {
		return object
	}
	b := make([]byte, 0, len(object)+len(fields)+1)
	b = append(b, object[:len(object)-1]...)
	if len(object) > 2 {
		b = append(b, ',')
	}
	b = append(b, fields...)
	return append(b, '}')
}

func setBody(req *http.Request, body []byte) {
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}

// redact removes secrets from what a provider or the network said.
func (w *wire) redact(s string) string {
	for _, secret := range w.secrets {
		s = strings.ReplaceAll(s, secret, "[redacted]")
	}
	return s
}

// newWire prepares key and headers. env looks up environment variables.
func newWire(s *Spec, base http.RoundTripper, env func(string) string) (*wire, error) {
	w := &wire{base: base, headers: make(http.Header)}
	hide := func(v string) {
		if len(v) >= 6 {
			w.secrets = append(w.secrets, v)
		}
	}
	for k, v := range s.Headers {
		w.headers.Set(k, v)
		hide(v)
		if _, token, ok := strings.Cut(v, " "); ok {
			hide(token)
		}
	}
	if s.KeyEnv == "" {
		return w, nil
	}
	key := strings.TrimSpace(env(s.KeyEnv))
	if key == "" {
		return nil, fmt.Errorf("%w: the environment variable %s is empty: set it to the API key", ErrAuth, s.KeyEnv)
	}
	if strings.ContainsAny(key, "\r\n") {
		return nil, errors.New("the API key in " + s.KeyEnv + " has a line break in it")
	}
	w.headers.Set("Authorization", "Bearer "+key)
	hide(key)
	return w, nil
}

// quota is what remains of the provider's limits, where it says.
type quota struct {
	known     bool
	remaining int64 // the smaller of requests and tokens
	reset     time.Duration
}

// hold is how long no request needs to be tried.
func (q quota) hold() time.Duration {
	if !q.known || q.remaining > 0 {
		return 0
	}
	return q.reset
}

// readQuota reads x-ratelimit-remaining-* and x-ratelimit-reset-* (durations such as 1.5s or 6m0s, or seconds).
func readQuota(h http.Header) quota {
	var q quota
	for _, what := range [2]string{"Requests", "Tokens"} {
		left, err := strconv.ParseInt(h.Get("X-Ratelimit-Remaining-"+what), 10, 64)
		if err != nil || left > 0 && q.known {
			continue
		}
		v := h.Get("X-Ratelimit-Reset-" + what)
		reset, err := time.ParseDuration(v)
		if err != nil {
			s, err := strconv.ParseFloat(v, 64)
			if err != nil || s > 3600 { // a moment, not a duration
				continue
			}
			reset = time.Duration(s * float64(time.Second))
		}
		if !q.known || left < q.remaining || left == q.remaining && reset > q.reset {
			q = quota{true, left, reset}
		}
	}
	return q
}

// timeoutOf returns ctx limited to one request's time.
func timeoutOf(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("no answer within %s", d))
}
