package generators

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// words is a text as words and what stands between them: text == lead + word[0] + gap[0] + word[1] + gap[1] + …
type words struct {
	lead string
	word []string
	gap  []string // after each word
}

// split cuts a text at white space. " a  b\n" → lead " ", words a, b, gaps "  ", "\n".
func split(text string) *words {
	w := &words{}
	rest := strings.TrimLeftFunc(text, unicode.IsSpace)
	w.lead = text[:len(text)-len(rest)]
	for rest != "" {
		n := strings.IndexFunc(rest, unicode.IsSpace)
		if n < 0 {
			n = len(rest)
		}
		w.word = append(w.word, rest[:n])
		after := strings.TrimLeftFunc(rest[n:], unicode.IsSpace)
		w.gap = append(w.gap, rest[n:len(rest)-len(after)])
		rest = after
	}
	return w
}

func (w *words) String() string {
	var b strings.Builder
	b.WriteString(w.lead)
	for i := range w.word {
		b.WriteString(w.word[i])
		b.WriteString(w.gap[i])
	}
	return b.String()
}

func (w *words) clone() *words {
	return &words{w.lead, append([]string(nil), w.word...), append([]string(nil), w.gap...)}
}

// insert puts a word before word i; i == len(word) puts it at the end.
func (w *words) insert(i int, word string) {
	gap := " "
	if i == len(w.word) {
		if i == 0 {
			gap = ""
		} else {
			gap, w.gap[i-1] = w.gap[i-1], " "
		}
	}
	w.word = append(w.word[:i], append([]string{word}, w.word[i:]...)...)
	w.gap = append(w.gap[:i], append([]string{gap}, w.gap[i:]...)...)
}

// remove takes word i out, with the gap after it; the last word takes the gap before it.
func (w *words) remove(i int) {
	if i == len(w.word)-1 && i > 0 {
		w.gap[i-1] = w.gap[i]
	}
	w.word = append(w.word[:i], w.word[i+1:]...)
	w.gap = append(w.gap[:i], w.gap[i+1:]...)
}

// core returns where the letters of a word are: "(Hello," → 1, 6. Punctuation at its ends stays in place when a word is replaced.
func core(word string) (start, end int) {
	start = strings.IndexFunc(word, isLetter)
	if start < 0 {
		return 0, 0
	}
	end = strings.LastIndexFunc(word, isLetter)
	_, n := utf8.DecodeRuneInString(word[end:])
	return start, end + n
}

// withCore is word with the core of other: "(Hello," and "you?" → "(you,".
func withCore(word, other string) string {
	a, b := core(word)
	c, d := core(other)
	return word[:a] + other[c:d] + word[b:]
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// inCase writes s in the case of model: HELLO → ALL, Hello → All, hello → all.
func inCase(s, model string) string {
	first, n := utf8.DecodeRuneInString(model)
	switch {
	case utf8.RuneCountInString(model) > 1 && strings.ToUpper(model) == model && strings.ToLower(model) != model:
		return strings.ToUpper(s)
	case n > 0 && unicode.IsUpper(first):
		r, n := utf8.DecodeRuneInString(s)
		return string(unicode.ToUpper(r)) + s[n:]
	}
	return s
}
