package tokenizer

import (
	"slices"
	"strings"
)

// seedPieces returns the repeated substrings of the words, of up to longest characters, with score count × length,
// the highest first, at most limit of them. They are read off the sorted suffixes: a run of neighbours that share
// their first n characters is a substring of n characters that is seen as often as the run's words together.
//
//	words ▁ab×3 ▁abc×2: suffixes ab×3 abc×2 b×3 bc×2 c×2 ▁ab×3 ▁abc×2 -> ab 5, ▁ab 5 (b and c are single)
func seedPieces(words []wordCount, longest, limit int) []scoredPiece {
	var text []rune // the words, each ended by 0
	var weight []int
	var at []int32 // suffixes
	for _, w := range words {
		for _, r := range w.text {
			at = append(at, int32(len(text)))
			text = append(text, r)
			weight = append(weight, w.count)
		}
		text = append(text, 0)
		weight = append(weight, 0)
	}
	suffix := func(i int32) []rune {
		s := text[i:min(int(i)+longest, len(text))]
		if end := slices.Index(s, 0); end >= 0 {
			return s[:end]
		}
		return s
	}
	slices.SortFunc(at, func(a, b int32) int {
		for n := int32(0); n < int32(longest); n++ {
			x, y := text[a+n], text[b+n]
			if x != y {
				return int(x) - int(y)
			}
			if x == 0 {
				break
			}
		}
		return int(a) - int(b)
	})
	var found []scoredPiece
	type open struct { // a substring whose run of suffixes has not ended
		length, count int
		from          int32
	}
	var stack []open
	closeTo := func(length int) (from int32, count int) {
		from = -1
		for len(stack) > 0 && stack[len(stack)-1].length > length {
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if top.count += count; top.length > 1 {
				s := string(text[top.from : int(top.from)+top.length])
				found = append(found, scoredPiece{s, float64(top.count * top.length)})
			}
			from, count = top.from, top.count
		}
		return from, count
	}
	before := 0
	for i, a := range at {
		shared := 0
		if i+1 < len(at) {
			shared = sharedPrefix(suffix(a), suffix(at[i+1]))
		}
		if n := len(suffix(a)); n > max(before, shared, 1) && weight[a] > 1 && int(a)+n < len(text) && text[int(a)+n] == 0 && (a == 0 || text[a-1] == 0) {
			found = append(found, scoredPiece{string(suffix(a)), float64(weight[a] * n)}) // a whole word, seen more than once
		}
		before = shared
		if len(stack) == 0 || stack[len(stack)-1].length < shared {
			stack = append(stack, open{shared, weight[a], a})
			continue
		}
		stack[len(stack)-1].count += weight[a]
		if from, count := closeTo(shared); count > 0 && shared > 0 {
			if n := len(stack); n > 0 && stack[n-1].length == shared {
				stack[n-1].count += count
			} else {
				stack = append(stack, open{shared, count, from})
			}
		}
	}
	closeTo(0)
	slices.SortFunc(found, func(a, b scoredPiece) int {
		if a.score != b.score {
			return int(b.score - a.score)
		}
		return strings.Compare(a.text, b.text)
	})
	return found[:min(limit, len(found))]
}

func sharedPrefix(a, b []rune) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
