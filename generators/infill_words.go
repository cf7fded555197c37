package generators

import (
	"cmp"
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"sluice/schemas"
)

// counted is what the seeds say of words: how often each occurs, in which spelling, and which of them stand in label names.
type counted struct {
	texts, total int
	words        map[string]*spelled // by lower case
	labels       map[string]bool     // words of label names
}

// spelled counts one word.
type spelled struct {
	n     int
	forms map[string]int // spellings behind the first word of a text, whose capital says nothing
}

func newCounted() *counted {
	return &counted{words: map[string]*spelled{}, labels: map[string]bool{}}
}

// add counts the words of a seed.
func (c *counted) add(r *schemas.Record) {
	c.texts++
	for _, label := range r.Labels {
		for _, w := range nameWords(label) {
			c.labels[w] = true
		}
	}
	for i, word := range strings.Fields(r.Text) {
		c.total++
		start, end := core(word)
		if word = word[start:end]; !letters(word) {
			continue
		}
		lower := strings.ToLower(word)
		s := c.words[lower]
		if s == nil {
			s = &spelled{forms: map[string]int{}}
			c.words[strings.Clone(lower)] = s
		}
		if s.n++; i > 0 {
			s.forms[strings.Clone(word)]++
		}
	}
}

// form is the usual spelling of a word.
func (s *spelled) form(lower string) string {
	best := lower
	for _, f := range slices.Sorted(maps.Keys(s.forms)) {
		if n := cmp.Compare(s.forms[f], s.forms[best]); n > 0 {
			best = f
		}
	}
	return best
}

// insertable lists the words that may be inserted, sorted: least times or more in the seeds, no stop words, nothing of exclude or of label names.
func (c *counted) insertable(least int, exclude []string) []string {
	barred := maps.Clone(stopWords())
	for _, w := range exclude {
		barred[strings.ToLower(w)] = true
	}
	var out []string
	for w, s := range c.words {
		if s.n >= least && utf8.RuneCountInString(w) > 1 && !barred[w] && !c.likeLabel(w) {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return out
}

// likeLabel tells whether a word is of a label name, or a form of one: they share their first letters, four and three quarters of the shorter
// word at the least, as delivered does with delivery.
func (c *counted) likeLabel(word string) bool {
	if c.labels[word] {
		return true
	}
	for l := range c.labels {
		n := 0
		for n < min(len(l), len(word)) && l[n] == word[n] {
			n++
		}
		if shared := utf8.RuneCountInString(word[:n]); shared >= 4 && 4*n >= 3*min(len(l), len(word)) {
			return true
		}
	}
	return false
}

// nameWords cuts a label name: "card_arrival" and "cardArrival" are card, arrival.
func nameWords(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r):
			r = ' '
		case lower && unicode.IsUpper(r):
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

// letters tells whether a word is letters alone.
func letters(word string) bool {
	return word != "" && strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

// stopWords are English words that say little by themselves, and pieces that contractions leave.
var stopWords = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(stopWordList) {
		m[w] = true
	}
	return m
})

//go:embed stopwords.txt
var stopWordList string
