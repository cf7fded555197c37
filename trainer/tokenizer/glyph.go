package tokenizer

import "unicode/utf8"

// A glyph is one character of a text under normalisation, with the bytes of the original it stands for.
// A byte that is not UTF-8 travels as the negative rune ^b, so that nothing is lost.
type glyph struct {
	r        rune
	from, to int32
}

// A text is a run of glyphs. Its alignment follows the reference: an inserted character belongs to the one before
// it, a character made of several belongs to the first of them.
type text struct {
	g    []glyph
	base int32 // where the text begins in the original
}

// newText splits s, found at byte base of the original, into glyphs: "é" at 4 is {é 4 6}.
func newText(s string, base int, buf []glyph) text {
	t := text{g: buf[:0], base: int32(base)}
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			if r, n = utf8.DecodeRuneInString(s[i:]); n == 1 {
				r = ^rune(s[i])
			}
		}
		t.g = append(t.g, glyph{r, int32(base + i), int32(base + i + n)})
		i += n
	}
	return t
}

// appendRune appends r, or the raw byte that a negative r stands for.
func appendRune(b []byte, r rune) []byte {
	if r < 0 {
		return append(b, byte(^r))
	}
	return utf8.AppendRune(b, r)
}

// An edit is one character of an edited text: change 0 takes the place of the next old character, a positive
// change inserts, a negative one takes the place of the next old character and swallows -change more behind it.
type edit struct {
	r      rune
	change int
}

// apply replaces the text by edits, after dropping the first skip characters. Each new character takes over the
// alignment of the old one at its place, an inserted one that of the old character before it:
//
//	apply({'a',0},{'x',1},{'b',-1}) on "abc" gives a{0 1} x{0 1} b{1 2}
func (t *text) apply(edits []edit, skip int) {
	out := make([]glyph, 0, len(edits))
	at := skip
	for _, e := range edits {
		span := glyph{from: t.base, to: t.base}
		switch {
		case e.change > 0:
			if at > 0 && len(t.g) > 0 {
				span = t.g[min(at, len(t.g))-1]
			}
		case len(t.g) > 0:
			span = t.g[min(at, len(t.g)-1)]
			at += 1 - e.change
		}
		out = append(out, glyph{e.r, span.from, span.to})
	}
	t.g = out
}

// filter keeps the glyphs whose character passes, each with its own alignment.
func (t *text) filter(keep func(rune) bool) {
	n := 0
	for _, g := range t.g {
		if keep(g.r) {
			t.g[n] = g
			n++
		}
	}
	t.g = t.g[:n]
}

// replace puts content in place of every match; matches are glyph ranges [lo, hi), ascending and apart. The new
// characters belong to the last character of the match.
func (t *text) replace(matches [][2]int, content string) {
	if len(matches) == 0 {
		return
	}
	out := make([]glyph, 0, len(t.g)+len(matches)*len(content))
	at := 0
	for _, m := range matches {
		out = append(out, t.g[at:m[0]]...)
		last := glyph{from: t.base, to: t.base}
		if m[1] > 0 {
			last = t.g[m[1]-1]
		}
		for _, r := range content {
			out = append(out, glyph{r, last.from, last.to})
		}
		at = m[1]
	}
	t.g = append(out, t.g[at:]...)
}

// prepend puts s in front; it belongs to what was the first character. An empty text stays empty.
func (t *text) prepend(s string) {
	if len(t.g) == 0 {
		return
	}
	first := t.g[0]
	out := make([]glyph, 0, len(t.g)+len(s))
	for _, r := range s {
		out = append(out, glyph{r, first.from, first.to})
	}
	t.g = append(out, t.g...)
}

// A segment is a piece of normalised text. From and to hold, for each byte, the span of the original it stands
// for; they are nil when nobody asked for offsets.
type segment struct {
	s        string
	from, to []int32
	base     int32 // where its first character stands in the original
}

// segment closes the text.
func (t *text) segment(offsets bool) segment {
	n := 0
	for _, g := range t.g {
		n += max(utf8.RuneLen(g.r), 1)
	}
	b := make([]byte, 0, n)
	seg := segment{base: t.base}
	if len(t.g) > 0 {
		seg.base = t.g[0].from
	}
	if offsets {
		seg.from, seg.to = make([]int32, 0, n), make([]int32, 0, n)
	}
	for _, g := range t.g {
		b = appendRune(b, g.r)
		for offsets && len(seg.from) < len(b) {
			seg.from, seg.to = append(seg.from, g.from), append(seg.to, g.to)
		}
	}
	seg.s = string(b)
	return seg
}

// text opens the segment again for a step that changes its characters.
func (s segment) text() text {
	t := newText(s.s, 0, make([]glyph, 0, len(s.s)))
	t.base = s.base
	if s.from == nil {
		return t
	}
	for i, g := range t.g {
		t.g[i].from, t.g[i].to = s.from[g.from], s.to[g.to-1]
	}
	return t
}

// cut returns the part [lo, hi).
func (s segment) cut(lo, hi int) segment {
	s.s = s.s[lo:hi]
	s.base += int32(lo)
	if s.from != nil {
		s.from, s.to = s.from[lo:hi], s.to[lo:hi]
		if lo < hi {
			s.base = s.from[0]
		}
	}
	return s
}
