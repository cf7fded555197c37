package trainer

import (
	"cmp"
	"math"
	"slices"
)

// A Class is what a classifier is worth on one label.
type Class struct {
	Label     string  `json:"label"`
	Rows      int     `json:"rows"` // that truly have it
	Said      int     `json:"said"` // for which the model says it
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// A Confusion is a kind of mistake.
type Confusion struct {
	Is   string `json:"is"`
	Said string `json:"said"`
	Rows int    `json:"rows"`
}

// An Interval is that of Wilson (1927), 95 %: where the share of right answers lies of which hits were seen in rows,
//
//	(p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n),   z = 1.96
//
// Example: 27 of 30 are .9, and the interval is .744 to .965.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func wilson(hits, rows int) *Interval {
	if rows == 0 {
		return nil
	}
	const z = 1.959963984540054
	n := float64(rows)
	p := float64(hits) / n
	middle, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return &Interval{max(0, (middle-half)/(1+z*z/n)), min(1, (middle+half)/(1+z*z/n))}
}

// mostConfused is how many kinds of mistakes are told.
const mostConfused = 20

// A tally counts right and wrong answers by label.
type tally struct {
	labels          []string
	right, said, is []int
	hits            int
	wrong           map[[2]int]int // true and said label
}

func newTally(labels []string) *tally {
	n := len(labels)
	return &tally{labels: labels, right: make([]int, n), said: make([]int, n), is: make([]int, n), wrong: map[[2]int]int{}}
}

// add counts a row of one label.
func (t *tally) add(is, said int) {
	t.is[is]++
	t.said[said]++
	if is == said {
		t.right[is]++
		t.hits++
		return
	}
	t.wrong[[2]int{is, said}]++
}

// set counts one label of a row that may have several.
func (t *tally) set(label int, is, said bool) {
	if is {
		t.is[label]++
	}
	if said {
		t.said[label]++
	}
	if is && said {
		t.right[label]++
	}
}

// tell puts the counts into a result; whole is the number of rows that are right as a whole.
func (res *Result) tell(t *tally, whole int) {
	res.Accuracy, res.Interval = float64(whole)/float64(max(1, res.Rows)), wilson(whole, res.Rows)
	n := 0
	for k, label := range t.labels {
		if t.is[k]+t.said[k] == 0 {
			continue
		}
		c := Class{Label: label, Rows: t.is[k], Said: t.said[k], Precision: share(t.right[k], t.said[k]), Recall: share(t.right[k], t.is[k]),
			F1: share(2*t.right[k], t.said[k]+t.is[k])}
		res.Labels = append(res.Labels, c)
		res.MacroF1 += c.F1
		n++
	}
	res.MacroF1 /= float64(max(1, n))
}

func share(part, of int) float64 { return float64(part) / float64(max(1, of)) }

// confused lists the mistakes that occur most.
func (t *tally) confused() (out []Confusion) {
	for pair, n := range t.wrong {
		out = append(out, Confusion{t.labels[pair[0]], t.labels[pair[1]], n})
	}
	slices.SortFunc(out, func(a, b Confusion) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Is, b.Is), cmp.Compare(a.Said, b.Said))
	})
	return out[:min(len(out), mostConfused)]
}
