package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// A normalizer rewrites a text before anything is looked up.
type normalizer interface {
	normalize(t *text)
	// ascii says what the normaliser does to one ASCII byte: its replacement and whether it stays. Simple is false
	// when it cannot be told byte by byte.
	ascii(b byte) (out byte, keep, simple bool)
}

// chain applies normalisers in order (the Sequence of the file).
type chain []normalizer

func (c chain) normalize(t *text) {
	for _, n := range c {
		n.normalize(t)
	}
}

func (c chain) ascii(b byte) (byte, bool, bool) {
	for _, n := range c {
		var keep, simple bool
		if b, keep, simple = n.ascii(b); !keep || !simple {
			return b, keep, simple
		}
	}
	return b, true, true
}

// asciiMap is a normaliser reduced to a table of ASCII bytes; drop marks a byte that vanishes.
type asciiMap [utf8.RuneSelf]uint8

const drop = 0xff

// newASCIIMap returns nil when n does not work byte by byte.
func newASCIIMap(n normalizer) *asciiMap {
	m := &asciiMap{}
	for b := range byte(utf8.RuneSelf) {
		out, keep, simple := n.ascii(b)
		if !simple {
			return nil
		}
		if m[b] = out; !keep {
			m[b] = drop
		}
	}
	return m
}

// apply returns s normalised, and whether s was ASCII at all. An unchanged s is returned as it is.
func (m *asciiMap) apply(s string) (string, bool) {
	same := true
	for i := range len(s) {
		b := s[i]
		if b >= utf8.RuneSelf {
			return "", false
		}
		same = same && m[b] == b
	}
	if same {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if b := m[s[i]]; b != drop {
			out = append(out, b)
		}
	}
	return string(out), true
}

// bertNormalizer cleans text as BERT does: control characters go, white space becomes a space, CJK characters get
// spaces around them, accents and case go.
type bertNormalizer struct {
	clean, cjk, accents, lower bool
}

func (n bertNormalizer) normalize(t *text) {
	if n.clean {
		t.filter(func(r rune) bool { return !bertControl(r) })
		for i, g := range t.g {
			if unicode.IsSpace(g.r) {
				t.g[i].r = ' '
			}
		}
	}
	if n.cjk {
		t.spaceCJK()
	}
	if n.accents {
		unicodeForm{}.normalize(t)
		t.filter(func(r rune) bool { return !nonspacing(r) })
	}
	if n.lower {
		lowercase{}.normalize(t)
	}
}

func (n bertNormalizer) ascii(b byte) (byte, bool, bool) {
	if n.clean {
		if bertControl(rune(b)) {
			return 0, false, true
		}
		if unicode.IsSpace(rune(b)) {
			b = ' '
		}
	}
	if n.lower {
		b = byte(unicode.ToLower(rune(b)))
	}
	return b, true, true
}

// bertControl reports the characters that BERT's cleaning removes: NUL, U+FFFD and the control, format and private
// use characters of Unicode 8, except tab and line ends.
func bertControl(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return false
	case r < utf8.RuneSelf:
		return 0 <= r && r < ' ' || r == 0x7f
	case r == utf8.RuneError:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) && !inRanges(laterFormat, r)
}

func nonspacing(r rune) bool {
	if r < 0x300 {
		return false
	}
	return unicode.Is(unicode.Mn, r) && !inRanges(laterNonspacing, r) || inRanges(formerNonspacing, r)
}

// cjkBlocks are the blocks that BERT calls Chinese.
var cjkBlocks = []rune{
	0x3400, 0x4dbf, 0x4e00, 0x9fff, 0xf900, 0xfaff, 0x20000, 0x2a6df, 0x2a700, 0x2b81f, 0x2b920, 0x2ceaf,
	0x2f800, 0x2fa1f,
}

func (t *text) spaceCJK() {
	n := 0
	for _, g := range t.g {
		if g.r >= 0x3400 && inRanges(cjkBlocks, g.r) {
			n++
		}
	}
	if n == 0 {
		return
	}
	edits := make([]edit, 0, len(t.g)+2*n)
	for _, g := range t.g {
		if g.r >= 0x3400 && inRanges(cjkBlocks, g.r) {
			edits = append(edits, edit{' ', 0}, edit{g.r, 1}, edit{' ', 1}) // all three stand for g
		} else {
			edits = append(edits, edit{g.r, 0})
		}
	}
	t.apply(edits, 0)
}

// lowercase maps every character by itself; no context, so no final sigma.
type lowercase struct{}

