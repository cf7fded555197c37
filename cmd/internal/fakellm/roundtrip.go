package fakellm

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
)

// RoundTripper gives the server to an [http.Client] without a socket: streams arrive as they are written, a cut body ends
// in [io.ErrUnexpectedEOF], a hang-up is a reset connection. Inside a testing/synctest bubble its time is virtual. It holds
// one goroutine for each request, which has ended when the body was read to its end or closed.
func (s *Server) RoundTripper() http.RoundTripper { return pipe{s} }

type pipe struct{ s *Server }

func (p pipe) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	x := &exchange{ctx: ctx, cancel: cancel, header: http.Header{}, ready: make(chan struct{}), ended: make(chan struct{})}
	x.more.L = &x.mu
	in := r.WithContext(ctx)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	go x.serve(p.s, in, r.Context())
	<-x.ready // the handler minds ctx, so this ends when ctx does
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.status == 0 {
		return nil, x.err
	}
	size := int64(-1)
	if n, err := strconv.ParseInt(x.sent.Get("Content-Length"), 10, 64); err == nil {
		size = n
	}
	return &http.Response{Status: strconv.Itoa(x.status) + " " + http.StatusText(x.status), StatusCode: x.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: x.sent, Body: x, ContentLength: size, Request: r}, nil
}

// An exchange is one request and its response: the handler's ResponseWriter, and the client's body.
type exchange struct {
	ctx    context.Context
	cancel context.CancelFunc
	header http.Header // the handler's, until it writes
	ready  chan struct{}
	ended  chan struct{} // the handler returned

	mu     sync.Mutex
	more   sync.Cond // something was written, or the handler returned
	status int       // 0 until a header was sent
	sent   http.Header
	open   bool // ready is closed
	buf    bytes.Buffer
	done   bool
	err    error // how the body ends
}

// serve runs the handler. The context of the caller tells a client that left from a server that broke off.
func (x *exchange) serve(h http.Handler, r *http.Request, caller context.Context) {
	defer close(x.ended)
	defer x.cancel()
	defer r.Body.Close()
	err := io.EOF
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				panic(p)
			}
			err = io.ErrUnexpectedEOF
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		switch {
		case err == io.EOF:
			x.writeHeader(http.StatusOK)
		case caller.Err() != nil:
			err = caller.Err()
		case x.ctx.Err() != nil: // the body was closed
			err = http.ErrBodyReadAfterClose
		case x.status == 0:
			err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		}
		x.done, x.err = true, err
		x.announce()
		x.more.Broadcast()
	}()
	h.ServeHTTP(x, r)
}

// announce lets RoundTrip return.
func (x *exchange) announce() {
	if !x.open {
		x.open = true
		close(x.ready)
	}
}

// Header is the header to be sent.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader sends the header.
func (x *exchange) WriteHeader(status int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writeHeader(status)
}

func (x *exchange) writeHeader(status int) {
	if x.status == 0 {
		x.status, x.sent = status, x.header.Clone()
	}
}

// Write adds to the body. It never blocks: an answer is small.
func (x *exchange) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writeHeader(http.StatusOK)
	return x.buf.Write(p)
}

// Flush hands over what was written.
func (x *exchange) Flush() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writeHeader(http.StatusOK)
	x.announce()
	x.more.Broadcast()
}

// Read is the client's side of the body.
func (x *exchange) Read(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.buf.Len() == 0 && !x.done {
		x.more.Wait()
	}
	if x.buf.Len() > 0 {
		return x.buf.Read(p)
	}
	return 0, x.err
}

// Close ends the exchange and waits for the handler to leave.
func (x *exchange) Close() error {
	x.cancel()
	<-x.ended
	x.mu.Lock()
	defer x.mu.Unlock()
	x.buf.Reset()
	if x.err == io.EOF || x.err == nil {
		x.err = http.ErrBodyReadAfterClose
	}
	return nil
}
