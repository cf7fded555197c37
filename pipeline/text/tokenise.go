package text

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/unicode/norm"
)

// Tokeniser cuts text into tokens: maximal runs of letters, marks, numbers and _ (so that an identifier is one), in the form
// [Normaliser]. "QUICK-brown, 2×" has the tokens quick, brown and 2. In scripts written without spaces (Han, Kana, Thai, Lao, Khmer,
// Myanmar) every character is a token, or a sentence would be one. The zero value is ready; its buffers are reused, so it
// serves one goroutine, and what a call returns is valid until the next.
type Tokeniser struct {
	low    []byte   // tokens in lower case, with at least 8 bytes of room behind
	hashes []uint64 // of the tokens
	bounds []span   // of the tokens in low, where they were asked for
	nfc    []byte
	out    int               // length of low in use
	start  int               // of the open token in low
	open   bool              // the text so far ends inside a token
	keep   bool              // record bounds
	table  *[lowRunes]uint16 // see lowTable; set by the first text that needs it
}

type span struct{ lo, hi int }

// Hashes returns the hash of every token of s.
func (t *Tokeniser) Hashes(s string) []uint64 {
	t.keep = false
	t.scan(s)
	return t.hashes
}

// Tokens returns the number of tokens of s; [Tokeniser.Token] tells them.
func (t *Tokeniser) Tokens(s string) int {
	t.keep = true
	t.bounds = t.bounds[:0]
	t.scan(s)
	return len(t.bounds)
}

// Token returns token i of the last call of [Tokeniser.Tokens].
func (t *Tokeniser) Token(i int) []byte { return t.low[t.bounds[i].lo:t.bounds[i].hi] }

// block is how many bytes are looked at in one go: one bit each in a 64-bit mask.
const block = 64

func (t *Tokeniser) scan(s string) {
	t.hashes, t.out, t.open = t.hashes[:0], 0, false
	t.room(len(s))
	normal := false // s is known to be in normal form
	for i := 0; i < len(s); {
		var n int
		if i+block <= len(s) {
			n = t.ascii(s[i:i+block], block)
		} else {
			var tail [block]byte
			n = copy(tail[:], s[i:])
			n = t.ascii(unsafe.String(&tail[0], block), n)
		}
		if i += n; n == block || i == len(s) {
			continue
		}
		if t.table == nil {
			t.table = lowTable()
		}
		for i < len(s) && !(i+8 <= len(s) && load(s[i:])&high == 0) {
			r, w := utf8.DecodeRuneInString(s[i:])
			if !normal && !isStable(r) {
				normal = true
				if !norm.NFC.IsNormalString(s) {
					// What was taken so far may change too: a mark joins the letter before it.
					t.nfc = norm.NFC.AppendString(t.nfc[:0], s)
					s = string(t.nfc)
					t.hashes, t.bounds, t.out, t.open, i = t.hashes[:0], t.bounds[:0], 0, false, 0
					t.room(len(s))
					break
				}
			}
			t.rune(r, w)
			i += w
		}
	}
	t.close()
}

// room makes t.low hold the tokens of n bytes: a letter takes at most half as much again in lower case (Ⱥ, two bytes, becomes ⱥ,
// three).
func (t *Tokeniser) room(n int) {
	if need := n + n/2 + 2*block; len(t.low) < need {
		t.low = make([]byte, need)
	}
}

// ascii takes the first n bytes of s, which is a block long, up to the first that is not ASCII, and returns how many it took.
func (t *Tokeniser) ascii(s string, n int) int {
	// Both hold a block from here on: nothing below is out of bounds.
	from := unsafe.Pointer(unsafe.StringData(s[:block]))
	to := unsafe.Pointer((*[block]byte)(t.low[t.out:]))
	var m uint64 // a bit for each byte that belongs to a token
	for j := 0; j < block; j += 8 {
		x := binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(from, j))[:])
		h := x & high
		x = lower8(x)
		// What lies behind the end of the last token is overwritten by what comes next.
		binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(to, j))[:], x)
		m |= words8(x&^high) << j
		if h != 0 {
			n = min(n, j+bits.TrailingZeros64(h)/8)
			break
		}
	}
	carry := uint64(0)
	if t.open {
		carry = 1
	}
	// An edge where m has the bit starts a token, else it ends one. Edges behind n are not ours.
	edges := m ^ (m<<1 | carry)
	if n < block {
		edges &= 1<<n - 1
	}
	hashes, start := t.hashes, t.start
	for ; edges != 0; edges &= edges - 1 {
		at := bits.TrailingZeros64(edges)
		if m>>(at&63)&1 != 0 {
			start = t.out + at
			continue
		}
		end := t.out + at
		if size := end - start; size <= 8 {
			hashes = append(hashes, hashShort(t.low[start:], size))
		} else {
			hashes = append(hashes, hashLong(t.low[start:], size))
		}
		if t.keep {
			t.bounds = append(t.bounds, span{start, end})
		}
	}
	t.hashes, t.start = hashes, start
	if n > 0 {
		t.open = m>>((n-1)&63)&1 != 0
	}
	t.out += n
	return n
}

// rune takes one character, w bytes long.
func (t *Tokeniser) rune(r rune, w int) {
	if r < lowRunes {
		c := rune(t.table[r])
		if c == 0 {
			t.close()
			return
		}
		t.begin()
		t.out += utf8.EncodeRune(t.low[t.out:t.out+utf8.UTFMax], c)
		return
	}
	if r == utf8.RuneError && w == 1 || !isWord(r) {
		t.close()
		return
	}
	alone := isUnspaced(r)
	if alone {
		t.close()
	}
	t.begin()
	t.out += utf8.EncodeRune(t.low[t.out:t.out+utf8.UTFMax], lower(r))
	if alone {
		t.close()
	}
}

func (t *Tokeniser) begin() {
	if !t.open {
		t.start, t.open = t.out, true
	}
}

func (t *Tokeniser) close() {
	if t.open {
		t.end(t.start, t.out)
		t.open = false
	}
}

func (t *Tokeniser) end(lo, hi int) {
	t.hashes = append(t.hashes, hashWord(t.low[lo:], hi-lo))
	if t.keep {
		t.bounds = append(t.bounds, span{lo, hi})
	}
}

// load reads the first 8 bytes of s; the compiler makes it one instruction.
func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// lowRunes bounds the characters that are looked up in a table: Latin, Greek, Cyrillic, Hebrew and Arabic, which all
// write spaces between words.
const lowRunes = 0x800

// lowTable maps a character of a token to lower case, every other one to 0.
var lowTable = sync.OnceValue(func() *[lowRunes]uint16 {
	var t [lowRunes]uint16
	for r := range rune(lowRunes) {
		if r == '_' || isWord(r) {
			t[r] = uint16(lower(r))
		}
	}
	return &t
})

// isStable reports whether r never changes nor joins another character under NFC. It is false for some that are
// stable: then the whole text is looked at.
func isStable(r rune) bool {
	return r < 0x300 || 0x400 <= r && r <= 0x482 || 0x2010 <= r && r <= 0x2027 ||
		0x3041 <= r && r <= 0x3096 || 0x30a1 <= r && r <= 0x30fa || 0x4e00 <= r && r <= 0x9fff
}

func isWord(r rune) bool { return unicode.In(r, unicode.L, unicode.M, unicode.N) }

// isUnspaced reports whether r is of a script that is written without spaces between words.
func isUnspaced(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
