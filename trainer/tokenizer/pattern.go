package tokenizer

import (
	"fmt"
	"regexp"
	"strings"
)

// A pattern finds its matches in a text: ascending, apart, none empty.
type pattern interface {
	matches(s string, emit func(lo, hi int))
}

// literal matches itself.
type literal string

func (p literal) matches(s string, emit func(lo, hi int)) {
	for at := 0; ; {
		i := strings.Index(s[at:], string(p))
		if i < 0 {
			return
		}
		emit(at+i, at+i+len(p))
		at += i + len(p)
	}
}

// tiles matches everywhere, one match behind the other.
type tiles struct {
	classes *classes
	scan    scanner
}

func (p tiles) matches(s string, emit func(lo, hi int)) {
	for i := 0; i < len(s); {
		j := p.scan(p.classes, s, i)
		emit(i, j)
		i = j
	}
}

// charsOf matches every single character that has one of the class bits.
type charsOf struct {
	classes *classes
	mask    uint8
}

func (p charsOf) matches(s string, emit func(lo, hi int)) {
	for i := 0; i < len(s); {
		k, n := p.classes.at(s, i)
		if k&p.mask != 0 {
			emit(i, i+n)
		}
		i += n
	}
}

// wordRuns matches `\w+|[^\w\s]+`.
type wordRuns struct{ classes *classes }

func (p wordRuns) matches(s string, emit func(lo, hi int)) {
	for i := 0; i < len(s); {
		k, n := p.classes.at(s, i)
		j := p.classes.run(s, i+n, wordish|space, k&(wordish|space))
		if k&wordish != 0 {
			j = p.classes.run(s, i+n, wordish, wordish)
		}
		if k&wordish != 0 || k&space == 0 {
			emit(i, j)
		}
		i = j
	}
}

// numerals matches every single numeric character (Unicode 17, where the others are 16).
type numerals struct{ classes *classes }

func (p numerals) numeric(s string, i int) (bool, int) {
	k, n := p.classes.at(s, i)
	if k == 0 && n > 1 {
		for _, r := range s[i : i+n] {
			return inRanges(laterNumbers, r), n
		}
	}
	return k&number != 0, n
}

func (p numerals) matches(s string, emit func(lo, hi int)) {
	for i := 0; i < len(s); {
		is, n := p.numeric(s, i)
		if is {
			emit(i, i+n)
		}
		i += n
	}
}

// expression is a regular expression that means the same to RE2 and to the reference's engine.
type expression struct{ re *regexp.Regexp }

func (p expression) matches(s string, emit func(lo, hi int)) {
	for _, m := range p.re.FindAllStringIndex(s, -1) {
		emit(m[0], m[1])
	}
}

// newPattern compiles the regular expression text of a tokenizer.json: a hand-coded scanner when the text is known,
// RE2 when it is plain enough to mean the same there. Everything else is an error that names the text.
func newPattern(text string) (pattern, error) {
	if scan := knownScanner(text); scan != nil {
		return tiles{sharedClasses(), scan}, nil
	}
	re2, err := translate(text)
	if err != nil {
		return nil, fmt.Errorf("unknown pattern %q: %w; known are those of GPT-2, Llama-3 (cl100k), Qwen2, o200k and "+
			"expressions without look-around", text, err)
	}
	re, err := regexp.Compile(re2)
	if err != nil {
		return nil, fmt.Errorf("unknown pattern %q: %w", text, err)
	}
	if re.MatchString("") {
		return nil, fmt.Errorf("unknown pattern %q: it matches the empty text", text)
	}
	return expression{re}, nil
}

// The Unicode meaning that the reference's engine gives to the escapes; RE2's own are ASCII.
const (
	re2Space = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`
	re2Word  = `\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}`
)

// translate rewrites a regular expression of the Ruby kind (Oniguruma) for RE2, or says why it cannot.
func translate(text string) (string, error) {
	var b strings.Builder
	b.WriteString("(?m)") // in Ruby's syntax ^ and $ always mean lines
	inClass := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			if i++; i == len(text) {
				return "", fmt.Errorf("trailing backslash")
			}
			rest, err := translateEscape(&b, text[i], text[i+1:], inClass)
			if err != nil {
				return "", err
			}
			i = len(text) - len(rest) - 1
			continue
		case '[':
			if inClass {
				return "", fmt.Errorf("nested class")
			}
			inClass = true
		case ']':
			if inClass && strings.HasSuffix(text[:i], "[") || strings.HasSuffix(text[:i], "[^") {
				return "", fmt.Errorf("empty class")
			}
			inClass = false
		case '&':
			if inClass && strings.HasPrefix(text[i+1:], "&") {
				return "", fmt.Errorf("intersection of classes")
			}
		case '(':
			if rest := text[i+1:]; !inClass && strings.HasPrefix(rest, "?") && !strings.HasPrefix(rest, "?:") {
				return "", fmt.Errorf("group of the kind %.4q", text[i:])
			}
		}
		b.WriteByte(text[i])
	}
	return b.String(), nil
}

// translateEscape writes the escape \c, to which the beginning of rest may belong, and returns what is left of rest.
func translateEscape(b *strings.Builder, c byte, rest string, inClass bool) (string, error) {
	set := func(body string, negate bool) error {
		switch {
		case inClass && negate:
			return fmt.Errorf(`\%c inside a class`, c)
		case inClass:
			b.WriteString(body)
		case negate:
			b.WriteString("[^" + body + "]")
		default:
			b.WriteString("[" + body + "]")
		}
		return nil
	}
	switch c {
	case 's', 'S':
		return rest, set(re2Space, c == 'S')
	case 'd', 'D':
		return rest, set(`\p{Nd}`+re2Ranges(newNumbers), c == 'D')
	case 'w', 'W':
		return rest, set(re2Word+re2Ranges(newLetters)+re2Ranges(newNumbers)+re2Ranges(newMarks), c == 'W')
	case 'p', 'P':
		name, after, ok := strings.Cut(strings.TrimPrefix(rest, "{"), "}")
		newer, known := map[string][]rune{"L": newLetters, "N": newNumbers, "Nd": newNumbers, "M": newMarks, "Lu": newUpper, "Ll": newLower}[name]
		if !ok || !known && !strings.HasPrefix("CPSZ", name[:min(1, len(name))]) {
			return "", fmt.Errorf(`class \%c%.12s`, c, rest)
		}
		return after, set(`\p{`+name+`}`+re2Ranges(newer), c == 'P')
	case 'n', 'r', 't', 'f', 'v':
	default:
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 {
			return "", fmt.Errorf(`escape \%c`, c)
		}
	}
	b.WriteByte('\\')
	b.WriteByte(c)
	return rest, nil
}

// re2Ranges writes the ranges for a class.
func re2Ranges(ranges []rune) string {
	var b strings.Builder
	for i := 0; i < len(ranges); i += 2 {
		fmt.Fprintf(&b, `\x{%x}-\x{%x}`, ranges[i], ranges[i+1])
	}
	return b.String()
}
