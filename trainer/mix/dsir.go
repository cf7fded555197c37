package mix

import (
	"fmt"
	"iter"
	"math"
)

// DSIR gives domains the shares that they have in a resample of all records by importance for a target domain (arXiv 2302.03169): of all records long
// enough, the share Take is drawn by their weights, and a domain's examples count by the part of its records that was drawn. [Importance] and
// [Resample] do the same for single records.
type DSIR struct {
	Deal   `yaml:"-"`
	Target string  `yaml:"target"` // name of the domain to resemble
	Take   float64 `yaml:"take"`   // share of the records to draw
	Words  int     `yaml:"words"`  // records with fewer words are left out

	drawn []float64 // part of every domain's records
}

// Open implements [Opener].
func (d *DSIR) Open(env Env) error {
	if !(d.Take > 0 && d.Take < 1) || d.Words < 0 {
		return fmt.Errorf("take lies between 0 and 1 and words is 0 or more, not %v and %d", d.Take, d.Words)
	}
	if env.Records == nil {
		return errNoRecords
	}
	target := -1
	for i, domain := range env.Domains {
		if domain.Name == d.Target {
			target = i
		}
	}
	if d.Target == "" {
		return fmt.Errorf("target is missing: name the domain to resemble")
	}
	if target < 0 {
		return fmt.Errorf("target: there is no domain %q", d.Target)
	}
	var failed error
	texts := func(domains ...int) iter.Seq[string] {
		return func(yield func(string) bool) {
			for _, i := range domains {
				for r, err := range env.Records(i) {
					if err != nil {
						failed = err
						return
					}
					if !yield(content(r)) {
						return
					}
				}
			}
		}
	}
	all := make([]int, len(env.Domains))
	for i := range all {
		all[i] = i
	}
	m := NewImportance(texts(target), texts(all...))
	var weight []float64
	var from []int
	records := make([]float64, len(all))
	for i := range all {
		for t := range texts(i) {
			w, words := m.LogWeight(t)
			if records[i]++; words < d.Words {
				w = math.Inf(-1)
			}
			weight, from = append(weight, w), append(from, i)
		}
	}
	if failed != nil {
		return failed
	}
	d.drawn = make([]float64, len(all))
	picked := Resample(weight, int(math.Ceil(d.Take*float64(len(weight)))), env.Seed)
	if len(picked) == 0 {
		return fmt.Errorf("no record has %d words: lower words", d.Words)
	}
	for _, n := range picked {
		d.drawn[from[n]] += 1 / records[from[n]]
	}
	w := make([]float64, len(all))
	for i, domain := range env.Domains {
		w[i] = float64(domain.Examples) * d.drawn[i]
	}
	d.Set(w, env)
	return nil
}

// Explain implements [Explainer].
func (d *DSIR) Explain(domain int) string {
	return fmt.Sprintf("%.1f %% of its records were drawn", 100*d.drawn[domain])
}
