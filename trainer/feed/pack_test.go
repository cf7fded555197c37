package feed

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func lengths(n ...int32) (ps []piece) {
	for i, l := range n {
		ps = append(ps, piece{int32(i), 0, l})
	}
	return ps
}

func TestPackExample(t *testing.T) {
	rows := pack(lengths(5, 3, 4, 6), 8)
	want := [][]piece{{{3, 0, 6}}, {{0, 0, 5}, {1, 0, 3}}, {{2, 0, 4}}}
	if len(rows) != len(want) {
		t.Fatalf("%v, want %v", rows, want)
	}
	for i := range want {
		if !slices.Equal(rows[i], want[i]) {
			t.Errorf("row %d: %v, want %v", i, rows[i], want[i])
		}
	}
}

// Nothing is lost, nothing twice, no row is too long, and no row that is opened would have fitted where there was room.
func TestPackLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 200).Draw(t, "size")
		ls := rapid.SliceOfN(rapid.Int32Range(1, int32(size)), 0, 300).Draw(t, "lengths")
		ps := lengths(ls...)
		seen := make([]int, len(ps))
		rows := pack(ps, size)
		under := 0
		for _, row := range rows {
			n := 0
			for _, p := range row {
				seen[p.doc]++
				n += int(p.length)
			}
			if n > size {
				t.Fatalf("a row of %d tokens in %d", n, size)
			}
			if 2*n <= size {
				under++
			}
		}
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("document %d is there %d times", i, n)
			}
		}
		if under > 1 {
			t.Fatalf("%d rows are at most half full: two of them would be one", under)
		}
	})
}

func TestPackFull(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() int32{
		"even":  func() int32 { return 1 + rng.Int32N(1024) },
		"short": func() int32 { return min(1024, 20+int32(rng.ExpFloat64()*200)) },
	} {
		var ps []piece
		total := 0
		for i := range packWindow {
			ps = append(ps, piece{int32(i), 0, draw()})
			total += int(ps[i].length)
		}
		rows := pack(ps, 1024)
		if full := float64(total) / float64(1024*len(rows)); full < .99 {
			t.Errorf("%s: rows are %.2f %% full, want 99", name, 100*full)
		}
	}
}

func TestSplit(t *testing.T) {
	got := split(nil, 0, 10, 4, 0, true)
	if want := []piece{{0, 0, 4}, {0, 3, 4}, {0, 6, 4}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.IntRange(1, 500).Draw(t, "n"), rapid.IntRange(2, 60).Draw(t, "size")
		overlap := rapid.Bool().Draw(t, "overlap")
		shift := 0
		if n > size {
			shift = rapid.IntRange(0, size-2).Draw(t, "shift")
		}
		predicted := make([]int, n)
		for _, p := range split(nil, 0, n, size, shift, overlap) {
			if int(p.length) > size || p.length < 1 {
				t.Fatalf("a piece of %d tokens in rows of %d", p.length, size)
			}
			from := p.offset
			if overlap {
				from++ // the first token of a piece is not predicted
			}
			for i := from; i < p.offset+p.length; i++ {
				predicted[i]++
			}
		}
		for i, k := range predicted {
			if want := 1; k != want && !(overlap && i == 0) {
				t.Fatalf("token %d of %d is used %d times", i, n, k)
			}
		}
	})
}

func TestPermutation(t *testing.T) {
	for n := 1; n <= 4096; n++ {
		p := NewPermutation(n, uint64(n)*7)
		seen := make([]bool, n)
		for i := range n {
			j := p.At(i)
			if j < 0 || j >= n || seen[j] {
				t.Fatalf("n %d: %d goes to %d, which is out of range or taken", n, i, j)
			}
			seen[j] = true
		}
	}
	const large = 1_000_003
	p := NewPermutation(large, 5)
	seen := make([]bool, large)
	for i := range large {
		seen[p.At(i)] = true
	}
	if slices.Contains(seen, false) {
		t.Error("not every place is taken")
	}
	// Neighbours do not stay neighbours: the mean distance of a random permutation is a third of n.
	sum := 0.
	for i := range 10000 {
		d := p.At(i) - p.At(i+1)
		sum += float64(max(d, -d))
	}
	if mean := sum / 10000 / large; mean < .31 || mean > .36 {
		t.Errorf("mean distance of neighbours is %.3f of n, want about 1/3", mean)
	}
}
