package text

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words yields the words of s as the reference filters count them: the rules of the English tokenizer of spaCy 3, which datatrove
// counts by, without its rarest exceptions. White space parts; punctuation marks are words of their own; e-mail is e, -, mail; can't
// is ca, n't; 10km is 10, km; U.S., x=1 and web addresses are one word.
func Words(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for lo, hi := range wordSpans(s) {
			if !yield(s[lo:hi]) {
				return
			}
		}
	}
}

// Sentences yields the sentences of s, from their first word to their last: after . ! ? or the like, the next word
// that is neither punctuation nor an end mark begins one. An ellipsis or an abbreviation such as U.S. ends none.
func Sentences(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start, end := -1, 0
		ended := false
		for lo, hi := range wordSpans(s) {
			word := s[lo:hi]
			mark := isEndMark(word)
			if start >= 0 && ended && !mark && !isPunctuation(word) {
				if !yield(s[start:end]) {
					return
				}
				start, ended = -1, false
			}
			if start < 0 {
				start = lo
			}
			ended = ended || mark
			end = hi
		}
		if start >= 0 {
			yield(s[start:end])
		}
	}
}

func isEndMark(word string) bool {
	r, w := utf8.DecodeRuneInString(word)
	return w == len(word) && strings.ContainsRune(".!?。！？।؟…‼⁇⁈⁉", r) && r != '…'
}

func isPunctuation(word string) bool {
	for _, r := range word {
		if !unicode.IsPunct(r) {
			return false
		}
	}
	return true
}

// wordSpans yields where each word begins and ends.
func wordSpans(s string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		var words [][2]int
		for lo := 0; lo < len(s); {
			if w := spaceAt(s, lo); w > 0 {
				lo += w
				continue
			}
			hi := lo
			for hi < len(s) {
				if c := s[hi]; c > ' ' && c < utf8.RuneSelf {
					hi++
					continue
				}
				if spaceAt(s, hi) > 0 {
					break
				}
				_, w := utf8.DecodeRuneInString(s[hi:])
				hi += w
			}
			if plainWord(s[lo:hi]) {
				if !yield(lo, hi) {
					return
				}
				lo = hi
				continue
			}
			words = words[:0]
			chunk(s, lo, hi, func(lo, hi int) bool { words = append(words, [2]int{lo, hi}); return true })
			for i := 0; i < len(words); i++ {
				from := words[i][0]
				for j := min(i+4, len(words)-1); j > i; j-- {
					if joins(s[from:words[j][1]]) {
						i = j
						break
					}
				}
				if !yield(from, words[i][1]) {
					return
				}
			}
			lo = hi
		}
	}
}

// spaceAt returns the length of the white space character at i, or 0.
func spaceAt(s string, i int) int {
	if c := s[i]; c > ' ' && c < utf8.RuneSelf {
		return 0
	}
	r, w := utf8.DecodeRuneInString(s[i:])
	if IsSpace(r) {
		return w
	}
	return 0
}

// chunk yields the words of s[lo:hi], which holds no white space: marks are taken off both ends in turn, then the rest
// is cut inside. What [joins] is left to the caller.
func chunk(s string, lo, hi int, yield func(int, int) bool) bool {
	var behind [][2]int // marks taken off the end, last first
	for lo < hi {
		rest := s[lo:hi]
		if plainWord(rest) || exception(rest) > 0 {
			break
		}
		pre := prefix(rest)
		if pre > 0 && exception(rest[pre:]) > 0 {
			if !yield(lo, lo+pre) {
				return false
			}
			lo += pre
			break
		}
		suf := suffix(rest[pre:])
		if suf > 0 {
			behind = append(behind, [2]int{hi - suf, hi})
			hi -= suf
		}
		if pre > 0 && lo < hi {
			if !yield(lo, lo+pre) {
				return false
			}
			lo += pre
		}
		if pre == 0 && suf == 0 {
			break
		}
	}
	if !inside(s, lo, hi, yield) {
		return false
	}
	for i := len(behind) - 1; i >= 0; i-- {
		if !yield(behind[i][0], behind[i][1]) {
			return false
		}
	}
	return true
}

// plainWord reports whether s is nothing but ASCII letters and no contraction written without its mark (dont, cannot).
func plainWord(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return len(s) > 0 && exception(s) == 0
}

// inside cuts s[lo:hi] at the marks between its letters.
func inside(s string, lo, hi int, yield func(int, int) bool) bool {
	if lo >= hi {
		return true
	}
	rest := s[lo:hi]
	if n := exception(rest); n > 0 {
		return n == len(rest) && yield(lo, hi) || n < len(rest) && yield(lo, lo+n) && yield(lo+n, hi)
	}
	if plainWord(rest) || isAddress(rest) {
		return yield(lo, hi)
	}
	from := 0
	for i := 0; i < len(rest); {
		if c := rest[i]; c < utf8.RuneSelf && !mayPart[c] {
			i++
			continue
		}
		_, w := utf8.DecodeRuneInString(rest[i:])
		n := infix(rest, i)
		if n == 0 || i == 0 {
			i += w
			continue
		}
		if from < i && !yield(lo+from, lo+i) {
			return false
		}
		if !yield(lo+i, lo+i+n) {
			return false
		}
		i += n
		from = i
	}
	return from >= len(rest) || yield(lo+from, hi)
}
