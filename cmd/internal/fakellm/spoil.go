package fakellm

import (
	"strings"
	"unicode/utf8"
)

// spoil does to a choice what a fault of class content says.
func spoil(c choice, q *request, kind string, h uint64) choice {
	switch kind {
	case "truncate":
		c.text = strings.TrimRight(c.text, "]}")
		c.text = strings.TrimSuffix(c.text, `"`)
	case "truncate_hard":
		c.text = c.text[:min(len(c.text), 3)]
	case "fence":
		c.text = "```json\n" + c.text + "\n```"
	case "prose":
		c.text = "Sure! Here is what you asked for:\n\n" + c.text + "\n\nLet me know if {anything} should change."
	case "no_json":
		c.text = "There is no structured form for this that I could give."
	case "wrong_schema":
		c.text = `{"unasked":` + string(appendString(nil, pick(nouns(), h))) + `}`
	case "think":
		c.text = "<think>\nThe user wants " + pick(nouns(), h) + ". A draft: {\"draft\": [1, 2]}. That is not it yet.\n</think>\n\n" + c.text
	case "reasoning":
		c.reasoning = "The request speaks of " + pick(nouns(), h) + ". I keep its meaning and change the words. " + pick(fillers(), h)
	case "refusal":
		const sorry = "I'm sorry, but I can't help with that request."
		if q.format == "json_schema" {
			c.text, c.refusal, c.null = "", sorry, true
		} else {
			c.text = sorry
		}
	case "content_filter":
		c.text, c.finish = cut(c.text, len(c.text)/2), "content_filter"
	case "empty":
		c.text = ""
	case "length":
		c.text, c.finish = cut(c.text, len(c.text)/2), "length"
	}
	return c
}

// cut keeps at most so many bytes of a text, in whole runes.
func cut(s string, size int) string {
	if size >= len(s) {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}
