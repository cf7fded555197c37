package tokenizer

import "unicode/utf8"

// The byte-level alphabet of GPT-2 (Radford et al. 2019, encoder.py bytes_to_unicode) writes each of the 256 bytes
// as one printable character: the printable Latin-1 bytes as themselves, the 68 others as U+0100 and up, in order.
//
//	byteRune('a') = 'a', byteRune(' ') = 'Ġ' (U+0120), byteRune(0xC3) = 'Ã'

func printable(b byte) bool { return '!' <= b && b <= '~' || 0xa1 <= b && b <= 0xac || b >= 0xae }

func byteRune(b byte) rune {
	switch {
	case printable(b):
		return rune(b)
	case b <= ' ':
		return 0x100 + rune(b) // bytes 0..32
	case b <= 0xa0:
		return 0x100 + 33 + rune(b-0x7f) // 127..160
	}
	return 0x100 + 67 // 173
}

// runeByte is the inverse of byteRune; ok is false outside the alphabet.
func runeByte(r rune) (b byte, ok bool) {
	switch {
	case 0 <= r && r < 0x100:
		return byte(r), printable(byte(r))
	case 0x100 <= r && r <= 0x120:
		return byte(r - 0x100), true
	case 0x121 <= r && r <= 0x142:
		return byte(r-0x121) + 0x7f, true
	case r == 0x143:
		return 0xad, true
	}
	return 0, false
}

// toByteLevel writes raw bytes in the alphabet: " é" is "ĠÃ©".
func toByteLevel(raw string) string {
	out := make([]byte, 0, len(raw)*2)
	for i := range len(raw) {
		out = utf8.AppendRune(out, byteRune(raw[i]))
	}
	return string(out)
}

// fromByteLevel is the inverse; ok is false when s has a character outside the alphabet.
func fromByteLevel(s string) (raw string, ok bool) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := runeByte(r)
		if !ok {
			return "", false
		}
		out = append(out, b)
	}
	return string(out), true
}