func (lowercase) normalize(t *text) {
	dotted := false
	for i, g := range t.g {
		dotted = dotted || g.r == 'İ'
		t.g[i].r = toLower(g.r)
	}
	if !dotted {
		return
	}
	out := make([]glyph, 0, len(t.g)+8)
	for _, g := range t.g { // İ is the one character whose small form has two: i and U+0307
		if out = append(out, g); g.r == 'İ' {
			out[len(out)-1].r = 'i'
			out = append(out, glyph{'\u0307', g.from, g.to})
		}
	}
	t.g = out
}

func (lowercase) ascii(b byte) (byte, bool, bool) { return byte(unicode.ToLower(rune(b))), true, true }

// toLower is the simple mapping of Unicode 17; İ stays for its caller.
func toLower(r rune) rune {
	if r == 'İ' || r < 0 {
		return r
	}
	if l := unicode.ToLower(r); l != r || r < 0x1c89 {
		return l
	}
	switch {
	case 0x10d50 <= r && r <= 0x10d65:
		return r + 0x20
	case 0x16ea0 <= r && r <= 0x16eb8:
		return r + 0x1b
	}
	switch r {
	case 0x1c89, 0xa7cc, 0xa7ce, 0xa7d2, 0xa7d4, 0xa7da:
		return r + 1
	case 0xa7cb:
		return 0x264
	case 0xa7dc:
		return 0x19b
	}
	return r
}

// stripAccents removes the combining marks of Unicode 9, nothing else: it wants decomposed text.
type stripAccents struct{}

func (stripAccents) normalize(t *text) {
	t.filter(func(r rune) bool {
		if r < 0x300 {
			return true
		}
		return !(unicode.Is(unicode.M, r) && !inRanges(laterMarks, r) || inRanges(formerMarks, r))
	})
}

func (stripAccents) ascii(b byte) (byte, bool, bool) { return b, true, true }

// strip removes white space at the ends.
type strip struct{ left, right bool }

func (n strip) normalize(t *text) {
	for n.left && len(t.g) > 0 && unicode.IsSpace(t.g[0].r) {
		t.g = t.g[1:]
	}
	for n.right && len(t.g) > 0 && unicode.IsSpace(t.g[len(t.g)-1].r) {
		t.g = t.g[:len(t.g)-1]
	}
}

func (strip) ascii(b byte) (byte, bool, bool) { return b, true, false }

// prefix puts a fixed text in front of every text that is not empty.
type prefix string

func (n prefix) normalize(t *text) { t.prepend(string(n)) }

func (prefix) ascii(b byte) (byte, bool, bool) { return b, true, false }

// replace puts content in place of every match of a pattern.
type replace struct {
	pattern pattern
	content string
}

func (n replace) normalize(t *text) {
	seg := t.segment(false)
	var matches [][2]int
	glyphAt, byteAt := 0, 0
	n.pattern.matches(seg.s, func(lo, hi int) {
		for byteAt < lo {
			_, w := utf8.DecodeRuneInString(seg.s[byteAt:])
			byteAt, glyphAt = byteAt+w, glyphAt+1
		}
		m := [2]int{glyphAt}
		for byteAt < hi {
			_, w := utf8.DecodeRuneInString(seg.s[byteAt:])
			byteAt, glyphAt = byteAt+w, glyphAt+1
		}
		m[1] = glyphAt
		matches = append(matches, m)
	})
	t.replace(matches, n.content)
}

func (replace) ascii(b byte) (byte, bool, bool) { return b, true, false }

// nmt is the cleaning of neural machine translation: some control characters go, odd spaces become a space.
type nmt struct{}

func (nmt) normalize(t *text) {
	t.filter(func(r rune) bool {
		return !(1 <= r && r <= 8 || r == 0xb || 0xe <= r && r <= 0x1f || r == 0x7f || r == 0x8f || r == 0x9f)
	})
	for i, g := range t.g {
		switch r := g.r; {
		case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, 0x200b <= r && r <= 0x200f, r == 0x2028,
			r == 0x2029, r == 0x2581, r == 0xfeff, r == utf8.RuneError:
			t.g[i].r = ' '
		}
	}
}

func (nmt) ascii(b byte) (byte, bool, bool) {
	t := text{g: []glyph{{r: rune(b)}}}
	if (nmt{}).normalize(&t); len(t.g) == 0 {
		return 0, false, true
	}
	return byte(t.g[0].r), true, true
}

// byteMapper writes every byte as the character of the byte-level alphabet (see [byteRune]).
type byteMapper struct{}

func (byteMapper) normalize(t *text) {
	out := make([]glyph, 0, len(t.g)*2)
	var b [utf8.UTFMax]byte
	for _, g := range t.g {
		for _, c := range appendRune(b[:0], g.r) {
			out = append(out, glyph{byteRune(c), g.from, g.to})
		}
	}
	t.g = out
}

func (byteMapper) ascii(b byte) (byte, bool, bool) {
	r := byteRune(b)
	return byte(r), true, r < utf8.RuneSelf
}
