package text

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is told without the pattern is what the pattern tells.
func TestAddressIsItsPattern(t *testing.T) {
	byPattern := func(s string) bool {
		i := strings.IndexByte(s, '.')
		return i > 0 && i < len(s)-1 && address.MatchString(s)
	}
	for s, want := range map[string]bool{
		"fmt.Println": false, "b.N": false, "example.com": true, "x_y.example.de:8080/a?b": true, "a.b:1": false, "a.b:123456": false,
		"me@example.org": true, "f(x)@example.org": true, "http://a-b.example.com": true, "192.168.0.1": true, "1.2.3": false,
		"224.0.0.1": false, "3.14": false, "-a.example.com": false, "v1.2.io": true, "a..com": false, "bücher.example.de": true,
		strings.Repeat("a", 64) + ".com": true, strings.Repeat("a", 65) + ".com": false,
	} {
		if isAddress(s) != want || byPattern(s) != want {
			t.Errorf("%q: %v, by the pattern %v, want %v", s, isAddress(s), byPattern(s), want)
		}
	}
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{".", ".", "a", "ab", "com", "Z", "_", "-", ":", "//", "/", "?", "#", "@", "(", "é", "ŉ", "1", "12", "192",
		"255", "0", "80", "123456", strings.Repeat("x", 31), "\xff", "+", "ª"}), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(parts.Draw(t, "parts"), "")
		if isAddress(s) != byPattern(s) {
			t.Fatalf("%q: %v", s, isAddress(s))
		}
	})
}
