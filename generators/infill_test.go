package generators

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/pipeline"
	"sluice/schemas"
)

// requests are seeds of a small grammar, two labels.
func requests(n int) (rs []*schemas.Record) {
	rng := rand.New(rand.NewPCG(1, 2))
	who, what := []string{"courier", "Neighbour", "driver", "shop"}, []string{"parcel", "table", "jacket", "order", "Hamburg box"}
	how, when := []string{"quickly", "slowly", "gladly"}, []string{"Monday", "Tuesday", "Friday"}
	pick := func(of []string) string { return of[rng.IntN(len(of))] }
	for i := range n {
		label, verb := "refund", "returned"
		if i%2 == 0 {
			label, verb = "DeliveryTime", "carried"
		}
		text := fmt.Sprintf("The %s %s our %s %s on %s, and it wasn't refunded or delivered 24 times!", pick(who), verb, pick(what), pick(how), pick(when))
		r := &schemas.Record{Text: text, Labels: []string{label}}
		r.ID, r.Origin.Source, r.Origin.Row = schemas.SeedID("in.jsonl", int64(i)), "in.jsonl", int64(i)
		rs = append(rs, r)
	}
	return rs
}

func fitted(t *testing.T, config string, seeds []*schemas.Record) *Infill {
	t.Helper()
	f := open(t, "infill", config, seeds, nil).(*Infill)
	if err := f.Fit(t.Context(), recordsOf(seeds)); err != nil {
		t.Fatal(err)
	}
	return f
}

func made(t *testing.T, f *Infill, seed *schemas.Record) []*schemas.Record {
	t.Helper()
	out, err := f.Generate(t.Context(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// inserted takes out of made what seed does not hold, in order; ok is false where anything else differs.
func inserted(seed, made string) (words []string, ok bool) {
	a, b := strings.Fields(seed), strings.Fields(made)
	for _, w := range b {
		if len(a) > 0 && w == a[0] {
			a = a[1:]
		} else {
			words = append(words, w)
		}
	}
	return words, len(a) == 0
}

// Copies are the seed with so many whole words of the seeds put in, and never one that is barred.
func TestInfillInsertsWordsAlone(t *testing.T) {
	seeds := requests(60)
	long := *seeds[0]
	long.Text = strings.Repeat("shop driver Tuesday quickly ", 60) + "\n end" // several rows of the model
	seeds = append(seeds, &long)
	f := fitted(t, "{copies: 6, top_k: 8, steps: 20, share: 0.2, exclude: [Gladly]}", seeds)
	seen := map[string]int{}
	for _, s := range seeds {
		before := s.Text
		out := made(t, f, s)
		if s.Text != before {
			t.Fatal("the seed has changed")
		}
		if len(out) != f.Copies {
			t.Errorf("%d copies, want %d", len(out), f.Copies)
		}
		n := len(strings.Fields(s.Text))
		for _, r := range out {
			words, ok := inserted(s.Text, r.Text)
			if want := max(1, int(math.Round(.2*float64(n)))); !ok || len(words) == 0 || len(words) > want || n < 50 && len(words) != want {
				t.Errorf("%d new words %q, want %d; only insertions: %v\n%s\n%s", len(words), words, want, ok, s.Text, r.Text)
			}
			if !slices.Equal(r.Labels, s.Labels) || r.Origin.Depth != 1 || !slices.Equal(r.Origin.Parents, []schemas.ID{s.ID}) {
				t.Errorf("labels %v, origin %+v", r.Labels, r.Origin)
			}
			for _, w := range words {
				seen[w]++
			}
		}
	}
	for w := range seen {
		if !slices.Contains(strings.Fields("courier Neighbour driver shop parcel table jacket order Hamburg box quickly slowly Monday Tuesday Friday returned carried end"), w) {
			t.Errorf("%q was inserted: a piece, a stop word, punctuation, or a word of a label or of exclude", w)
		}
	}
	if len(seen) < 10 || seen["Hamburg"] == 0 {
		t.Errorf("few different words: %v", seen)
	}
}

// The same bytes with many workers, from what was kept, and with any number of threads in training; other runs' seeds give others.
func TestInfillIsAFunctionOfItsInputs(t *testing.T) {
	seeds := requests(40)
	const config = "{copies: 2, top_k: 8, steps: 12}"
	texts := func(f *Infill) []string {
		out := make([]string, len(seeds))
		var wg sync.WaitGroup
		for i, s := range seeds {
			wg.Go(func() {
				rs, err := f.Generate(t.Context(), s)
				if err != nil {
					t.Error(err)
				}
				for _, r := range rs {
					out[i] += r.Text + "\n"
				}
			})
		}
		wg.Wait()
		return out
	}
	f := fitted(t, config, seeds)
	want := make([]string, len(seeds))
	for i, s := range seeds {
		for _, r := range made(t, f, s) {
			want[i] += r.Text + "\n"
		}
	}
	if !slices.Equal(texts(f), want) {
		t.Error("concurrent calls give other texts")
	}
	kept, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, "infill", config, seeds, nil).(*Infill)
	if err := again.UnmarshalBinary(kept); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(texts(again), want) {
		t.Error("what was kept gives other texts")
	}
	threads := runtime.GOMAXPROCS(7)
	other := fitted(t, config, seeds)
	runtime.GOMAXPROCS(threads)
	if b, err := other.MarshalBinary(); err != nil || string(b) != string(kept) {
		t.Errorf("7 threads learn something else (%v)", err)
	}
	other.env = &pipeline.Env{Seed: 18, Stage: f.env.Stage}
	if slices.Equal(texts(other), want) {
		t.Error("another seed of the run gives the same texts")
	}
}

// What others have made is not learned from, and too little is refused with a remedy.
func TestInfillLearnsFromSeedsAlone(t *testing.T) {
	seeds := requests(40)
	child := seeds[0].Child("generators/eda", 0, 0)
	child.Text = strings.Repeat("pelican flamingo ", 50)
	f := open(t, "infill", "{top_k: 8, steps: 2}", seeds, nil).(*Infill)
	if err := f.Fit(t.Context(), recordsOf(append(slices.Clone(seeds), child))); err != nil {
		t.Fatal(err)
	}
	for _, w := range f.learned.words {
		if w.Text == "pelican" || w.Text == "flamingo" {
			t.Errorf("%q is of a made row", w.Text)
		}
	}
	for _, c := range []struct {
		seeds        []*schemas.Record
		config, want string
	}{
		{seeds[:19], "{top_k: 1}", "19 seeds with text are too few"},
		{append(slices.Clone(seeds[:19]), child), "{top_k: 1}", "19 seeds with text are too few"},
		{seeds, "{top_k: 50}", "hold 18 words that could be inserted, and top_k wants 50"},
		{seeds, "{top_k: 8, min_count: 99}", "hold 0 words"},
	} {
		err := open(t, "infill", c.config, c.seeds, nil).(*Infill).Fit(t.Context(), recordsOf(c.seeds))
		few, ok := errors.AsType[*fewError](err)
		if !ok || !strings.Contains(err.Error(), c.want) || few.Hint() == "" {
			t.Errorf("%s: %v, want %s", c.config, err, c.want)
		}
	}
	none := open(t, "infill", "", nil, nil).(*Infill)
	if err := none.Fit(t.Context(), recordsOf(nil)); err != nil {
		t.Errorf("no seeds: %v", err) // there may be some later
	}
	b, err := none.MarshalBinary()
	if err == nil {
		err = none.UnmarshalBinary(b)
	}
	if err != nil {
		t.Error(err)
	}
}
