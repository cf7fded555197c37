package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// Bits of a character's class. One character may have several.
const (
	letter  = 1 << iota // \p{L}
	number              // \p{N}
	space               // White_Space
	mark                // \p{M}
	upper               // \p{Lu}, \p{Lt}
	lower               // \p{Ll}
	punct               // ASCII punctuation and \p{P} as Unicode 8 had it
	wordish             // \w of the Rust regex crate: Alphabetic, M, Nd, Pc, Join_Control
)

// classes maps every code point to its class bits: pages of 256 code points, equal pages shared.
type classes struct {
	page  [0x1100]uint16
	cells []uint8
}

// of returns the class of r; a raw byte (see glyph) and anything out of range has none.
func (c *classes) of(r rune) uint8 {
	if uint32(r) > unicode.MaxRune {
		return 0
	}
	return c.cells[int(c.page[r>>8])<<8|int(r&0xff)]
}

// at returns the class and the width in bytes of the character at s[i]. A byte that is not UTF-8 is a character
// without class, one byte wide.
func (c *classes) at(s string, i int) (uint8, int) {
	if b := s[i]; b < utf8.RuneSelf {
		return c.cells[b], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	if n == 1 {
		return 0, 1
	}
	return c.of(r), n
}

// The classes are a constant of the process, computed at first use (about a millisecond).
var sharedClasses = sync.OnceValue(buildClasses)

func buildClasses() *classes {
	all := make([]uint8, unicode.MaxRune+1)
	set := func(bit uint8, tables ...*unicode.RangeTable) {
		for _, t := range tables {
			eachRune(t, func(r rune) { all[r] |= bit })
		}
	}
	patch := func(ranges []rune, on, off uint8) {
		for i := 0; i < len(ranges); i += 2 {
			for r := ranges[i]; r <= ranges[i+1]; r++ {
				all[r] = all[r]&^off | on
			}
		}
	}
	set(letter|wordish, unicode.L)
	set(number, unicode.N)
	set(mark|wordish, unicode.M)
	set(upper, unicode.Lu, unicode.Lt)
	set(lower, unicode.Ll)
	set(space, unicode.White_Space)
	set(punct, unicode.P)
	set(wordish, unicode.Nl, unicode.Nd, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
	for b := byte('!'); b < 0x7f; b++ {
		if asciiPunct(b) {
			all[b] |= punct
		}
	}
	patch(newLetters, letter|wordish, 0)
	patch(newNumbers, number|wordish, 0)
	patch(newMarks, mark|wordish, 0)
	patch(newUpper, upper, 0)
	patch(newLower, lower, 0)
	patch(laterPunct, 0, punct)
	patch(formerPunct, punct, 0)

	c := &classes{}
	seen := map[[256]uint8]uint16{}
	for p := range c.page {
		cell := [256]uint8(all[p<<8:])
		id, ok := seen[cell]
		if !ok {
			id = uint16(len(seen))
			seen[cell] = id
			c.cells = append(c.cells, cell[:]...)
		}
		c.page[p] = id
	}
	return c
}

func eachRune(t *unicode.RangeTable, f func(rune)) {
	for _, r := range t.R16 {
		for x := rune(r.Lo); x <= rune(r.Hi); x += rune(r.Stride) {
			f(x)
		}
	}
	for _, r := range t.R32 {
		for x := rune(r.Lo); x <= rune(r.Hi); x += rune(r.Stride) {
			f(x)
		}
	}
}

func asciiPunct(b byte) bool {
	return '!' <= b && b <= '/' || ':' <= b && b <= '@' || '[' <= b && b <= '`' || '{' <= b && b <= '~'
}

func inRanges(ranges []rune, r rune) bool {
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i] <= r && r <= ranges[i+1] {
			return true
		}
	}
	return false
}
