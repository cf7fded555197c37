package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// families makes rows that say their family's word and have its label, which is drawn by lot: only a model that saw the family knows.
func families(n, size int, seed uint64) (rows []Row) {
	rng := rand.New(rand.NewPCG(seed, 5))
	for f := range n {
		label := topicNames[rng.IntN(2)]
		for k := range size {
			rows = append(rows, Row{Text: say(rng, fmt.Sprintf("family%d", f)), Labels: []string{label}, Family: fmt.Sprint(f), Seed: k == 0})
		}
	}
	return rows
}

func accuracy(p *Probs, rows []Row, take func(Row) bool) float64 {
	right, all := 0, 0
	for i, r := range rows {
		if !take(r) {
			continue
		}
		all++
		if l, _ := p.Best(i); l == r.Labels[0] {
			right++
		}
	}
	return float64(right) / float64(all)
}

func TestFamiliesStayTogether(t *testing.T) {
	rows := families(120, 4, 1)
	c := small()
	c.C, c.CharMin, c.CharMax = 100, 0, 0
	c.Words = 1
	any := func(Row) bool { return true }
	p, fold, err := OutOfFold(t.Context(), rows, c)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if fold[i] != fold[i/4*4] {
			t.Fatalf("family %s lies in folds %d and %d", r.Family, fold[i/4*4], fold[i])
		}
	}
	if a := accuracy(p, rows, any); a > .65 {
		t.Errorf("accuracy %.2f on labels drawn by lot: a fold saw its own families", a)
	}
	// Seeds in every training part betray their children's labels, but not their own.
	c.SeedsStay = true
	if p, _, err = OutOfFold(t.Context(), rows, c); err != nil {
		t.Fatal(err)
	}
	if a := accuracy(p, rows, func(r Row) bool { return !r.Seed }); a < .9 {
		t.Errorf("accuracy %.2f on made rows whose seeds were in training", a)
	}
	if a := accuracy(p, rows, func(r Row) bool { return r.Seed }); a > .65 {
		t.Errorf("accuracy %.2f on seeds: they were judged by models that saw them", a)
	}
	// Without names every row is a family of its own.
	c.SeedsStay = false
	for i := range rows {
		rows[i].Family = ""
	}
	if p, _, err = OutOfFold(t.Context(), rows, c); err != nil {
		t.Fatal(err)
	}
	if a := accuracy(p, rows, any); a < .9 {
		t.Errorf("accuracy %.2f without families, want nearly 1: relatives are in training", a)
	}
}

// Every fold has its share of every label, and of all rows.
func TestFoldsAreStratified(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var rows []Row
	for f := range 200 {
		label := topicNames[min(3, f%7)]
		for range 1 + rng.IntN(5) {
			rows = append(rows, Row{Text: "x", Labels: []string{label}, Family: fmt.Sprint(f)})
		}
	}
	d, err := newData(rows, small())
	if err != nil {
		t.Fatal(err)
	}
	fold := d.folds(d.all(), 4)
	for _, l := range topicNames {
		var by [4]int
		n := 0
		for i, r := range rows {
			if r.Labels[0] == l {
				by[fold[i]]++
				n++
			}
		}
		for k, got := range by {
			if got < n/4-5 || got > n/4+5 {
				t.Errorf("label %s has %d of %d rows in fold %d", l, got, n, k)
			}
		}
	}
	if again := d.folds(d.all(), 4); !slices.Equal(fold, again) {
		t.Error("folds change from call to call")
	}
	d.c.Seed++
	if other := d.folds(d.all(), 4); slices.Equal(fold, other) {
		t.Error("the seed does not change the folds")
	}
}

// With labels that are mostly wrong, a strong penalty is best; tuning sees that and uses no row twice.
func TestTunesC(t *testing.T) {
	rows := topicRows(240, .75, 9)
	c := small()
	c.C, c.Grid = 0, []float64{.03, 100}
	_, r := mustTrain(t, rows, c)
	if len(r.Tried) != 2 || r.Held == nil {
		t.Fatalf("report %+v", r)
	}
	if r.Tried[0].LogLoss >= r.Tried[1].LogLoss {
		t.Errorf("tried %+v: C = 100 should be worse on noise", r.Tried)
	}
	best := r.Tried[0]
	if r.Tried[1].Accuracy > best.Accuracy {
		best = r.Tried[1]
	}
	if r.C != best.C || r.Held.Accuracy != best.Accuracy {
		t.Errorf("chose C = %v of %+v", r.C, r.Tried)
	}
	// Out of fold, each fold tunes on its own training part; the result is no better than chance allows.
	p, _, err := OutOfFold(t.Context(), topicRows(240, 1, 10), c)
	if err != nil {
		t.Fatal(err)
	}
	if a := accuracy(p, topicRows(240, 1, 10), func(Row) bool { return true }); a > .4 {
		t.Errorf("accuracy %.2f on labels without meaning, want about .25", a)
	}
}

func TestMixup(t *testing.T) {
	rows := topicRows(80, 0, 4)
	c := small()
	c.Mixup = 2
	_, r := mustTrain(t, rows, c)
	if r.Mixed != 160 {
		t.Errorf("%d mixed rows of 80, want 160", r.Mixed)
	}
	d, err := newData(rows, c)
	if err != nil {
		t.Fatal(err)
	}
	p := d.newPart(d.all())
	x, target := p.problem.x, p.problem.loss.(softmax)
	for i := 80; i < x.rows(); i++ {
		col, val := x.row(i)
		norm, seen := 0.0, map[uint32]bool{}
		for k, v := range val {
			norm += float64(v) * float64(v)
			if seen[col[k]] {
				t.Fatalf("mixed row %d has column %d twice", i, col[k])
			}
			seen[col[k]] = true
		}
		if norm <= 0 || norm > 1.0001 {
			t.Errorf("mixed row %d has squared length %.4f: not between two unit rows", i, norm)
		}
		if w := p.problem.weight[i]; w != 1 {
			t.Errorf("mixed row %d of weights 1 has weight %v", i, w)
		}
	}
	if len(target) != x.rows() {
		t.Fatalf("%d targets for %d rows", len(target), x.rows())
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var sum, square float64
	const n = 20000
	for range n {
		b := beta(rng, mixupBeta)
		sum, square = sum+b, square+b*b
	}
	// Beta(a, a) has the mean 1/2 and the variance 1/(4(2a+1)).
	mean, variance := sum/n, square/n-sum*sum/n/n
	if mean < .49 || mean > .51 || variance < .135 || variance > .143 {
		t.Errorf("Beta(.4, .4): mean %.4f, variance %.4f, want .5 and .1389", mean, variance)
	}
}
