package tokenizer

import "strings"

// A scanner returns where the pattern's match that begins at s[i] ends. The patterns here match everywhere, so the
// matches tile the text. Each is a hand-coded form of a regular expression with look-ahead, which RE2 has not.
type scanner func(c *classes, s string, i int) int

// The Split patterns of the models in use.
const (
	gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	llama3Pattern = contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*` + spaces
	qwen2Pattern  = contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*` + spaces
	// the same as llama3Pattern, as tiktoken writes cl100k_base
	cl100kPattern = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`

	o200kPattern = lead + capitals + `*` + smalls + `+` + contractions + `?|` + lead + capitals + `+` + smalls + `*` + contractions +
		`?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*` + spaces

	contractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	lead         = `[^\r\n\p{L}\p{N}]?`
	capitals     = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	smalls       = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	spaces       = `|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// knownScanner returns the hand-coded form of a pattern, nil when there is none.
func knownScanner(pattern string) scanner {
	switch pattern {
	case gpt2Pattern:
		return scanGPT2
	case llama3Pattern, cl100kPattern:
		return scanCL100K(3)
	case qwen2Pattern:
		return scanCL100K(1)
	case o200kPattern:
		return scanO200K
	}
	return nil
}

// run returns the end of the run of characters from s[i] on of which class&mask == want.
func (c *classes) run(s string, i int, mask, want uint8) int {
	for i < len(s) {
		k, n := c.at(s, i)
		if k&mask != want {
			break
		}
		i += n
	}
	return i
}

// whitespace matches `\s+(?!\S)|\s+` at a white space s[i]: the run without its last character, unless it ends the
// text or is that character alone. Before a word "   word" gives "  " and leaves " word".
func (c *classes) whitespace(s string, i int) int {
	end, last := i, i
	for end < len(s) {
		k, n := c.at(s, end)
		if k&space == 0 {
			break
		}
		last = end
		end += n
	}
	if end < len(s) && last > i {
		return last
	}
	return end
}

// lineEnds matches `\s*[\r\n]+`: up to the last line end of the white space at s[i], or -1.
func (c *classes) lineEnds(s string, i int) int {
	end := -1
	for i < len(s) {
		k, n := c.at(s, i)
		if k&space == 0 {
			break
		}
		if i += n; s[i-1] == '\n' || s[i-1] == '\r' {
			end = i
		}
	}
	return end
}

// contraction matches 's|'t|'re|'ve|'m|'ll|'d behind the apostrophe at s[i]; it returns i when there is none.
// Without regard to case, ſ (U+017F) counts as s.
func contraction(s string, i int, fold bool) int {
	if i+1 >= len(s) {
		return i
	}
	a := s[i+1]
	if fold {
		if strings.HasPrefix(s[i+1:], "ſ") {
			return i + 1 + len("ſ")
		}
		a |= 0x20
	}
	switch a {
	case 's', 't', 'm', 'd':
		return i + 2
	}
	if i+2 >= len(s) {
		return i
	}
	b := s[i+2]
	if fold {
		b |= 0x20
	}
	if a == 'r' && b == 'e' || a == 'v' && b == 'e' || a == 'l' && b == 'l' {
		return i + 3
	}
	return i
}

const kind = letter | number | space

// scanGPT2 matches gpt2Pattern.
func scanGPT2(c *classes, s string, i int) int {
	if s[i] == '\'' {
		if end := contraction(s, i, false); end > i {
			return end
		}
	}
	k, n := c.at(s, i)
	if s[i] == ' ' && i+1 < len(s) {
		if next, w := c.at(s, i+1); next&space == 0 {
			return c.run(s, i+1+w, kind, next&kind)
		}
	}
	if k&space != 0 {
		return c.whitespace(s, i)
	}
	return c.run(s, i+n, kind, k&kind)
}

// scanCL100K matches the pattern of Llama-3, and with digits 1 that of Qwen2.
func scanCL100K(digits int) scanner {
	return func(c *classes, s string, i int) int {
		if s[i] == '\'' {
			if end := contraction(s, i, true); end > i {
				return end
			}
		}
		k, n := c.at(s, i)
		if k&letter != 0 {
			return c.run(s, i+n, letter, letter)
		}
		if k&number != 0 {
			return c.digits(s, i+n, digits-1)
		}
		if next := i + n; next < len(s) && s[i] != '\n' && s[i] != '\r' {
			if k2, n2 := c.at(s, next); k2&letter != 0 {
				return c.run(s, next+n2, letter, letter)
			}
		}
		if end := c.symbols(s, i, "\r\n"); end > i {
			return end
		}
		if end := c.lineEnds(s, i); end > i {
			return end
		}
		return c.whitespace(s, i)
	}
}

// digits matches up to n more numbers.
func (c *classes) digits(s string, i, n int) int {
	for ; n > 0 && i < len(s); n-- {
		k, w := c.at(s, i)
		if k&number == 0 {
			break
		}
		i += w
	}
	return i
}

// symbols matches ` ?[^\s\p{L}\p{N}]+` and then any of the bytes of tail; it returns i when there is no match.
func (c *classes) symbols(s string, i int, tail string) int {
	at := i
	if s[at] == ' ' {
		at++
	}
	end := c.run(s, at, kind, 0)
	if end == at {
		return i
	}
	for end < len(s) && strings.IndexByte(tail, s[end]) >= 0 {
		end++
	}
	return end
}
