package llm

import (
	"strings"
)

// splitReasoning takes a leading reasoning block off a text: <think>…</think>answer. Some chat templates open the block in the prompt, so that only its end is
// in the text; a text that was cut inside the block is all reasoning.
func splitReasoning(s string) (reasoning, answer string) {
	trimmed := strings.TrimLeft(s, " \t\r\n")
	for _, tag := range [2]string{"think", "thinking"} {
		opening, closing := "<"+tag+">", "</"+tag+">"
		inside, opened := strings.CutPrefix(trimmed, opening)
		if thought, rest, closed := strings.Cut(inside, closing); closed && (opened || !strings.Contains(thought, opening)) {
			return strings.TrimSpace(thought), strings.TrimLeft(rest, " \t\r\n")
		}
		if opened {
			return strings.TrimSpace(inside), ""
		}
	}
	return "", s
}

// maxCandidates bounds how many places of a text are tried as JSON.
const maxCandidates = 8

// candidates returns the parts of a text that may be the JSON value asked for, best first: the inside of code fences, then every balanced
// {…} or […] from left to right. top is "object", "array" or "" for any value. Where a value does not
// close, what is left of the text is a candidate too, for repair.
//
//	Sure! ```json\n{"a": 1}\n``` Note {x}.   →   {"a": 1}   {x}
func candidates(s, top string) []string {
	var found []string
	add := func(c string) {
		c = strings.TrimSpace(c)
		for _, f := range found {
			if f == c {
				return
			}
		}
		if c != "" && len(found) < maxCandidates {
			found = append(found, c)
		}
	}
	if top == "" {
		if inside, ok := fenced(s); ok {
			add(inside)
		}
		add(s)
		return found
	}
	for rest := s; ; {
		inside, ok := fenced(rest)
		if !ok {
			break
		}
		balanced(inside, top, add)
		_, rest, _ = strings.Cut(rest, inside)
		rest = strings.TrimPrefix(rest, "```")
	}
	balanced(s, top, add)
	return found
}

// fenced returns the inside of the first code fence.
func fenced(s string) (string, bool) {
	_, rest, ok := strings.Cut(s, "```")
	if !ok {
		return "", false
	}
	if line, after, ok := strings.Cut(rest, "\n"); ok && !strings.ContainsAny(line, "{[`\"") {
		rest = after // the language tag
	}
	inside, _, ok := strings.Cut(rest, "```")
	return inside, ok
}

// balanced finds values of type top that close, string-aware; the first that does not close ends the search.
func balanced(s, top string, add func(string)) {
	opening := byte('{')
	if top == "array" {
		opening = '['
	}
	for n := 0; n < maxCandidates; n++ {
		start := strings.IndexByte(s, opening)
		if start < 0 {
			return
		}
		end := closeOf(s[start:])
		if end < 0 {
			add(s[start:])
			return
		}
		add(s[start : start+end])
		s = s[start+end:]
	}
}

// closeOf returns the length of the bracketed value that s begins with, -1 if it does not close.
func closeOf(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		}
	}
	return -1
}
