package fakellm

import (
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// pieces cuts a text into tokens: a word of up to eight runes with the space before it, or one other sign. Joined they
// are the text: "It's 42." is "It", "'", "s", " 42", ".".
func pieces(text string) []string {
	out := make([]string, 0, tokens(len(text)))
	for text != "" {
		end, runes := 0, 0
		if text[0] == ' ' {
			end = 1
		}
		for end < len(text) && runes < 8 {
			r, n := utf8.DecodeRuneInString(text[end:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				break
			}
			end, runes = end+n, runes+1
		}
		if runes == 0 {
			_, n := utf8.DecodeRuneInString(text[end:])
			end += n
		}
		end = max(end, 1)
		out = append(out, text[:end])
		text = text[end:]
	}
	return out
}

// A likelihood is a token with its chance, and what could have stood in its place.
type likelihood struct {
	token string
	log   float64
	top   []likelihood // most likely first, the token itself among them
}

// likelihoods gives each token a chance of 0.5 to 1 and shares most of the rest among so many alternatives.
func likelihoods(tokens []string, h uint64, top int) []likelihood {
	out := make([]likelihood, len(tokens))
	for i, t := range tokens {
		p := 0.5 + unit(mix(h, uint64(i)))/2
		out[i] = likelihood{token: t, log: math.Log(p)}
		rest := 1 - p
		for k := range top {
			if k == 0 {
				out[i].top = append(out[i].top, likelihood{token: t, log: math.Log(p)})
				continue
			}
			rest /= 2
			out[i].top = append(out[i].top, likelihood{token: alternative(t, k), log: math.Log(rest)})
		}
	}
	return out
}

// alternative k of a token is another token of its kind: a digit for a digit, no for yes, else a word.
func alternative(token string, k int) string {
	switch {
	case len(token) == 1 && token[0] >= '0' && token[0] <= '9':
		return strconv.Itoa((int(token[0]-'0') + k) % 10)
	case token == "yes" && k == 1:
		return "no"
	case token == "no" && k == 1:
		return "yes"
	}
	words := nouns()
	word := words[k%len(words)]
	if k >= len(words) {
		word += strconv.Itoa(k)
	}
	if token != "" && token[0] == ' ' {
		return " " + word
	}
	return word
}

// appendLikelihood writes a token the way the chat route does.
func appendLikelihood(b []byte, l likelihood, alternatives bool) []byte {
	b = append(b, `{"token":`...)
	b = appendString(b, l.token)
	b = append(b, `,"logprob":`...)
	b = strconv.AppendFloat(b, l.log, 'f', 6, 64)
	b = append(b, `,"bytes":[`...)
	for i := range len(l.token) {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(l.token[i]), 10)
	}
	b = append(b, ']')
	if alternatives {
		b = append(b, `,"top_logprobs":[`...)
		for i, t := range l.top {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendLikelihood(b, t, false)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}
