package text

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Normaliser names the form that [AppendNormal] makes, for the settings of stored keys: Unicode NFC, then
// every character in lower case by its simple mapping; the final sigma counts as sigma, since ΟΔΟΣ and οδός are one word.
const Normaliser = "nfc-lower/1"

func lower(r rune) rune {
	if r == 'ς' {
		return 'σ'
	}
	return unicode.ToLower(r)
}

// AppendNormal appends s in the form [Normaliser]: "ÉCOLE" and "E\u0301cole" both give "école".
func AppendNormal(dst []byte, s string) []byte {
	normal := false // s is known to be NFC
	at := len(dst)
	for i := 0; i < len(s); {
		if i+8 <= len(s) {
			if x := load(s[i:]); x&high == 0 {
				dst = binary.LittleEndian.AppendUint64(dst, lower8(x))
				i += 8
				continue
			}
		}
		r, w := utf8.DecodeRuneInString(s[i:])
		if !normal && !isStable(r) {
			normal = true
			if !norm.NFC.IsNormalString(s) {
				s, dst, i = norm.NFC.String(s), dst[:at], 0
				continue
			}
		}
		switch {
		case r < utf8.RuneSelf:
			if 'A' <= r && r <= 'Z' {
				r |= 0x20
			}
			dst = append(dst, byte(r))
		case r == utf8.RuneError && w == 1:
			dst = append(dst, s[i]) // not UTF-8: kept as it is
		default:
			dst = utf8.AppendRune(dst, lower(r))
		}
		i += w
	}
	return dst
}

// AppendFolded appends s as [AppendNormal] does, with every run of white space made one space and none at the ends.
func AppendFolded(dst []byte, s string) []byte {
	at := len(dst)
	dst = AppendNormal(dst, s)
	out := at
	space := true // at the start, white space is dropped
	for i := at; i < len(dst); {
		c := dst[i]
		if ' ' < c && c < utf8.RuneSelf {
			dst[out] = c
			out++
			i++
			space = false
			continue
		}
		r, w := rune(c), 1
		if c >= utf8.RuneSelf {
			r, w = utf8.DecodeRune(dst[i:])
		}
		switch {
		case !unicode.IsSpace(r):
			out += copy(dst[out:], dst[i:i+w])
			space = false
		case !space:
			dst[out] = ' '
			out++
			space = true
		}
		i += w
	}
	if out > at && space {
		out--
	}
	return dst[:out]
}
