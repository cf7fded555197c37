package tokenizer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// precompiled is the compiled character map of SentencePiece (precompiled_charsmap): a double-array trie
// (darts-clone) from strings to places in a blob of NUL-terminated replacements.
//
//	bytes 0..3   size of the trie in bytes, little endian
//	then         the trie, one uint32 a unit
//	then         the blob
type precompiled struct {
	units []uint32
	blob  []byte
}

func newPrecompiled(charsmap []byte) (precompiled, error) {
	if len(charsmap) < 4 {
		return precompiled{}, fmt.Errorf("precompiled_charsmap has %d bytes, want at least 4", len(charsmap))
	}
	n, rest := int(binary.LittleEndian.Uint32(charsmap)), charsmap[4:]
	if n%4 != 0 || n > len(rest) {
		return precompiled{}, fmt.Errorf("precompiled_charsmap: a trie of %d bytes does not fit in %d", n, len(rest))
	}
	p := precompiled{units: make([]uint32, n/4), blob: rest[n:]}
	for i := range p.units {
		p.units[i] = binary.LittleEndian.Uint32(rest[4*i:])
	}
	if !utf8.Valid(p.blob) {
		return precompiled{}, fmt.Errorf("precompiled_charsmap: the replacements are not UTF-8")
	}
	return p, nil
}

// find returns the replacement of the shortest prefix of s that has one. (SentencePiece asks for the longest; the
// reference takes the first, and so do we.)
func (p precompiled) find(s []byte) ([]byte, bool) {
	if len(p.units) == 0 {
		return nil, false
	}
	offset := func(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }
	at := offset(p.units[0])
	for _, c := range s {
		if at ^= uint32(c); c == 0 || int(at) >= len(p.units) {
			return nil, false
		}
		u := p.units[at]
		if u&(1<<31|0xff) != uint32(c) {
			return nil, false
		}
		if at ^= offset(u); u>>8&1 == 0 {
			continue
		}
		if int(at) >= len(p.units) {
			return nil, false
		}
		start := int(p.units[at] & 0x7fffffff)
		if start > len(p.blob) {
			return nil, false
		}
		found, _, _ := bytes.Cut(p.blob[start:], []byte{0})
		return found, true
	}
	return nil, false
}

// normalize tries each grapheme cluster of up to five bytes as a whole, then its characters one by one.
func (p precompiled) normalize(t *text) {
	var edits []edit
	changed := false
	emit := func(norm []byte, old int) {
		changed = true
		n := utf8.RuneCount(norm)
		for _, r := range string(norm) {
			edits = append(edits, edit{r, 0})
		}
		if n > old {
			for i := range n - old {
				edits[len(edits)-1-i].change = 1
			}
		} else if n < old && len(edits) > 0 {
			edits[len(edits)-1].change += n - old
		}
	}
	var b [utf8.UTFMax]byte
	at := 0 // glyphs consumed
	clusters := graphemes.FromString(t.segment(false).s)
	for clusters.Next() {
		cluster := clusters.Value()
		n := utf8.RuneCountInString(cluster)
		if len(cluster) < 6 {
			if norm, ok := p.find([]byte(cluster)); ok {
				emit(norm, n)
				at += n
				continue
			}
		}
		for _, g := range t.g[at:min(at+n, len(t.g))] {
			if norm, ok := p.find(appendRune(b[:0], g.r)); ok {
				emit(norm, 1)
			} else {
				edits = append(edits, edit{g.r, 0})
			}
		}
		at += n
	}
	if changed {
		t.apply(slices.Clip(edits), 0)
	}
}

func (p precompiled) ascii(b byte) (byte, bool, bool) {
	_, changed := p.find([]byte{b})
	// CR LF is one cluster: it could be mapped as a whole.
	return b, true, !changed && b != '\r'
}
