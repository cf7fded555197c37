package linear

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// folds deals the chosen rows into k parts, stratified by label, families whole. A family counts as one of its first row's rarest
// label. It gives the fold of every chosen row.
//
// Example: eight rows, families of two, labels a a a a b b b b, two folds: each fold gets one family of a and one of b.
func (d *data) folds(rows []int, k int) []int {
	type family struct {
		label int32
		rows  []int // positions in rows
	}
	var families []*family
	byName := map[string]*family{}
	frequency := make([]int, len(d.labels))
	for _, i := range rows {
		for _, l := range d.target[i] {
			frequency[l]++
		}
	}
	for pos, i := range rows {
		name := d.rows[i].Family
		f := byName[name]
		if f == nil || name == "" {
			f = &family{label: -1}
			if t := d.target[i]; len(t) > 0 {
				f.label = slices.MinFunc(t, func(a, b int32) int { return cmp.Or(cmp.Compare(frequency[a], frequency[b]), cmp.Compare(a, b)) })
			}
			families = append(families, f)
			if name != "" {
				byName[name] = f
			}
		}
		f.rows = append(f.rows, pos)
	}
	rng := rand.New(rand.NewPCG(d.c.Seed, 0x666f6c64))
	rng.Shuffle(len(families), func(i, j int) { families[i], families[j] = families[j], families[i] })
	// Large families first: the small ones even the sizes out.
	slices.SortStableFunc(families, func(a, b *family) int {
		return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(len(b.rows), len(a.rows)))
	})
	fold := make([]int, len(rows))
	total := make([]int, k)
	of := make([]int, k) // rows of the current label
	for n, f := range families {
		if n == 0 || families[n-1].label != f.label {
			clear(of)
		}
		best := 0
		for j := 1; j < k; j++ {
			if cmp.Or(cmp.Compare(of[j], of[best]), cmp.Compare(total[j], total[best])) < 0 {
				best = j
			}
		}
		for _, pos := range f.rows {
			fold[pos] = best
		}
		of[best] += len(f.rows)
		total[best] += len(f.rows)
	}
	return fold
}
