// Package loopback serves HTTP to this machine alone. It has no notion of users or of transport security, so it refuses to
// listen anywhere that another machine could reach.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// ErrElsewhere refuses an address that is not of this machine alone.
var ErrElsewhere = errors.New("not an address of this machine alone")

// Listen opens addr, such as 127.0.0.1:8089, localhost:0 or [::1]:8089; port 0 takes a free one.
func Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: want HOST:PORT, such as 127.0.0.1:8089: %w", addr, ErrElsewhere)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, fmt.Errorf("address %q: the port is no number up to 65535: %w", addr, ErrElsewhere)
	} else if host == "localhost" {
		host = "127.0.0.1"
		port = strconv.FormatUint(n, 10)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("address %q: %w", addr, ErrElsewhere)
	}
	return net.Listen("tcp", net.JoinHostPort(host, port))
}

// grace is how long requests under way may take to end once the server is to stop.
const grace = 5 * time.Second

// Serve answers requests on l until ctx ends. Then it takes no more, waits a little for those under way, and breaks off the rest.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.Shutdown(ending); err != nil {
		s.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
