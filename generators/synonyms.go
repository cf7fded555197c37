package generators

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// synonymsOf returns words that can stand for word, in lower case; none for stop words and words outside the table.
func synonymsOf(word string) []string { return synonymTable()[strings.ToLower(word)] }

// synonymTable maps each word to the others of its groups, in the order of the table.
var synonymTable = sync.OnceValue(func() map[string][]string {
	t := map[string][]string{}
	for line := range strings.Lines(synonymGroups) {
		group := strings.Fields(line)
		for i, w := range group {
			for j, s := range group {
				if i != j && !slices.Contains(t[w], s) {
					t[w] = append(t[w], s)
				}
			}
		}
	}
	return t
})

// synonymGroups are words that can stand for one another in most everyday sentences: a group a line, each line in one
// form (infinitive, past, plural), so that a replacement stays grammatical. Written for this program.
//
//go:embed synonyms.txt
var synonymGroups string
