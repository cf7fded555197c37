package forecast

import (
	"math/rand/v2"
	"testing"

	"sluice/pipeline"
	"sluice/schemas"
)

// Equal outcomes leave nothing open; a target is met by as many visits as it takes.
func TestExtrapolateExact(t *testing.T) {
	same := make([]Outcome, 10)
	for i := range same {
		same[i] = Outcome{Rows: 5, Made: 4, Tokens: 100, Cost: 7}
	}
	w := Extrapolate(same, 1000, 0)
	if w.Rows != (Interval{5000, 5000, 5000}) || w.Tokens.Mid != 100_000 || w.Cost.High != 7000 || w.Visits.Mid != 1000 {
		t.Errorf("1,000 seeds: %+v", w)
	}
	w = Extrapolate(same, 1000, 8000)
	if w.Visits.Mid != 2000 || w.Made != (Interval{8000, 8000, 8000}) || w.Rows.Mid != 9000 || w.Cost.Mid != 14_000 {
		t.Errorf("8,000 made rows take 2,000 visits and 1,000 seeds are stored once: %+v", w)
	}
	if w := Extrapolate([]Outcome{{Rows: 1}}, 1000, 10); !w.Unreachable {
		t.Errorf("no made row was accepted: %+v", w)
	}
	if w := Extrapolate(nil, 0, 0); w != (Whole{}) {
		t.Errorf("nothing of nothing: %+v", w)
	}
}

// The interval holds the truth about as often as it says: samples of 30 from a known distribution.
func TestIntervalCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	held := 0
	const trials, truth = 300, 2.5 // mean of 0 … 5
	for range trials {
		xs := make([]Outcome, 30)
		for i := range xs {
			xs[i].Rows = float64(rng.IntN(6))
		}
		w := Extrapolate(xs, 100, 0)
		if w.Rows.Low <= 100*truth && 100*truth <= w.Rows.High {
			held++
		}
		if w.Rows.Low > w.Rows.Mid || w.Rows.Mid > w.Rows.High {
			t.Fatalf("the interval %+v does not hold its middle", w.Rows)
		}
	}
	if share := float64(held) / trials; share < .70 || share > .90 {
		t.Errorf("the interval held the truth in %.0f %% of samples, want about 80 %%", 100*share)
	}
}

// Rows are booked on the seed they descend from, over rejected parents too.
func TestOutcomes(t *testing.T) {
	seed := func(n int64) *schemas.Record { return &schemas.Record{ID: schemas.SeedID("s", n)} }
	a, b := seed(1), seed(2)
	child := a.Child("x", 0, 0)
	child.Origin.Cost, child.Origin.PromptTokens, child.Origin.CompletionTokens = 10, 3, 4
	grand := child.Child("y", 0, 0)
	grand.Origin.Cost = 5
	other := b.Child("x", 0, 0)
	other.Origin.Cost = 2
	stranger := seed(9).Child("x", 0, 0)
	got := Outcomes(&pipeline.Tried{
		Survey:  &pipeline.Survey{Sample: []*schemas.Record{a, b}},
		Records: []*schemas.Record{grand, a, stranger},
		Rejects: []pipeline.Reject{{Record: child}, {Record: b}, {Record: other}},
	})
	want := []Outcome{{Rows: 2, Made: 1, Tokens: 7, Cost: 15}, {Cost: 2}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
