package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode"
)

// TestClasses holds every character class against the reference (tokenizers 0.23.3): number of code points and the
// first half of the SHA-256 of its ranges, asked code point by code point. When Go's Unicode tables move on, this test
// says which of the ranges in class_ranges.go need another look.
func TestClasses(t *testing.T) {
	c := sharedClasses()
	bit := func(b uint8) func(rune) bool { return func(r rune) bool { return c.of(r)&b != 0 } }
	removes := func(n normalizer) func(rune) bool {
		return func(r rune) bool {
			x := text{g: []glyph{{r: r}}}
			n.normalize(&x)
			return len(x.g) == 0
		}
	}
	for _, want := range []struct {
		name  string
		in    func(rune) bool
		count int
		sum   string
	}{
		{`\p{L}`, bit(letter), 141028, "caa8534b1517544d"},
		{`\p{N}`, bit(number), 1911, "00d6193776f57fde"},
		{`\p{M}`, bit(mark), 2501, "32c72612be3be080"},
		{`\p{Lu}\p{Lt}`, bit(upper), 1889, "a32b7b696e982b3c"},
		{`\p{Ll}`, bit(lower), 2258, "57b95fa93fe52e0a"},
		{`\s`, bit(space), 25, "64effb85eeb7aca4"},
		{`\w`, bit(wordish), 144667, "851a4035217cb7f2"},
		{"punctuation", bit(punct), 726, "13feeb260fb97251"},
		{"numeric", func(r rune) bool { is, _ := numerals{c}.numeric(string(r), 0); return is }, 1924, "7405ec7397515332"},
		{"removed by BERT's cleaning", removes(bertNormalizer{clean: true}), 137681, "0c5b9d0f7bc12911"},
		{"removed with BERT's accents", nonspacing, 1567, "37bc54d1dff679fb"},
		{"removed by StripAccents", removes(stripAccents{}), 2097, "4247c47d97343a64"},
	} {
		var ranges strings.Builder
		count, from := 0, rune(-1)
		for r := rune(0); r <= unicode.MaxRune+1; r++ {
			in := r <= unicode.MaxRune && (r < 0xd800 || r > 0xdfff) && want.in(r)
			if in {
				count++
			}
			if in && from < 0 {
				from = r
			}
			if !in && from >= 0 {
				fmt.Fprintf(&ranges, "%x-%x\n", from, r-1)
				from = -1
			}
		}
		sum := sha256.Sum256([]byte(ranges.String()))
		if got := hex.EncodeToString(sum[:8]); count != want.count || got != want.sum {
			t.Errorf("%s: %d code points, sum %s; want %d, %s (Go's Unicode is %s)", want.name, count, got, want.count, want.sum, unicode.Version)
		}
	}
}

func TestByteLevelAlphabet(t *testing.T) {
	seen := map[rune]bool{}
	for i := range 256 {
		r := byteRune(byte(i))
		if back, ok := runeByte(r); !ok || back != byte(i) || seen[r] || unicode.IsSpace(r) || unicode.IsControl(r) {
			t.Errorf("byte %#x is %q, back %#x %t", i, r, back, ok)
		}
		seen[r] = true
	}
	for r := rune(-2); r < 0x400; r++ {
		if _, ok := runeByte(r); ok != seen[r] {
			t.Errorf("%U in the alphabet: %t", r, ok)
		}
	}
	if got := toByteLevel(" é\n"); got != "ĠÃ©Ċ" {
		t.Errorf("toByteLevel = %q", got)
	}
}
