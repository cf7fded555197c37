package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// template is what the post-processor of a tokenizer does: it puts special tokens around texts, and may take the
// white space out of the offsets (ByteLevel, Roberta).
type template struct {
	single, pair layout
	trim         bool
	prefixSpace  bool // with trim: the first token's space was put there by the pre-tokeniser
	cls, sep     int32
}

// layout is the order of texts and tokens of a result.
type layout []slot

// slot is text number seq, or, when seq is negative, the tokens ids. Kind is their segment id, -1 to leave a text's own.
type slot struct {
	seq  int
	ids  []int32
	kind int32
}

// plainTemplate adds nothing.
func plainTemplate() template {
	return template{single: layout{{seq: 0, kind: -1}}, pair: layout{{seq: 0, kind: -1}, {seq: 1, kind: -1}}, cls: -1, sep: -1}
}

// appendBefore appends the tokens before the text, appendAfter those behind it.
func (l layout) appendBefore(dst []int32) []int32 {
	for _, s := range l {
		if s.seq >= 0 {
			break
		}
		dst = append(dst, s.ids...)
	}
	return dst
}

func (l layout) appendAfter(dst []int32) []int32 {
	behind := false
	for _, s := range l {
		if s.seq >= 0 {
			behind = true
		} else if behind {
			dst = append(dst, s.ids...)
		}
	}
	return dst
}

// apply puts the texts into the layout.
func (l layout) apply(texts []Encoding, special bool) Encoding {
	if len(l) == 1 && l[0].kind <= 0 {
		return texts[0]
	}
	n := 4
	for _, x := range texts {
		n += len(x.IDs)
	}
	var out Encoding
	out.grow(n)
	for _, s := range l {
		if s.seq >= 0 {
			out.append(texts[s.seq], s.kind)
			continue
		}
		if special {
			for _, id := range s.ids {
				out.add(id, Span{}, -1, max(s.kind, 0), true)
			}
		}
	}
	return out
}

// trimOffsets takes the white space at the ends of tokens out of their offsets: " the" at 3..7 becomes 4..7. Like the
// reference it counts characters of the token, so they are counted in text as well.
func trimOffsets(e *Encoding, text string, prefixSpace bool, name func(int32) string) {
	blank := func(r rune) bool { return r == 'Ġ' || unicode.IsSpace(r) }
	for i, id := range e.IDs {
		tok := name(id)
		n := utf8.RuneCountInString(tok)
		lead := n - utf8.RuneCountInString(strings.TrimLeftFunc(tok, blank))
		tail := n - utf8.RuneCountInString(strings.TrimRightFunc(tok, blank))
		span := &e.Offsets[i]
		if (i == 0 || span.Start == 0) && prefixSpace && lead == 1 {
			lead = 0 // the pre-tokeniser put it there
		}
		for ; lead > 0 && span.Start < span.End; lead-- {
			_, w := utf8.DecodeRuneInString(text[span.Start:])
			span.Start += w
		}
		for ; tail > 0 && span.Start < span.End; tail-- {
			_, w := utf8.DecodeLastRuneInString(text[:span.End])
			span.End -= w
		}
	}
}
