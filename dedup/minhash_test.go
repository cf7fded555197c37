package dedup

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sluice/dedup/index"
	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// similarTexts returns two texts of which the second is the first with some words changed, and the true similarity of
// their sets of n-word runs.
func similarTexts(seed uint64, n int) (a, b string, j float64) {
	r := rand.New(rand.NewPCG(seed, 3))
	x := make([]string, 100+r.IntN(300))
	for i := range x {
		x[i] = fmt.Sprintf("w%d", r.IntN(5000))
	}
	y := slices.Clone(x)
	for range r.IntN(1 + len(x)/20) {
		y[r.IntN(len(y))] = fmt.Sprintf("w%d", r.IntN(5000))
	}
	runs := func(w []string) map[string]bool {
		set := make(map[string]bool)
		for i := range len(w) - n + 1 {
			set[strings.Join(w[i:i+n], " ")] = true
		}
		return set
	}
	sx, sy := runs(x), runs(y)
	common := 0
	for s := range sx {
		if sy[s] {
			common++
		}
	}
	return strings.Join(x, " "), strings.Join(y, ", "), float64(common) / float64(len(sx)+len(sy)-common)
}

func TestPresetsAreWhole(t *testing.T) {
	for name := range presets {
		d := &MinHash{Preset: name, Scope: "dataset"}
		if err := d.Check(pipeline.CheckEnv{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		a, _, _ := similarTexts(1, 2)
		l, err := d.Keys(t.Context(), &schemas.Record{Text: a})
		s, _ := d.Scheme()
		if err != nil || len(l.Keys) != s.Bands || len(l.Sketch) == 0 {
			t.Errorf("%s: %d keys, %d bytes of sketch, %v", name, len(l.Keys), len(l.Sketch), err)
		}
	}
}

// Everything that changes keys changes the scheme, so that stored keys are never mixed up.
func TestSchemeTellsSettings(t *testing.T) {
	seen := make(map[pipeline.Scheme]string)
	for name, d := range map[string]interface {
		Scheme() (pipeline.Scheme, string)
	}{
		"default": &MinHash{Preset: "fineweb"}, "bands": &MinHash{Preset: "fineweb", Bands: 13}, "rows": &MinHash{Preset: "fineweb", Rows: 7},
		"slots": &MinHash{Preset: "fineweb", Slots: 256}, "shingle": &MinHash{Preset: "fineweb", Shingle: 4}, "unit": &MinHash{Preset: "fineweb", Unit: "characters"},
		"verify": &MinHash{Preset: "fineweb", Verify: "0.8"}, "off": &MinHash{Preset: "fineweb", Verify: "off"}, "exactly": &MinHash{Preset: "fineweb", Verify: "exact"},
		"accept": &MinHash{Preset: "fineweb", Verify: "exact", Accept: 0.9}, "seed": &MinHash{Preset: "fineweb", Seed: 1},
		"exact": &Exact{Normalize: true}, "bytes": &Exact{}, "columns": &Exact{Columns: []string{"a"}}, "columns2": &Exact{Columns: []string{"a", "b"}},
	} {
		s, _ := d.Scheme()
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s have the same scheme %+v", name, other, s)
		}
		seen[s] = name
	}
}

func TestSigningAllocatesNothing(t *testing.T) {
	for name, p := range presets {
		s, err := newSigner(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		a, _, _ := similarTexts(2, 5)
		a += " é ü 日本"
		s.sign(a)
		if n := testing.AllocsPerRun(100, func() { s.sign(a) }); n > 0 {
			t.Errorf("%s: %v allocations a record", name, n)
		}
	}
}

// Keys is pure: the same for every call, on any number of goroutines.
func TestKeysConcurrently(t *testing.T) {
	for _, d := range []pipeline.Deduper{Catalog["minhash"](), Catalog["exact"]()} {
		texts := make([]string, 50)
		want := make([]pipeline.Likeness, len(texts))
		for i := range texts {
			texts[i], _, _ = similarTexts(uint64(i), 5)
			want[i], _ = d.Keys(t.Context(), &schemas.Record{Text: texts[i]})
		}
		done := make(chan error)
		for range 8 {
			go func() {
				for i, s := range texts {
					l, err := d.Keys(t.Context(), &schemas.Record{Text: s})
					if err != nil || !slices.Equal(l.Keys, want[i].Keys) || !slices.Equal(l.Sketch, want[i].Sketch) {
						done <- fmt.Errorf("text %d: other keys, %v", i, err)
						return
					}
				}
				done <- nil
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
}

// Claims over Badger, without making their keys, sealed every 50,000 records. One in ten repeats an earlier one.
func benchmarkClaims(b *testing.B, d pipeline.Deduper, words int) {
	st, err := state.OpenBadger(b.TempDir(), state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	x, err := index.New(st, "ds", nil, index.Options{})
	if err != nil {
		b.Fatal(err)
	}
	scheme, scope := d.(pipeline.Keyed).Scheme()
	claims, err := x.Stage("dedup/test", scheme)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	vocabulary := make([]string, 4096)
	for i := range vocabulary {
		vocabulary[i] = fmt.Sprintf("w%d ", i)
	}
	text := func(seed int) string {
		r := rand.New(rand.NewPCG(uint64(seed), 5))
		var s strings.Builder
		for range words {
			s.WriteString(vocabulary[r.IntN(len(vocabulary))])
		}
		return s.String()
	}
	dups := 0
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		seed := i
		if i%5 == 4 {
			seed = r.IntN(i)
		}
		b.StopTimer()
		rec := &schemas.Record{ID: schemas.SeedID("b", int64(i)), Text: text(seed)}
		l, err := d.Keys(b.Context(), rec)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		m, err := claims.Claim(int64(i/50), rec.ID, scope, l)
		if err != nil {
			b.Fatal(err)
		}
		if m.Dup {
			dups++
		}
		if i++; i%50_000 == 0 {
			if err := x.Seal(fmt.Sprint(i), int64((i-1)/50)); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := x.Seal("last", int64(i/50)); err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	info, err := index.Inspect(st)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "claims/s")
	b.ReportMetric(float64(dups)/float64(i), "dups")
	b.ReportMetric(float64(info[0].Generations), "generations")
}

func BenchmarkClaimExact(b *testing.B)   { benchmarkClaims(b, Catalog["exact"](), 12) }
func BenchmarkClaimMinHash(b *testing.B) { benchmarkClaims(b, Catalog["minhash"](), 60) }
