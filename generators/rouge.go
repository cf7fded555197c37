package generators

import (
	"strings"
	"unicode"
)

// tokenize cuts a text for ROUGE: lower case, maximal runs of letters and digits.
func tokenize(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// rougeL is the F-measure of ROUGE-L: with l the length of the longest common subsequence, 2·l / (len(a) + len(b)).
//
//	the cat sat down, the cat lay down   →   l = 3 (the cat down), 6/8 = 0.75
//
// Source: Lin: ROUGE: A Package for Automatic Evaluation of Summaries, 2004; F with equal weights, as Self-Instruct uses it.
func rougeL(a, b []string) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	row := make([]int, len(b)+1) // row[j]: common subsequence of a[:i] and b[:j]
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			up := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			diagonal = up
		}
	}
	return 2 * float64(row[len(b)]) / float64(len(a)+len(b))
}

// rougeBound is the most that rougeL can be, from lengths alone: it spares most of the comparisons.
func rougeBound(a, b []string) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	return 2 * float64(min(len(a), len(b))) / float64(len(a)+len(b))
}
