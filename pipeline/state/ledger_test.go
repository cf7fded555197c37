package state

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ledger(t *testing.T, s Store) *Ledger {
	t.Helper()
	l, err := NewLedger(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func begin(t *testing.T, l *Ledger, in Intent) uint64 {
	t.Helper()
	id, err := l.Begin(in)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func answers(t *testing.T, l *Ledger, key [32]byte) string {
	t.Helper()
	got, err := l.Answers(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.Join(got, []byte("|")))
}

func TestLedger(t *testing.T) {
	stores(t, func(t *testing.T, s Store, reopen func(Store) Store) {
		l := ledger(t, s)
		in := Intent{Dataset: "d1", Key: [32]byte{1}, Model: "writer", Stage: "generators/label", Worst: 90, WorstTokens: 900, Run: "r1"}
		if got := answers(t, l, in.Key); got != "" {
			t.Fatalf("answers of an empty ledger: %q", got)
		}
		a := begin(t, l, in)
		if left, err := l.Intents("d1"); err != nil || len(left) != 1 || left[0].Key != in.Key {
			t.Fatalf("intents under way: %v, %v", left, err)
		}
		spend := Spend{Requests: 1, Prompt: 10, Cached: 2, Completion: 5, Reasoning: 1, Cost: 33, Estimated: 1}
		if err := l.Finish(a, []byte("first"), spend); err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(a, []byte("again"), spend); err == nil {
			t.Fatal("one request was finished twice")
		}
		if err := l.Finish(begin(t, l, in), []byte(""), spend); err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(begin(t, l, in), nil, Spend{Requests: 1, Cost: 1}); err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(begin(t, l, in), []byte("last"), Spend{}); err != nil {
			t.Fatal(err)
		}
		if err := l.Cancel(begin(t, l, in)); err != nil {
			t.Fatal(err)
		}
		in.Model, in.Key = "judge", [32]byte{2}
		kept := begin(t, l, in) // the process dies here

		l = ledger(t, reopen(s))
		if got := answers(t, l, [32]byte{1}); got != "first||last" {
			t.Fatalf("answers after reopening: %q", got)
		}
		want := Spend{Requests: 3, Prompt: 20, Cached: 4, Completion: 10, Reasoning: 2, Cost: 67, Estimated: 2}
		if got, err := l.Spent("d1"); err != nil || got != want {
			t.Fatalf("spent %+v, %v, want %+v", got, err, want)
		}
		fresh := begin(t, l, in)
		if fresh <= kept {
			t.Fatalf("id %d was given out again after %d", fresh, kept)
		}
		left, err := l.Leftover("d1")
		if err != nil || len(left) != 1 || left[0].ID != kept || left[0].Run != "r1" || left[0].Worst != 90 {
			t.Fatalf("left over: %+v, %v", left, err)
		}
		if n, err := l.Settle("other"); n != 0 || err != nil {
			t.Fatalf("settled %d of a dataset without any, %v", n, err)
		}
		for i, want := range []int{1, 0} { // once
			if n, err := l.Settle("d1"); n != want || err != nil {
				t.Fatalf("settle %d: %d, %v", i, n, err)
			}
		}
		booked, err := l.SpentBy("d1")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Booking{
			{"d1", "judge", "generators/label", Spend{Requests: 1, Completion: 900, Cost: 90, Estimated: 1}},
			{"d1", "writer", "generators/label", want},
		}, booked); diff != "" {
			t.Fatal(diff)
		}
		settled, err := l.Settled("")
		if err != nil || len(settled) != 1 || settled[0].ID != kept {
			t.Fatalf("settled: %+v, %v", settled, err)
		}
		if left, err := l.Intents(""); err != nil || len(left) != 1 || left[0].ID != fresh {
			t.Fatalf("the one under way: %+v, %v", left, err)
		}
		info, err := l.Info()
		if err != nil || info.Answers != 1 || info.Intents != 1 || info.Settled != 1 || len(info.Spent) != 2 {
			t.Fatalf("info %+v, %v", info, err)
		}
		if err := l.Verify(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLedgerRefusesNamesThatWouldMixUp(t *testing.T) {
	if _, err := ledger(t, NewMemory()).Begin(Intent{Dataset: "a\x00b"}); err == nil {
		t.Fatal("a zero byte in a name was taken")
	}
}

// Hundreds of callers at once: nothing is lost, counted twice or mixed up.
func TestLedgerConcurrent(t *testing.T) {
	stores(t, func(t *testing.T, s Store, reopen func(Store) Store) {
		l := ledger(t, s)
		var wg sync.WaitGroup
		const callers, each = 100, 20
		for c := range callers {
			wg.Go(func() {
				for i := range each {
					key := [32]byte{byte(c), byte(i % 10)} // every key is asked twice
					id, err := l.Begin(Intent{Dataset: "d", Key: key, Model: "m", Stage: "s"})
					if err == nil && i%7 == 6 {
						err = l.Cancel(id)
					} else if err == nil {
						err = l.Finish(id, fmt.Append(nil, c, i), Spend{Requests: 1, Cost: int64(i)})
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		l = ledger(t, reopen(s))
		got, err := l.Spent("d")
		if want := (Spend{Requests: callers * (each - 2), Cost: callers * (190 - 6 - 13)}); err != nil || got != want {
			t.Fatalf("spent %+v, %v, want %+v", got, err, want)
		}
		for c := range callers {
			if got, want := answers(t, l, [32]byte{byte(c), 1}), fmt.Sprintf("%d 1|%d 11", c, c); got != want {
				t.Fatalf("caller %d: answers %q, want %q", c, got, want)
			}
		}
		if left, _ := l.Intents(""); len(left) != 0 {
			t.Fatalf("%d intents left", len(left))
		}
	})
}

func TestVerifyNamesDamage(t *testing.T) {
	m := NewMemory()
	l := ledger(t, m)
	in := Intent{Dataset: "d", Model: "m", Stage: "s"}
	for i := range 4 {
		in.Key[0] = byte(i)
		if err := l.Finish(begin(t, l, in), []byte("answer"), Spend{Requests: 1}); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, l, in)
	var keys []string
	for e := range m.Scan(nil) {
		keys = append(keys, string(e.Key))
	}
	slices.Sort(keys)
	for _, k := range keys {
		c := m.Clone()
		v := slices.Clone(c.values[k])
		v[len(v)/3] ^= 4
		c.values[k] = v
		err := (&Ledger{store: c}).Verify()
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", k)) {
			t.Fatalf("a flipped bit in %q: %v", k, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	a, _ := appendAnswer(nil, []byte("answer"))
	f.Add(a)
	f.Add(encodeIntent(Intent{ID: 1, Dataset: "d"}))
	f.Add(encodeSpend(Spend{Cost: -1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, sealed(slices.Clone(b))} { // with and without a good checksum
			decodeAnswers(b)
			decodeIntent(b)
			decodeSpend(b)
		}
	})
}
