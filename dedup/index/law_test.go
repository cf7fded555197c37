package index

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"sluice/pipeline"
	"sluice/pipeline/state"
)

// However a stream is cut into runs, batches and seals, with whatever read-ahead, partial seals and merges: the same records are kept,
// with the same owners, as by comparing all pairs.
func TestAnySplitIsBruteForce(t *testing.T) {
	for name, s := range schemes {
		t.Run(name, func(t *testing.T) {
			n := 3000
			if testing.Short() {
				n = 800
			}
			all := docs(n, 5, s)
			want := bruteForce(all, s)
			r := rand.New(rand.NewPCG(9, 9))
			for trial := range 6 {
				w := &run{all: all, scheme: s, batch: 1 + r.IntN(40), segment: 1 + r.IntN(8), ahead: r.IntN(5), got: make([]pipeline.Match, n)}
				st := state.NewMemory()
				for len(w.segments) == 0 || w.segments[len(w.segments)-1].last < w.batches()-1 || w.segments[len(w.segments)-1].partial {
					if err := w.resume(st, 1+r.IntN(12), r.IntN(2) == 0); err != nil {
						t.Fatal(err)
					}
				}
				what := fmt.Sprintf("trial %d: batches of %d, %d a seal", trial, w.batch, w.segment)
				same(t, what, w.got, want)
				if err := Verify(st); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				// A kept record finds itself, a dropped one its owner.
				x, err := New(st, "ds", w.counted(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				c, err := x.Stage("dedup/test", s)
				if err != nil {
					t.Fatal(err)
				}
				for i, d := range all {
					if m, err := c.Claim(w.batches(), d.id, "dataset", d.l); err != nil || m != want[i] {
						t.Fatalf("%s: record %d again: %+v, %v, want %+v", what, i, m, err, want[i])
					}
				}
				if entries(t, st, "xw") != 0 {
					t.Fatalf("%s: wipe marks are left", what)
				}
			}
		})
	}
}

// A crash in any write, before or after it reached the store: the store opens, and the run goes on to the same end.
func TestCrashAtEveryWrite(t *testing.T) {
	s := schemes["sketch"]
	all := docs(700, 2, s)
	want := bruteForce(all, s)
	for _, late := range []bool{false, true} {
		for k := 0; ; k++ {
			if testing.Short() && k%5 != 0 {
				continue
			}
			w := &run{all: all, scheme: s, batch: 10, segment: 5, ahead: 2, got: make([]pipeline.Match, len(all))}
			m := state.NewMemory()
			if err := w.resume(m, 4, true); err != nil { // the crash comes to a dataset with a partial end
				t.Fatal(err)
			}
			shim := &crashing{Store: m, k: k, late: late}
			err := w.resume(shim, 1000, false)
			if err == nil {
				break // all writes were tried
			}
			if err := w.resume(m, 1000, false); err != nil {
				t.Fatalf("k=%d late=%v: after the crash: %v", k, late, err)
			}
			same(t, fmt.Sprintf("k=%d late=%v", k, late), w.got, want)
			if err := Verify(m); err != nil {
				t.Fatalf("k=%d late=%v: %v", k, late, err)
			}
			if n := entries(t, m, "xw"); n != 0 {
				t.Fatalf("k=%d late=%v: %d wipe marks left", k, late, n)
			}
			clean := state.NewMemory()
			u := &run{all: all, scheme: s, batch: 10, segment: 5, ahead: 2, got: make([]pipeline.Match, len(all))}
			if err := u.resume(clean, 1000, false); err != nil {
				t.Fatal(err)
			}
			if _, err := New(m, "ds", w.counted(), Options{}); err != nil { // deletes what the partial seal claimed
				t.Fatal(err)
			}
			info, err := Inspect(m)
			if err != nil || len(info) != 1 {
				t.Fatalf("k=%d: %+v, %v", k, info, err)
			}
			undisturbed, _ := Inspect(clean)
			if info[0].Records != undisturbed[0].Records {
				t.Fatalf("k=%d late=%v: %d records indexed, %d without the crash", k, late, info[0].Records, undisturbed[0].Records)
			}
		}
	}
}

// Damage of any entry: the run stops or the store opens without it; its tokens are missing, and after they are claimed
// anew all is as it was.
func TestDamageIsRebuilt(t *testing.T) {
	s := schemes["sketch"]
	all := docs(900, 3, s)
	want := bruteForce(all, s)
	half := &run{all: all[:600], scheme: s, batch: 10, segment: 4, ahead: 1, got: make([]pipeline.Match, len(all))}
	base := state.NewMemory()
	if err := half.resume(base, 1000, false); err != nil {
		t.Fatal(err)
	}
	var keys [][]byte
	for e, err := range base.Scan([]byte{'x'}) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e.Key)
	}
	kinds := make(map[byte]int)
	for i, k := range keys {
		most := 6
		if os.Getenv("SLUICE_LONG") != "" {
			most = len(keys)
		}
		if kinds[k[1]]++; kinds[k[1]] > most {
			continue
		}
		for _, how := range []string{"flip", "delete"} {
			m := base.Clone()
			op := state.Op{Key: k, Delete: how == "delete"}
			if how == "flip" {
				v, err := m.Get(k)
				if err != nil {
					t.Fatal(err)
				}
				v[(i*7)%len(v)] ^= 0x10
				op.Value = v
			}
			if err := m.Write([]state.Op{op}); err != nil {
				t.Fatal(err)
			}
			w := *half
			w.all, w.segments, w.got = all, append([]segment(nil), half.segments...), append([]pipeline.Match(nil), half.got...)
			stops := 0
			for {
				err := w.resume(m, 1000, false)
				if err == nil {
					break
				}
				if stops++; stops > 2 {
					t.Fatalf("%s of %q: the run never comes through: %v", how, k, err)
				}
			}
			same(t, fmt.Sprintf("%s of %q", how, k), w.got, want)
		}
	}
	for _, kind := range []byte{kindHeader, kindToken, kindGen, kindPage, kindFirsts, kindBloom, kindIDs, kindSketches} {
		if kinds[kind] == 0 {
			t.Errorf("no entry of kind %c was damaged", kind)
		}
	}
}

// Merging keeps generations few, whatever the number of seals.
func TestGenerationsStayFew(t *testing.T) {
	s := schemes["exact"]
	all := docs(2000, 8, s)
	w := &run{all: all, scheme: s, batch: 10, segment: 1, got: make([]pipeline.Match, len(all))}
	st := state.NewMemory()
	if err := w.resume(st, 1000, false); err != nil {
		t.Fatal(err)
	}
	info, err := Inspect(st)
	if err != nil {
		t.Fatal(err)
	}
	if g := info[0].Generations; g > 4*fanout {
		t.Errorf("%d generations after %d seals", g, len(w.segments))
	}
	if n := entries(t, st, "xg"); n != info[0].Generations {
		t.Errorf("%d directory entries", n)
	}
	kept := int64(0)
	for _, m := range w.got {
		if !m.Dup {
			kept++
		}
	}
	if info[0].Records != kept || info[0].Keys != kept {
		t.Errorf("%+v, want %d records", info[0], kept)
	}
}
