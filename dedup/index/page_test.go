package index

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func postings(n int, exact bool) []posting {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	ps := make([]posting, n)
	for i := range ps {
		ps[i] = posting{lo: r.Uint64(), place: uint32(i)}
		if i > 0 && r.IntN(4) == 0 {
			ps[i].lo = ps[r.IntN(i)].lo
		}
		if exact {
			ps[i].hi = r.Uint64() >> (r.IntN(2) * 60)
		}
	}
	return ps
}

func TestSortAndPage(t *testing.T) {
	for _, exact := range []bool{false, true} {
		for _, n := range []int{1, 2, 255, 256, pageKeys, 5000} {
			ps := postings(n, exact)
			want := slices.Clone(ps)
			slices.SortFunc(want, comparePostings)
			got := sortPostings(ps, make([]posting, n), exact)
			if !slices.Equal(got, want) {
				t.Fatalf("%d postings are not in order", n)
			}
			b := encodePage(got, exact)
			p, err := decodePage(b, exact)
			if err != nil || p.n != n {
				t.Fatalf("%d postings: %v", n, err)
			}
			for i, q := range got {
				if p.at(i) != q {
					t.Fatalf("posting %d of %d differs", i, n)
				}
				if j := p.search(q.hi, q.lo); p.at(j).lo != q.lo || j > 0 && p.at(j-1).lo == q.lo && p.at(j-1).hi == q.hi {
					t.Fatalf("search finds %d for posting %d", j, i)
				}
			}
			for _, cut := range []int{0, 4, len(b) / 2, len(b) - 1} {
				if _, err := decodePage(b[:cut], exact); err == nil {
					t.Fatalf("a page cut to %d bytes decodes", cut)
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encodePage(postings(3, false), false))
	f.Add(encodeSketches([]claim{{sketch: []byte("abc")}, {sketch: []byte("d")}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, closed(slices.Clone(b))} {
			for _, exact := range []bool{false, true} {
				if p, err := decodePage(b, exact); err == nil {
					p.search(1, 2)
					p.at(p.n - 1)
				}
			}
			for i := range 3 {
				sketchAt(b, i)
			}
		}
	})
}

// No key is ever missed, and about one strange key in 200 passes.
func TestBloom(t *testing.T) {
	const n = 50000
	r := rand.New(rand.NewPCG(1, 1))
	f := newBloom(n)
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = mix(uint8(i%14), 0, r.Uint64())
		f.add(keys[i])
	}
	g := newBloom(n)
	for p := range f.parts() {
		if err := g.decode(p, f.encode(p)); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range keys {
		if !g.has(k) {
			t.Fatal("a key is missed")
		}
	}
	false := 0
	for range n {
		if g.has(mix(3, 0, r.Uint64())) {
			false++
		}
	}
	if rate := float64(false) / n; rate > 0.01 {
		t.Errorf("%.2f %% of strange keys pass", 100*rate)
	}
}
