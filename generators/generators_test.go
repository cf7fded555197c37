package generators

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

func seedsOf(texts ...string) []*schemas.Record {
	var rs []*schemas.Record
	for i, s := range texts {
		text, label, _ := strings.Cut(s, "|")
		r := &schemas.Record{ID: schemas.SeedID("in.jsonl", int64(i)), Text: text, Origin: schemas.Origin{Source: "in.jsonl", Row: int64(i)}}
		if label != "" {
			r.Labels = []string{label}
		}
		rs = append(rs, r)
	}
	return rs
}

// A text is its words and gaps, whatever is between them, and edits keep count.
func TestWordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("ab ,.\n\té"))).Draw(t, "text")
		w := split(s)
		if w.String() != s {
			t.Fatalf("%q became %q", s, w)
		}
		n := len(w.word)
		if n == 0 {
			return
		}
		i := rapid.IntRange(0, n).Draw(t, "place")
		c := w.clone()
		c.insert(i, "NEW")
		if got := strings.Fields(c.String()); len(got) != n+1 || got[i] != "NEW" {
			t.Fatalf("NEW at %d of %q: %q", i, s, c)
		}
		i = rapid.IntRange(0, n-1).Draw(t, "gone")
		c = w.clone()
		c.remove(i)
		if got, want := strings.Fields(c.String()), slices.Delete(slices.Clone(w.word), i, i+1); !slices.Equal(got, want) {
			t.Fatalf("without %d of %q: %q", i, s, got)
		}
		if w.String() != s {
			t.Fatal("a copy was not one")
		}
	})
}

// The operations of EDA keep what they promise: swapping and synonyms keep the number of words, swapping also the words; deleting leaves a
// part of the text in order; inserting leaves the text in order among what is new.
func TestEDAOperations(t *testing.T) {
	seed := seedsOf("Please check my new account, the payment failed again yesterday and I need help")[0]
	before := split(seed.Text)
	letters := func(w *words) []string {
		var l []string
		for _, x := range w.word {
			a, b := core(x)
			l = append(l, x[a:b])
		}
		return l
	}
	for i := range 200 {
		rng := draw(1, "eda", seed, i)
		for _, op := range edaOperations {
			after := edit(op, before, 0.2, rng)
			switch op {
			case "swap":
				if !slices.Equal(slices.Sorted(slices.Values(letters(before))), slices.Sorted(slices.Values(letters(after)))) {
					t.Fatalf("swap: %s", after)
				}
			case "synonym":
				if len(after.word) != len(before.word) {
					t.Fatalf("synonym: %s", after)
				}
				changed := 0
				for j := range after.word {
					if after.word[j] != before.word[j] {
						changed++
					}
				}
				if changed != 2 {
					t.Fatalf("synonym changed %d words: %s", changed, after)
				}
			case "delete":
				if !subsequence(after.word, before.word) || len(after.word) == 0 {
					t.Fatalf("delete: %s", after)
				}
			case "insert":
				if !subsequence(before.word, after.word) || len(after.word) != len(before.word)+2 {
					t.Fatalf("insert: %s", after)
				}
			}
		}
	}
}

func subsequence(a, b []string) bool {
	for _, x := range b {
		if len(a) > 0 && a[0] == x {
			a = a[1:]
		}
	}
	return len(a) == 0
}

// Without its marks an AEDA copy is its seed.
func TestAEDAKeepsTheText(t *testing.T) {
	seeds := seedsOf("one two  three\nfour five six seven eight nine ten", "one")
	g := open(t, "aeda", "copies: 50", seeds, nil)
	for _, s := range seeds {
		made, err := g.Generate(t.Context(), s)
		if err != nil || len(made) != 50 {
			t.Fatal(len(made), err)
		}
		for _, r := range made {
			var words []string
			marks := 0
			for _, w := range strings.Fields(r.Text) {
				if slices.Contains(aedaMarks[:], w) {
					marks++
				} else {
					words = append(words, w)
				}
			}
			if !slices.Equal(words, strings.Fields(s.Text)) || marks < 1 || marks > max(1, len(words)/3) {
				t.Fatalf("%q", r.Text)
			}
		}
	}
}

func TestSynonyms(t *testing.T) {
	if s := synonymsOf("Purchase"); !slices.Contains(s, "buy") || slices.Contains(s, "purchase") {
		t.Error(s)
	}
	for w, list := range synonymTable() {
		if len(list) != len(slices.Compact(slices.Sorted(slices.Values(list)))) {
			t.Errorf("%s has a synonym twice: %v", w, list)
		}
		for _, s := range list {
			if !slices.Contains(synonymsOf(s), w) {
				t.Errorf("%s has the synonym %s, but not the other way round", w, s)
			}
		}
	}
	if n := len(synonymTable()); n < 1000 {
		t.Errorf("only %d words", n)
	}
}

// Worked by hand: the cat sat down, the cat lay down: the cat down is common, 2·3/(4+4).
func TestRougeL(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"The cat sat down.", "the cat lay down", 0.75}, {"a b c", "a b c", 1}, {"a b", "c d", 0}, {"", "a", 0}, {"a b c d", "d c b a", 0.25},
	} {
		a, b := tokenize(c.a), tokenize(c.b)
		if got := rougeL(a, b); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%q, %q: %v, want %v", c.a, c.b, got, c.want)
		}
		if rougeL(a, b) != rougeL(b, a) || rougeL(a, b) > rougeBound(a, b) {
			t.Errorf("%q, %q: not symmetric or above its bound", c.a, c.b)
		}
	}
}

