// Package catalog maps the names that recipes use to constructors of components. A catalog is a
// plain map written down in one file of each role's package; nothing registers itself.
package catalog

import (
	"cmp"
	"slices"
)

// Catalog maps a component's short name, which is its file name without .go, to a
// constructor that returns it with all defaults set.
type Catalog[T any] map[string]func() T

// Names returns the names in alphabetical order.
func (c Catalog[T]) Names() []string {
	names := make([]string, 0, len(c))
	for n := range c {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Nearest returns the candidate closest to name by edit distance, or "" when none is near enough to be a typo.
func Nearest(name string, candidates []string) string {
	best, at := "", 1+max(2, len(name)/3)
	for _, c := range slices.SortedFunc(slices.Values(candidates), cmp.Compare[string]) {
		if d := distance(name, c); d < at {
			best, at = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes: distance("lenght", "length") == 2.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
