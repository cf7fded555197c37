package feed

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"sluice/schemas"
)

// corpora are a packed and a padded world of two domains.
func corpora(t *testing.T) map[string]func() (*Corpus, Order) {
	dir := t.TempDir()
	a, b := jsonl(t, filepath.Join(dir, "a.jsonl"), texts(300, 5, 90, 1)...), jsonl(t, filepath.Join(dir, "b.jsonl"), texts(40, 5, 30, 2)...)
	var rows []any
	for i, r := range texts(200, 3, 60, 3) {
		rows = append(rows, map[string]any{"text": r.(map[string]any)["text"], "label": fmt.Sprint("l", i%5)})
	}
	l := jsonl(t, filepath.Join(dir, "l.jsonl"), rows...)
	return map[string]func() (*Corpus, Order){
		"packed": func() (*Corpus, Order) {
			return open(t, Options{Sources: []Source{{"a", a}, {"b", b}}, Cache: dir}), Order{Seed: 3, Length: 64, Packed: true, Overlap: true}
		},
		"padded": func() (*Corpus, Order) {
			c := open(t, Options{Sources: []Source{{"l", l}}, Form: Form{Kind: Labeled, Length: 48, Long: "cut"}, Cache: dir, Validation: .1})
			return c, Order{Seed: 3, Length: 48, Classes: Labels([]*Set{c.Train(0, -1)})}
		},
	}
}

// A feed that is stopped before any batch and made anew from its state goes on with the same examples.
func TestResume(t *testing.T) {
	for name, world := range corpora(t) {
		t.Run(name, func(t *testing.T) {
			c, o := world()
			f := start(t, c, o, 4, 2, nil)
			var want []*Batch
			var states []*State
			for i := range 150 {
				s, err := f.State()
				if err != nil {
					t.Fatal(err)
				}
				states, want = append(states, s), append(want, next(t, f, int64(i)))
			}
			if e := f.Epochs(); e[0] < 1 {
				t.Fatalf("only %v epochs: the test must cross a border", e)
			}
			c, o = world()
			for from := range 150 {
				far := 3
				if from%32 < 2 {
					far = 70
				}
				g := start(t, c, o, 4, 2, states[from])
				for i := from; i < min(from+far, 150); i++ {
					if b := next(t, g, int64(i)); !same(b, want[i]) {
						t.Fatalf("from %d: batch %d has records %v, want %v", from, i, names(b), names(want[i]))
					}
				}
				g.Close()
			}
		})
	}
}

// An epoch has every token once, rows are filled as their pieces say, and nothing is a target behind the last document.
func TestPackedRows(t *testing.T) {
	c, o := corpora(t)["packed"]()
	f := start(t, c, o, 8, 1, nil)
	seen := map[[2]uint64]int{}
	set := c.Train(1, -1)
	text := map[uint64][]int32{}
	for i := range set.Len() {
		k, row := set.row(i)
		text[k.records[row]] = set.IDs(i)
	}
	for step := range int64(6) {
		b := next(t, f, step)
		m := b.Micros[0]
		for r := range m.Rows {
			end := 0
			for k, p := range m.Pieces[r] {
				if p.At != end {
					t.Fatalf("piece %d begins at %d, the one before ended at %d", k, p.At, end)
				}
				end = p.At + p.Len
				if m.Domains[r] != 1 || p.Epoch > 0 {
					continue
				}
				ids := text[p.Record][p.Offset : p.Offset+p.Len]
				at := r*m.Time + p.At
				if !slices.Equal(m.IDs[at:at+p.Len], ids) || !slices.Equal(m.Targets[at:at+p.Len], ids) {
					t.Fatalf("row %d does not hold record %x", r, p.Record)
				}
				for j := range p.Len {
					seen[[2]uint64{p.Record, uint64(p.Offset + j)}]++
				}
			}
			for i := end; i < m.Time; i++ {
				if m.Targets[r*m.Time+i] != NoTarget {
					t.Fatal("padding is a target")
				}
			}
		}
	}
	for record, ids := range text {
		for j := range ids {
			if n := seen[[2]uint64{record, uint64(j)}]; n != 1 {
				t.Fatalf("token %d of record %x is there %d times in the first epoch", j, record, n)
			}
		}
	}
}

