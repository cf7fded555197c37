package fakellm

import (
	"slices"
	"testing"
	"time"
)

// The first requests of all come at once: the faults are open for a request that was there first but counted second, too.
func TestFaultsAreOpenFromTheStart(t *testing.T) {
	s := New(Config{Faults: []Fault{{Kind: "503"}}})
	q, bad := readRequest(chatRoute, []byte(`{"model":"m","messages":[{"role":"user","content":"hello"}]}`), 0)
	if bad != nil {
		t.Fatal(bad)
	}
	struck := make(chan []string)
	s.ledger.mu.Lock()
	go func() { struck <- s.begin(q, nil, nil).Faults }()
	time.Sleep(20 * time.Millisecond) // it waits at the lock by now
	s.ledger.start = time.Now()       // another was counted
	s.ledger.mu.Unlock()
	if got := <-struck; !slices.Equal(got, []string{"503"}) {
		t.Errorf("struck by %v, want 503", got)
	}
}
