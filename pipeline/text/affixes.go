package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Marks that [Words] takes off words, after the punctuation tables of spaCy 3 (lang/char_classes.py, lang/punctuation.py).
const (
	marks      = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
	quotes     = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉⟦⟧"
	currencies = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₸₹₺₼₾₿"
	frontMarks = "§%=—–"
)

func isMark(r rune) bool {
	if r < utf8.RuneSelf {
		return asciiMark[r]
	}
	return strings.ContainsRune(marks, r) || strings.ContainsRune(quotes, r) || unicode.Is(unicode.So, r)
}

// asciiMark tells the ASCII marks and quotes.
var asciiMark = func() (t [utf8.RuneSelf]bool) {
	for _, r := range marks + quotes {
		if r < utf8.RuneSelf {
			t[r] = true
		}
	}
	return t
}()

// prefix returns the length of the mark that s begins with, or 0.
func prefix(s string) int {
	if len(s) > 0 && isAlnum(s[0]) && (len(s) == 1 || s[1] != '$' && s[1] != 'S') {
		return 0
	}
	r, w := utf8.DecodeRuneInString(s)
	switch {
	case r == '+':
		if len(s) > 1 && isDigit(s[1]) {
			return 0
		}
		return 1
	case r == '.':
		if n := dots(s); n > 1 {
			return n
		}
		return 0
	case isMark(r) || strings.ContainsRune(frontMarks, r) || strings.ContainsRune(currencies, r):
		return w
	}
	for _, p := range []string{"US$", "C$", "A$"} {
		if strings.HasPrefix(s, p) {
			return len(p)
		}
	}
	return 0
}

// suffix returns the length of the mark that s ends with, or 0.
func suffix(s string) int {
	if len(s) > 1 && s[len(s)-1]|0x20 == 's' {
		if head := s[:len(s)-1]; strings.HasSuffix(head, "'") {
			return 2
		} else if strings.HasSuffix(head, "’") {
			return len("’s")
		}
	}
	r, w := utf8.DecodeLastRuneInString(s)
	before, _ := utf8.DecodeLastRuneInString(s[:len(s)-w])
	switch {
	case len(s) == 0:
		return 0
	case r == '.':
		return endDots(s, before)
	case isMark(r) || r == '—' || r == '–':
		return w
	case r == '+' || strings.ContainsRune(currencies, r):
		if unicode.IsDigit(before) {
			return w
		}
		return 0
	}
	for i := 1; i < len(s) && i <= len("km/h")+2; i++ {
		if isDigit(s[len(s)-i-1]) {
			if isUnit(s[len(s)-i:]) {
				return i
			}
			break
		}
	}
	return 0
}

// endDots is the suffix of a word that ends in a dot. One dot goes after a lower-case letter, a digit, a mark or two capitals.
func endDots(s string, before rune) int {
	if before == '.' {
		n := 1
		for n < len(s) && s[len(s)-1-n] == '.' {
			n++
		}
		return n
	}
	rest := s[:len(s)-1]
	switch {
	case unicode.IsLower(before) || '0' <= before && before <= '9' || strings.ContainsRune("%²-+", before):
		return 1
	case before < utf8.RuneSelf && asciiMark[before] || before >= utf8.RuneSelf && (strings.ContainsRune(marks, before) || strings.ContainsRune(quotes, before)):
		return 1
	case unicode.IsUpper(before):
		_, w := utf8.DecodeLastRuneInString(rest)
		two, tw := utf8.DecodeLastRuneInString(rest[:len(rest)-w])
		if unicode.IsUpper(two) {
			return 1
		}
		if degree, _ := utf8.DecodeLastRuneInString(rest[:len(rest)-w-tw]); two == '°' || degree == '°' && tw == 0 {
			return 1
		}
	}
	return 0
}

// mayPart tells the ASCII marks that can be an infix.
var mayPart = func() (t [utf8.RuneSelf]bool) {
	for _, c := range []byte("+-*^.,:<>=/~") {
		t[c] = true
	}
	return t
}()

// infix returns the length of the mark at i that parts what is around it, or 0.
func infix(s string, i int) int {
	r, w := utf8.DecodeRuneInString(s[i:])
	if r == '.' {
		if n := dots(s[i:]); n > 1 {
			return n
		}
	}
	if unicode.IsLetter(r) || '0' <= r && r <= '9' {
		return 0
	}
	if r == '…' || r >= utf8.RuneSelf && unicode.Is(unicode.So, r) {
		return w
	}
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+w:])
	letters := unicode.IsLetter(before) && unicode.IsLetter(after)
	digit := '0' <= before && before <= '9'
	switch {
	case strings.ContainsRune("+-*^", r) && digit && ('0' <= after && after <= '9' || after == '-'):
		return w
	case r == '.' && (unicode.IsLower(before) || isQuote(before)) && (unicode.IsUpper(after) || isQuote(after)):
		return w
	case r == ',' && letters:
		return w
	case strings.ContainsRune(":<>=/", r) && (unicode.IsLetter(before) || digit) && unicode.IsLetter(after):
		return w
	case strings.ContainsRune("-–—~", r) && (unicode.IsLetter(before) || digit):
		return hyphens(s[i:], w)
	}
	return 0
}

// hyphens returns the length of the dash that s begins with if a letter follows: -, --, ---, –, —, —— or ~.
func hyphens(s string, w int) int {
	n, most := w, 0
	switch {
	case s[0] == '-':
		most = 3
	case s[0] == '~':
		most = 1
	case strings.HasPrefix(s, "—"):
		most = 2
	}
	for k := 1; k < most && strings.HasPrefix(s[n:], s[:w]); k++ {
		n += w
	}
	if r, _ := utf8.DecodeRuneInString(s[n:]); !unicode.IsLetter(r) {
		return 0
	}
	return n
}

func dots(s string) int {
	n := 0
	for n < len(s) && s[n] == '.' {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

func isQuote(r rune) bool { return strings.ContainsRune(quotes, r) }

func isUnit(s string) bool {
	switch s {
	case "km", "km²", "km³", "m", "m²", "m³", "dm", "dm²", "dm³", "cm", "cm²", "cm³", "mm", "mm²", "mm³", "ha", "µm", "nm", "yd", "in",
		"ft", "kg", "g", "mg", "µg", "t", "lb", "oz", "m/s", "km/h", "mph", "hPa", "Pa", "mbar", "mb", "MB", "kb", "KB", "gb", "GB",
		"tb", "TB", "T", "G", "M", "K", "%":
		return true
	}
	return false
}