// Rows of a corpus of long and short documents are full, and a document that fits a row is never cut.
func TestRowsAreFull(t *testing.T) {
	rows := append(texts(3000, 5, 250, 1), texts(100, 250, 3000, 2)...)
	c := open(t, Options{Sources: []Source{{"a", jsonl(t, filepath.Join(t.TempDir(), "a.jsonl"), rows...)}}})
	o := Order{Seed: 9, Length: 256, Packed: true, Overlap: true}
	set := c.Train(0, -1)
	length := map[uint64]int{}
	for i := range set.Len() {
		k, row := set.row(i)
		length[k.records[row]] = k.length(row)
	}
	f := start(t, c, o, 1, 1, nil)
	tokens, all := 0, Rows(set, o)
	for i := range all {
		b := next(t, f, i)
		tokens += b.Tokens
		for _, p := range b.Micros[0].Pieces[0] {
			if n := length[p.Record]; n <= o.Length && p.Len != n {
				t.Fatalf("a document of %d tokens has a piece of %d", n, p.Len)
			}
		}
	}
	if full := float64(tokens) / float64(all*int64(o.Length)); full < .99 {
		t.Errorf("rows are %.2f %% full, want 99", 100*full)
	}
}

func TestThreadsDoNotMatter(t *testing.T) {
	path := jsonl(t, filepath.Join(t.TempDir(), "a.jsonl"), texts(2000, 5, 90, 1)...)
	var want []*Batch
	for _, threads := range []int{1, 4} {
		c := open(t, Options{Sources: []Source{{"a", path}}, Threads: threads})
		f := start(t, c, Order{Length: 64, Packed: true}, 4, 1, nil)
		for i := range 20 {
			b := next(t, f, int64(i))
			if threads == 1 {
				want = append(want, b)
			} else if !same(b, want[i]) {
				t.Fatalf("batch %d differs with %d threads", i, threads)
			}
		}
	}
}

func TestBucketsPadLittle(t *testing.T) {
	var rows []any
	for i, r := range texts(4000, 10, 120, 9) {
		rows = append(rows, map[string]any{"text": r.(map[string]any)["text"], "label": fmt.Sprint(i % 3)})
	}
	c := open(t, Options{Sources: []Source{{"l", jsonl(t, filepath.Join(t.TempDir(), "l.jsonl"), rows...)}}, Form: Form{Kind: Labeled, Length: 128}})
	f := start(t, c, Order{Length: 128, Classes: Labels([]*Set{c.Train(0, -1)})}, 16, 1, nil)
	tokens, room := 0, 0
	for i := range 200 {
		b := next(t, f, int64(i))
		tokens += b.Tokens
		room += len(b.Micros[0].IDs)
	}
	if share := 1 - float64(tokens)/float64(room); share > .1 {
		t.Errorf("%.1f %% padding, want at most 10", 100*share)
	}
}

// Shards that are sealed while a training runs enter at the border of an epoch.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	make := func(n int, word string) (rs []*schemas.Record) {
		for i := range n {
			rs = append(rs, &schemas.Record{Text: fmt.Sprint(word, i)})
		}
		return rs
	}
	dataset(t, dir, schemas.Text, make(40, "first "))
	c := open(t, Options{Sources: []Source{{"d", dir}}})
	o := Order{Length: 16, Packed: true, Follow: true}
	f := start(t, c, o, 1, 1, nil)
	next(t, f, 0)
	dataset(t, dir, schemas.Text, make(40, "first "), make(40, "second "))
	epochs := map[int]int{} // shards by epoch
	for i := range 200 {
		b := next(t, f, int64(i))
		p := b.Micros[0].Pieces[0][0]
		s, err := f.State()
		if err != nil {
			t.Fatal(err)
		}
		epochs[p.Epoch] = max(epochs[p.Epoch], s.Cursors[0].Shards)
	}
	if epochs[0] != 1 || epochs[1] > 2 || epochs[len(epochs)-1] != 2 {
		t.Errorf("shards by epoch: %v, want 1 in the first and 2 later", epochs)
	}
}
