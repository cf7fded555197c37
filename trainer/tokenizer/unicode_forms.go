package tokenizer

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unicodeForm is one of the four Unicode normalisation forms (UAX #15), version 9; the zero value is NFD. The edits are kept
// as the reference keeps them: a decomposed character stays one with its base, a composed one points at its first part.
type unicodeForm struct {
	compat  bool // NFKC, NFKD
	compose bool // NFC, NFKC
}

func (n unicodeForm) form() norm.Form {
	switch {
	case n.compat && n.compose:
		return norm.NFKC
	case n.compat:
		return norm.NFKD
	case n.compose:
		return norm.NFC
	}
	return norm.NFD
}

func (unicodeForm) ascii(b byte) (byte, bool, bool) { return b, true, true }

// normal reports that s is in the form already, so that nothing has to be done.
func (n unicodeForm) normal(s string) bool { return n.form().IsNormalString(s) }

func (n unicodeForm) normalize(t *text) {
	if !slices.ContainsFunc(t.g, func(g glyph) bool { return g.r >= utf8.RuneSelf }) {
		return
	}
	d := n.decompose(t.g)
	if n.compose {
		d = compose(d)
	}
	edits := make([]edit, len(d))
	for i, c := range d {
		edits[i] = c.edit
	}
	t.apply(edits, 0)
}

// classed is an edit with its canonical combining class.
type classed struct {
	edit
	ccc uint8
}

// decompose returns the full decomposition in canonical order: "ộ" is o, U+0323, U+0302.
func (n unicodeForm) decompose(in []glyph) []classed {
	out := make([]classed, 0, len(in)+8)
	starter := 0 // the marks after out[starter:] are not in order yet
	push := func(r rune, first bool) {
		c := classed{edit{r, 1}, 0}
		if first {
			c.change = 0
		}
		if r >= 0x300 {
			c.ccc = combiningClass(r)
		}
		if c.ccc == 0 {
			sortMarks(out[starter:])
			starter = len(out)
		}
		out = append(out, c)
	}
	for _, g := range in {
		if g.r < 0xa0 {
			push(g.r, true)
			continue
		}
		first := true
		n.each(g.r, func(r rune) {
			push(r, first)
			first = false
		})
	}
	sortMarks(out[starter:])
	return out
}

func sortMarks(m []classed) {
	slices.SortStableFunc(m, func(a, b classed) int { return int(a.ccc) - int(b.ccc) })
}

// each calls f with the characters r decomposes to, or r itself.
func (n unicodeForm) each(r rune, f func(rune)) {
	if s := r - hangulS; 0 <= s && s < 11172 {
		f(hangulL + s/588)
		f(hangulV + s%588/28)
		if s%28 > 0 {
			f(hangulT + s%28)
		}
		return
	}
	form := norm.NFD
	if n.compat {
		form = norm.NFKD
	}
	var b [utf8.UTFMax]byte
	d := form.Properties(utf8.AppendRune(b[:0], r)).Decomposition()
	if d == nil || inRanges(laterForms, r) {
		f(r)
		return
	}
	for len(d) > 0 {
		c, w := utf8.DecodeRune(d)
		f(c)
		d = d[w:]
	}
}

func combiningClass(r rune) uint8 {
	var b [utf8.UTFMax]byte
	ccc := norm.NFD.Properties(utf8.AppendRune(b[:0], r)).CCC()
	if ccc != 0 && inRanges(laterMarks, r) {
		return 0 // unknown to the reference's version
	}
	return ccc
}

// First characters of the Hangul blocks (Unicode 3.12).
const hangulS, hangulL, hangulV, hangulT = 0xac00, 0x1100, 0x1161, 0x11a7

// compose joins canonically ordered characters again: each mark with the last starter, unless a mark of the same
// or a higher class stands between.
func compose(in []classed) []classed {
	out := make([]classed, 0, len(in))
	base := -1 // index in out of the last starter
	var last uint8
	for _, c := range in {
		blocked := base < 0 || len(out)-1 > base && last >= c.ccc
		if !blocked {
			if r, ok := composePair(out[base].r, c.r); ok {
				out[base].r = r
				out[base].change += c.change - 1
				continue
			}
		}
		if out = append(out, c); c.ccc == 0 {
			base = len(out) - 1
		}
		last = c.ccc
	}
	return out
}

// composePair returns the primary composite of a and b.
func composePair(a, b rune) (rune, bool) {
	switch l, v, s := a-hangulL, b-hangulV, a-hangulS; {
	case 0 <= l && l < 19 && 0 <= v && v < 21:
		return hangulS + (l*21+v)*28, true
	case 0 <= s && s < 11172 && s%28 == 0 && hangulT < b && b < hangulT+28:
		return a + b - hangulT, true
	}
	if a < 0x3c || b < 0x300 {
		return 0, false
	}
	var buf, out [2 * utf8.UTFMax]byte
	pair := utf8.AppendRune(utf8.AppendRune(buf[:0], a), b)
	joined := norm.NFC.Append(out[:0], pair...)
	r, w := utf8.DecodeRune(joined)
	return r, w == len(joined) && !inRanges(laterForms, r)
}