func TestNearestLabels(t *testing.T) {
	p := poolOf(seedsOf("refund my order money back|refund", "return order money|return", "reset password login|login", "login password wrong|access"))
	want := map[string]string{"refund": "return", "return": "refund", "login": "access", "access": "login"}
	if d := cmp.Diff(want, nearestLabels(p)); d != "" {
		t.Error(d)
	}
	if got := nearestLabels(poolOf(seedsOf("a|only"))); len(got) != 0 {
		t.Error("one label has no other", got)
	}
}

// Another seed, stage, record, round or sample draws other numbers; the same draws the same.
func TestDraw(t *testing.T) {
	a := seedsOf("x", "y")
	later := a[0].Clone()
	later.Origin.Round = 1
	seen := map[uint64]string{}
	for name, v := range map[string]uint64{"": draw(1, "s", a[0], 0).Uint64(), "seed": draw(2, "s", a[0], 0).Uint64(),
		"stage": draw(1, "t", a[0], 0).Uint64(), "record": draw(1, "s", a[1], 0).Uint64(), "round": draw(1, "s", later, 0).Uint64(),
		"sample": draw(1, "s", a[0], 1).Uint64()} {
		if other, ok := seen[v]; ok {
			t.Errorf("another %s draws the same as another %s", name, other)
		}
		seen[v] = name
	}
	if draw(1, "s", a[0], 0).Uint64() != draw(1, "s", a[0], 0).Uint64() {
		t.Error("not the same twice")
	}
}

// What the parts of an answer are booked at adds up to the answer.
func TestBookAddsUp(t *testing.T) {
	k := &asker{model: &scripted{}}
	a := llm.Answer{Usage: llm.Usage{Prompt: 100, Completion: 7, Cost: 12345}}
	for n := 1; n < 20; n++ {
		var sum schemas.Origin
		for i := range n {
			r := &schemas.Record{}
			k.book(r, a, i, n)
			sum.Cost += r.Origin.Cost
			sum.PromptTokens += r.Origin.PromptTokens
			sum.CompletionTokens += r.Origin.CompletionTokens
		}
		if sum.Cost != 12345 || sum.PromptTokens != 100 || sum.CompletionTokens != 7 {
			t.Errorf("%d parts add up to %+v", n, sum)
		}
	}
}

// The keyless model gives every method something to work with.
func TestEcho(t *testing.T) {
	ms, err := llm.NewModels(map[string]llm.Spec{"writer": {Provider: llm.Echo}}, llm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ms.Close()
	seeds := seedsOf("please refund my last order of shoes|refund", "my parcel has not arrived at home yet|delivery", "how do I reset my old password today|login")
	for method, config := range map[string]string{
		"paraphrase": "model: writer", "label": "{model: writer, samples: 2}", "selfinstruct": "model: writer",
		"columns": "{model: writer, columns: [{name: a, prompt: 'Say {{ text }}'}, {name: b, prompt: 'Rate {{ a }}', type: int}], text: '{{ a }} {{ b }}'}",
	} {
		m, err := ms.Model("writer", "generators/"+method)
		if err != nil {
			t.Fatal(err)
		}
		g := open(t, method, config, seeds, m)
		_, want := g.(pipeline.Forecaster).Forecast()
		n, bad := 0, 0
		for _, s := range seeds {
			made, err := g.Generate(t.Context(), s)
			if err != nil {
				t.Fatalf("%s: %v", method, err)
			}
			for _, r := range made {
				n++
				if r.Failure != nil {
					bad++
					t.Logf("%s: %v: %q", method, r.Failure, r.Text)
				} else if r.Text == "" || strings.Contains(r.Text, "=== data") {
					t.Errorf("%s made %q", method, r.Text)
				}
			}
		}
		if n == 0 || float64(n) > want*float64(len(seeds)) || bad == n && method != "selfinstruct" {
			t.Errorf("%s: %d records, %d failed, at most %v expected", method, n, bad, want*float64(len(seeds)))
		}
	}
}

// Many workers at once make what one makes.
func TestConcurrent(t *testing.T) {
	seeds := seedsOf("please check my account today|a", "buy a new phone for the old price|b", "the order is late again and I am angry|a")
	for method, config := range map[string]string{"eda": "", "aeda": "",
		"columns": "{samples: 5, columns: [{name: a, int: {min: 0, max: 9}}, {name: b, expr: 'a * 2', type: int}, {name: c, fake: '{city}'}], text: '{{ b }} {{ c }} {{ text }}'}"} {
		g := open(t, method, config, seeds, nil)
		texts := func(s *schemas.Record) string {
			made, err := g.Generate(t.Context(), s)
			if err != nil {
				t.Error(err)
			}
			var all []string
			for _, r := range made {
				all = append(all, r.ID.String()+r.Text)
			}
			return strings.Join(all, "\n")
		}
		var want []string
		for _, s := range seeds {
			want = append(want, texts(s))
		}
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				if got := texts(seeds[i%3]); got != want[i%3] {
					t.Errorf("%s: %s\nnot %s", method, got, want[i%3])
				}
			})
		}
		wg.Wait()
	}
}

func BenchmarkEDA(b *testing.B) {
	seeds := seedsOf("I still have not received my new card, I ordered it over a week ago and need help to track the delivery|card_arrival")
	g := open(b, "eda", "", seeds, nil)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		made, err := g.Generate(b.Context(), seeds[0])
		if err != nil {
			b.Fatal(err)
		}
		n += len(made)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
