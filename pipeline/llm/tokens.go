package llm

import (
	"unicode/utf8"
)

// What a provider counted is the truth about tokens; these counts only reserve money and quota before a request leaves, stand
// in where a provider does not count, and tell when its count cannot be true. None needs a tokenizer:
//
//	most     no byte-level tokenizer makes more: one token for each byte
//	likely   rather too many: a word of n letters is 1 + (n-1)/4 tokens, a digit or sign one, an accented letter one, a CJK letter two
//	least    a count below it is not true: 6.7 bytes of ASCII, or 3.3 other characters, for each token
//
// "The cat sat." has 12 bytes: most 12, likely 5.5 → 6, least 1.8 → 1.
const (
	perMessage = 8  // tokens that a chat template adds around a message, at the most
	perPrompt  = 32 // and around the whole: a default system prompt, the start of the answer
)

// likely estimates the tokens of s, rather too high.
func likely(s string) int64 {
	quarters := int64(0)
	inWord, spaces := false, 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			_, n := utf8.DecodeRuneInString(s[i:])
			quarters += int64(4 * max(n-1, 1))
			inWord, spaces = false, 0
			i += n
			continue
		}
		i++
		switch {
		case b|0x20 >= 'a' && b|0x20 <= 'z':
			if inWord {
				quarters++
			} else {
				quarters += 4
			}
			inWord, spaces = true, 0
			continue
		case b == ' ' || b == '\t':
			if spaces > 0 {
				quarters += 2
			}
			spaces++
		default:
			quarters += 4
			spaces = 0
		}
		inWord = false
	}
	return (quarters + 3) / 4
}

// least is a count that no provider can truly be below.
func least(s string) int64 {
	ascii, other, space := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == ' ' || b == '\n' || b == '\t' || b == '\r':
			if !space {
				ascii++
			}
			space = true
			continue
		case b < utf8.RuneSelf:
			ascii++
		case b >= 0xC0: // the first byte of a character
			other++
		}
		space = false
	}
	return int64(ascii*15+other*30) / 100
}

// size holds the three counts of a prompt.
type size struct {
	most, likely, least int64
}

// measure counts the prompt of q. instructions is what structured output adds to it.
func measure(q *Request, instructions int) size {
	var s size
	add := func(text string) {
		s.most += int64(len(text))
		s.likely += likely(text)
		s.least += least(text)
	}
	for i := range q.Messages {
		m := &q.Messages[i]
		add(m.Content)
		for _, t := range m.ToolCalls {
			add(t.Name)
			add(t.Arguments)
		}
		s.most += perMessage + int64(len(m.Role)+len(m.Name))
		s.likely += perMessage
		s.least++ // no template marks a turn with less
	}
	s.least++
	// tools and schemas reach the model rewritten, or not at all: they are in the upper counts only
	unseen := int64(len(q.Tools) + instructions)
	s.most += perPrompt + 2*unseen
	s.likely += unseen / 3
	return s
}

// completion counts what the model wrote in all choices.
func completion(e *Entry) (likelyN, leastN int64) {
	for i := range e.Choices {
		c := &e.Choices[i]
		likelyN += likely(c.Text) + likely(c.Reasoning) + likely(c.Refusal) + 1
		leastN += least(c.Text) + least(c.Reasoning)
		for _, t := range c.ToolCalls {
			likelyN += likely(t.Name) + likely(t.Arguments)
			leastN += least(t.Arguments)
		}
	}
	return likelyN, leastN
}

// audit settles what an answer used. said is the provider's count (zero where it gave none). Where that cannot be true (missing,
// below what the text needs, counting one of several choices) our own upper count is booked, at most the limit that was asked (where the text
// can have kept to it), and the usage is marked.
func audit(said Usage, e *Entry, prompt size, limit int64, trust bool) Usage {
	u := said
	u.Cached = min(u.Cached, u.Prompt)
	u.Reasoning = min(u.Reasoning, u.Completion)
	if trust && (u.Prompt > 0 || u.Completion > 0) {
		return u
	}
	upper, lower := completion(e)
	if lower <= limit {
		upper = min(upper, limit)
	}
	if u.Prompt <= 0 || u.Prompt < prompt.least {
		u.Prompt, u.Estimated = max(u.Prompt, prompt.likely), true
	}
	if u.Completion <= 0 || u.Completion < lower {
		if u.Completion <= 0 && upper <= int64(len(e.Choices)) {
			return u // nothing was written, and nothing is said of it
		}
		u.Completion, u.Estimated = max(u.Completion, upper), true
	}
	return u
}
