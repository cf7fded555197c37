package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AddedToken is a token that is cut out of a text before anything else happens to it.
type AddedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // not inside a word
	LStrip     bool   `json:"lstrip"`      // takes the white space before it
	RStrip     bool   `json:"rstrip"`      // takes the white space behind it
	Normalized bool   `json:"normalized"`  // is looked for, normalised, in the normalised text
	Special    bool   `json:"special"`     // left out by Decode when asked
}

// normalized returns the text that is looked for.
func (a AddedToken) normalized(norm normalizer) string {
	if !a.Normalized || norm == nil {
		return a.Content
	}
	txt := newText(a.Content, 0, nil)
	norm.normalize(&txt)
	return txt.segment(false).s
}

// addedTokens finds added tokens: at each place the longest, as an Aho-Corasick automaton of the leftmost-longest
// kind would. There are few of them, so the first byte of a match leads straight to the candidates.
type addedTokens struct {
	raw        [256][]needle // looked for in the original
	normalized [256][]needle // looked for in the normalised text
	hasRaw     bool
	hasNorm    bool
}

type needle struct {
	content string
	token   AddedToken
}

// newAddedTokens sorts the tokens in; norm, which may be nil, is applied to those that want it.
func newAddedTokens(tokens []AddedToken, norm normalizer) *addedTokens {
	a := &addedTokens{}
	for _, t := range tokens {
		n := needle{t.normalized(norm), t}
		to := &a.raw
		if t.Normalized {
			to = &a.normalized
		}
		if n.content == "" {
			continue
		}
		a.hasRaw, a.hasNorm = a.hasRaw || !t.Normalized, a.hasNorm || t.Normalized
		to[n.content[0]] = append(to[n.content[0]], n)
	}
	for b := range 256 {
		for _, list := range [][]needle{a.raw[b], a.normalized[b]} {
			slices.SortStableFunc(list, func(x, y needle) int { return len(y.content) - len(x.content) })
		}
	}
	return a
}

// find calls emit with the parts of s, in order: texts with token nil, and the tokens.
func find(needles *[256][]needle, s string, emit func(lo, hi int, t *AddedToken)) {
	done := 0 // s[:done] has been given away
	for i := 0; i < len(s); {
		n := longest(needles[s[i]], s[i:])
		if n == nil {
			i++
			continue
		}
		lo, hi := i, i+len(n.content)
		i = hi
		if n.token.SingleWord && (endsWithWord(s[:lo]) || startsWithWord(s[hi:])) {
			continue
		}
		if n.token.LStrip {
			lo = max(len(strings.TrimRightFunc(s[:lo], unicode.IsSpace)), done)
		}
		if n.token.RStrip {
			hi = len(s) - len(strings.TrimLeftFunc(s[hi:], unicode.IsSpace))
		}
		if done < lo {
			emit(done, lo, nil)
		}
		emit(lo, hi, &n.token)
		done = hi
	}
	if done < len(s) {
		emit(done, len(s), nil)
	}
}

func longest(list []needle, s string) *needle {
	for i := range list {
		if strings.HasPrefix(s, list[i].content) {
			return &list[i]
		}
	}
	return nil
}

func endsWithWord(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && sharedClasses().of(r)&wordish != 0
}

func startsWithWord(s string) bool {
	if s == "" {
		return false
	}
	k, _ := sharedClasses().at(s, 0)
	return k&wordish != 0
}
