package state

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// crashing is a store whose k-th write (from 0) and all later ones fail. With late set the k-th is applied before it fails: the
// process died after the write and before it was told.
type crashing struct {
	*Memory
	mu   sync.Mutex
	k    int
	late bool
}

var errCrash = errors.New("crash")

func (c *crashing) Write(ops []Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.k--
	if c.k >= 0 {
		return c.Memory.Write(ops)
	}
	if c.k == -1 && c.late {
		if err := c.Memory.Write(ops); err != nil {
			return err
		}
	}
	return errCrash
}

// Whatever write fails: an answer that was acknowledged is there with its price, and one that was not has left its intent.
func TestLedgerCrashAtEveryWrite(t *testing.T) {
	const n = 12
	for _, late := range []bool{false, true} {
		for k := range 2*n + 1 {
			m := NewMemory()
			l := ledger(t, &crashing{Memory: m, k: k, late: late})
			acked, begun := 0, 0
			for i := range n {
				in := Intent{Dataset: "d", Key: [32]byte{byte(i)}, Model: "m", Stage: "s", Worst: 100}
				id, err := l.Begin(in)
				if err != nil {
					break
				}
				begun++
				if l.Finish(id, fmt.Append(nil, i), Spend{Requests: 1, Cost: 1}) != nil {
					break
				}
				acked++
			}
			if acked < n {
				if _, err := l.Begin(Intent{}); !errors.Is(err, errCrash) {
					t.Fatalf("k=%d: after a failed write the ledger goes on: %v", k, err)
				}
				if _, err := l.Spent("d"); !errors.Is(err, errCrash) {
					t.Fatalf("k=%d: after a failed write sums are told: %v", k, err)
				}
			}
			l = ledger(t, m)
			stored := 0
			for i := range n {
				if answers(t, l, [32]byte{byte(i)}) != "" {
					stored++
				}
			}
			if stored < acked || stored > begun {
				t.Fatalf("k=%d late=%v: %d answers stored, %d acknowledged, %d begun", k, late, stored, acked, begun)
			}
			left, err := l.Leftover("d")
			if err != nil || len(left) < begun-stored || len(left) > begun-stored+1 {
				t.Fatalf("k=%d late=%v: %d intents left (%v), %d begun, %d stored", k, late, len(left), err, begun, stored)
			}
			if _, err := l.Settle("d"); err != nil {
				t.Fatal(err)
			}
			if s, _ := l.Spent("d"); s.Cost != int64(stored+100*len(left)) {
				t.Fatalf("k=%d late=%v: cost %d for %d answers and %d left", k, late, s.Cost, stored, len(left))
			}
			if err := l.Verify(); err != nil {
				t.Fatalf("k=%d late=%v: %v", k, late, err)
			}
		}
	}
}

// A settlement cut short books every intent once.
func TestSettleCrashAtEveryWrite(t *testing.T) {
	for _, late := range []bool{false, true} {
		for k := range 6 {
			m := NewMemory()
			l := ledger(t, m)
			for range 5 {
				begin(t, l, Intent{Dataset: "d", Model: "m", Stage: "s", Worst: 7})
			}
			ledger(t, &crashing{Memory: m, k: k, late: late}).Settle("d")
			l = ledger(t, m)
			if _, err := l.Settle("d"); err != nil {
				t.Fatal(err)
			}
			if s, _ := l.Spent("d"); s.Cost != 35 || s.Requests != 5 {
				t.Fatalf("k=%d late=%v: %+v", k, late, s)
			}
		}
	}
}

// All callers of a failed group are told.
func TestFailedGroupTellsAll(t *testing.T) {
	l := ledger(t, &crashing{Memory: NewMemory(), k: 3})
	var wg sync.WaitGroup
	var mu sync.Mutex
	ok := 0
	for range 200 {
		wg.Go(func() {
			if _, err := l.Begin(Intent{Dataset: "d"}); err == nil {
				mu.Lock()
				ok++
				mu.Unlock()
			} else if !errors.Is(err, errCrash) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	left, err := (&Ledger{store: l.store}).Intents("d")
	if err != nil || len(left) != ok {
		t.Fatalf("%d callers were told success, %d intents stored, %v", ok, len(left), err)
	}
}
