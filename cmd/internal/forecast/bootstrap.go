package forecast

import (
	"math/rand/v2"
	"slices"

	"sluice/pipeline"
	"sluice/schemas"
)

// Outcome is what became of one seed: rows in the dataset, those of them that were made, and what models took for all that
// came of the seed, rejected rows included.
type Outcome struct {
	Rows, Made   float64
	Tokens, Cost float64 // Cost in pico-units
}

// Outcomes sums up by seed what a preview did.
func Outcomes(t *pipeline.Tried) []Outcome {
	root := map[schemas.ID]int{}
	out := make([]Outcome, len(t.Survey.Sample))
	for i, s := range t.Survey.Sample {
		root[s.ID] = i
	}
	// A record's parent may itself have been rejected, so rejects are looked through too; parents come first in depth.
	type row struct {
		r  *schemas.Record
		in bool
	}
	var rows []row
	for _, r := range t.Records {
		rows = append(rows, row{r, true})
	}
	for _, x := range t.Rejects {
		rows = append(rows, row{x.Record, false})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return a.r.Origin.Depth - b.r.Origin.Depth })
	for _, x := range rows {
		i, ok := root[x.r.ID]
		for p := 0; !ok && p < len(x.r.Origin.Parents); p++ {
			i, ok = root[x.r.Origin.Parents[p]]
		}
		if !ok {
			continue
		}
		root[x.r.ID] = i
		o := &out[i]
		o.Tokens += float64(x.r.Origin.PromptTokens + x.r.Origin.CompletionTokens)
		o.Cost += float64(x.r.Origin.Cost)
		if x.in {
			o.Rows++
			if x.r.Origin.Depth > 0 {
				o.Made++
			}
		}
	}
	return out
}

// Interval holds 80 % of what resamples say, and what the sample itself says.
type Interval struct{ Low, Mid, High float64 }

// Whole is what the whole run will come to, as far as a few seeds can tell.
type Whole struct {
	Visits                   Interval // of seeds by generators
	Rows, Made, Tokens, Cost Interval
	Unreachable              bool // a target, but no row was accepted
}

// resamples of a bootstrap: enough for the tenth and the ninetieth percentile to stand still to about 1 %.
const resamples = 2000

// Extrapolate takes outcomes to seeds, or to the made rows wanted where that is above 0, with an interval from a percentile
// bootstrap over seeds (Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13). The same outcomes give
// the same answer.
//
//	10 seeds that gave 4 rows each, 1,000 seeds: 4,000 rows, from 4,000 to 4,000
func Extrapolate(outcomes []Outcome, seeds, wanted float64) Whole {
	n := len(outcomes)
	if n == 0 {
		return Whole{}
	}
	mid, reachable := extend(mean(outcomes, nil), seeds, wanted)
	if !reachable {
		return Whole{Unreachable: true}
	}
	rng := rand.New(rand.NewPCG(uint64(n), 80))
	pick := make([]int, n)
	var runs [5][]float64
	for range resamples {
		for i := range pick {
			pick[i] = rng.IntN(n)
		}
		v, reachable := extend(mean(outcomes, pick), seeds, wanted)
		if !reachable {
			continue // a resample without any accepted row says nothing of how many visits it takes
		}
		for i := range runs {
			runs[i] = append(runs[i], v[i])
		}
	}
	var w Whole
	for i, to := range []*Interval{&w.Visits, &w.Rows, &w.Made, &w.Tokens, &w.Cost} {
		slices.Sort(runs[i])
		*to = Interval{quantile(runs[i], .1), mid[i], quantile(runs[i], .9)}
	}
	return w
}

// mean averages the outcomes picked; nil: all.
func mean(outcomes []Outcome, pick []int) (m Outcome) {
	add := func(o Outcome) {
		m.Rows += o.Rows
		m.Made += o.Made
		m.Tokens += o.Tokens
		m.Cost += o.Cost
	}
	if pick == nil {
		for _, o := range outcomes {
			add(o)
		}
	}
	for _, i := range pick {
		add(outcomes[i])
	}
	n := float64(len(outcomes))
	return Outcome{m.Rows / n, m.Made / n, m.Tokens / n, m.Cost / n}
}

// extend scales a mean outcome: to all seeds, or to as many visits as give the rows wanted.
func extend(m Outcome, seeds, wanted float64) (v [5]float64, reachable bool) {
	visits := seeds
	if wanted > 0 {
		if m.Made == 0 {
			return v, false
		}
		visits = wanted / m.Made
	}
	v = [5]float64{visits, visits * m.Rows, visits * m.Made, visits * m.Tokens, visits * m.Cost}
	if wanted > 0 { // seeds are stored once, however often they are visited
		v[1] = wanted + seeds*(m.Rows-m.Made)
	}
	return v, true
}

// quantile of sorted values, by the nearest rank.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
