package dedup

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sluice/dedup/index"
	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// neardup reads a file of the corpus of real text with planted near-duplicates, of which all pairs' true similarity is known.
func neardup[T any](t testing.TB, name string) (rows []T) {
	shared := os.Getenv("SLUICE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "data", "neardup", name))
	if err != nil {
		t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(z)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var row T
		if err := json.Unmarshal(in.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

type (
	textRow struct{ ID, Text string }
	pairRow struct {
		A, B string
		J    float64
	}
	truthRow struct {
		ID, Kind, Parent string
		J                float64 `json:"j_parent"`
	}
)

// score holds what a run of a deduper did against the truth.
type score struct {
	kept              map[string]bool
	dropped           int
	recall, precision float64 // at J ≥ .8
	false5            int     // dropped without any partner at J ≥ .5
}

// run deduplicates the corpus, sealing every 2,000 records.
func runNeardup(t *testing.T, d pipeline.Deduper, docs []textRow) map[string]bool {
	t.Helper()
	x, err := index.New(state.NewMemory(), "ds", nil, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scheme, scope := d.(pipeline.Keyed).Scheme()
	claims, err := x.Stage("dedup/minhash", scheme)
	if err != nil {
		t.Fatal(err)
	}
	kept := make(map[string]bool)
	for i, doc := range docs {
		l, err := d.Keys(t.Context(), &schemas.Record{Text: doc.Text})
		if err != nil {
			t.Fatal(err)
		}
		batch := int64(i / 100)
		m, err := claims.Claim(batch, schemas.SeedID("corpus", int64(i)), scope, l)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Dup {
			kept[doc.ID] = true
		}
		if i%2000 == 1999 {
			if err := x.Seal(fmt.Sprint(i), batch); err != nil {
				t.Fatal(err)
			}
		}
	}
	return kept
}

// judge compares what was kept with the truth: of the records that should go at J ≥ .8 (size of each connected component less
// one) the share that went; of those that went the share that has a partner at J ≥ .8.
func judge(docs []textRow, pairs []pairRow, kept map[string]bool) score {
	s := score{kept: kept}
	best := make(map[string]float64)
	parent := make(map[string]string)
	var root func(string) string
	root = func(x string) string {
		if p, ok := parent[x]; ok && p != x {
			parent[x] = root(p)
			return parent[x]
		}
		return x
	}
	for _, p := range pairs {
		best[p.A], best[p.B] = max(best[p.A], p.J), max(best[p.B], p.J)
		if p.J >= .8 {
			parent[root(p.A)] = root(p.B)
		}
	}
	size, stay := make(map[string]int), make(map[string]int)
	right := 0
	for _, d := range docs {
		size[root(d.ID)]++
		if kept[d.ID] {
			stay[root(d.ID)]++
			continue
		}
		s.dropped++
		if best[d.ID] >= .8 {
			right++
		}
		if best[d.ID] < .5 {
			s.false5++
		}
	}
	want, hit := 0, 0
	for r, n := range size {
		want += n - 1
		hit += min(n-1, n-stay[r])
	}
	s.recall, s.precision = float64(hit)/float64(want), float64(right)/float64(s.dropped)
	return s
}

func TestNearDuplicatesAgainstTruth(t *testing.T) {
	docs, pairs := neardup[textRow](t, "corpus.jsonl.gz"), neardup[pairRow](t, "pairs.jsonl.gz")
	truth := neardup[truthRow](t, "truth.jsonl.gz")
	for _, c := range []struct {
		verify            string
		recall, precision float64
	}{
		// Recall counts connected pieces of which all but one should go. Comparing all pairs and keeping the first has .972
		// here: of A ~ B ~ C where A and C are not alike, C stays.
		{"0.80", .95, .96},
		{"off", .99, 0},
		{"0.70", .98, .8},
		{"exact", .965, 1},
	} {
		if testing.Short() && c.verify != "0.80" {
			continue
		}
		d := Catalog["minhash"]().(*MinHash)
		d.Verify = c.verify
		s := judge(docs, pairs, runNeardup(t, d, docs))
		t.Logf("verify %-5s dropped %d, recall %.4f, precision %.4f at J ≥ .8; %d dropped without a partner at .5",
			c.verify, s.dropped, s.recall, s.precision, s.false5)
		if s.recall < c.recall || s.precision < c.precision || s.false5 > 0 && c.verify != "off" {
			t.Errorf("verify %s: recall %.4f, precision %.4f, %d false; want at least %.2f, %.2f, none",
				c.verify, s.recall, s.precision, s.false5, c.recall, c.precision)
		}
		if c.verify == "off" {
			curve(t, truth, s.kept)
		}
	}
}

// curve compares the share of planted pairs that were found with 1 - (1 - J^8)^14, by J.
func curve(t *testing.T, truth []truthRow, kept map[string]bool) {
	type cell struct{ n, hit, theory float64 }
	cells := make(map[int]*cell)
	for _, r := range truth {
		if len(r.Kind) < 5 || r.Kind[:5] != "near_" {
			continue
		}
		k := int(r.J * 20)
		if cells[k] == nil {
			cells[k] = new(cell)
		}
		cells[k].n++
		if !kept[r.ID] || !kept[r.Parent] {
			cells[k].hit++
		}
		cells[k].theory += 1 - math.Pow(1-math.Pow(r.J, 8), 14)
	}
	var at []int
	for k := range cells {
		at = append(at, k)
	}
	slices.Sort(at)
	for _, k := range at {
		c := cells[k]
		t.Logf("J %.2f: %4.0f pairs, found %.3f, theory %.3f", float64(k)/20, c.n, c.hit/c.n, c.theory/c.n)
	}
}

// The hit rate of the bands is the formula's, and the estimate's error that of MinHash at most, on texts whose words are drawn at random.
func TestBandsFollowTheFormula(t *testing.T) {
	d := Catalog["minhash"]().(*MinHash)
	var hits, theory, n float64
	for i := range 4000 {
		if testing.Short() && i > 1000 {
			break
		}
		a, b, j := similarTexts(uint64(i), 5)
		ka, err := d.Keys(t.Context(), &schemas.Record{Text: a})
		if err != nil {
			t.Fatal(err)
		}
		kb, err := d.Keys(t.Context(), &schemas.Record{Text: b})
		if err != nil {
			t.Fatal(err)
		}
		n++
		theory += 1 - math.Pow(1-math.Pow(j, 8), 14)
		for b := range ka.Keys {
			if ka.Keys[b] == kb.Keys[b] {
				hits++
				break
			}
		}
	}
	if math.Abs(hits-theory)/n > 0.03 {
		t.Errorf("compared: %.3f of the pairs, the formula says %.3f", hits/n, theory/n)
	}
}
