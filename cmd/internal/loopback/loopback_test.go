package loopback

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
)

func TestListenHereAlone(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.7:0", "example.org:0", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", ""} {
		if l, err := Listen(addr); !errors.Is(err, ErrElsewhere) {
			t.Errorf("%q: %v, want a refusal", addr, err)
			if err == nil {
				l.Close()
			}
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", "127.0.0.2:0"} {
		l, err := Listen(addr)
		if errors.Is(err, ErrElsewhere) {
			t.Errorf("%q: %v", addr, err)
		}
		if err == nil {
			l.Close()
		}
	}
}

// A request under way when the end is asked for is answered, and later ones are not.
func TestServeEndsSoftly(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	begun := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		stop()
		io.WriteString(w, "whole")
	})
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, h) }()
	res, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	res.Body.Close()
	if string(b) != "whole" || err != nil {
		t.Errorf("answer %q: %v", b, err)
	}
	if err := <-served; err != nil {
		t.Errorf("served: %v", err)
	}
	<-begun
	if _, err := http.Get("http://" + l.Addr().String()); err == nil {
		t.Error("it still answers")
	}
}
