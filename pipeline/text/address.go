package text

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// isAddress reports whether s, which has no white space, is a web or mail address or a host name: it is not cut. What address matches
// decides; source code is full of dots, so what is plainly a host name, or plainly none, is told without it.
func isAddress(s string) bool {
	i := strings.IndexByte(s, '.')
	if i <= 0 || i == len(s)-1 {
		return false
	}
	end := len(s) // of the host, where there is neither scheme nor user
	for i := range len(s) {
		switch c := s[i]; {
		case c == '@' || c >= utf8.RuneSelf || c == ':' && strings.HasPrefix(s[i:], "://"):
			return address.MatchString(s)
		case end == len(s) && (c == ':' || c == '/' || c == '?' || c == '#'):
			end = i
		}
	}
	host := s[:end]
	switch last := strings.LastIndexByte(host, '.'); {
	case last < 0:
		return false
	case isDigit(host[end-1]): // only an IP address ends in a digit
		return strings.Count(host, ".") == 3 && address.MatchString(s)
	default:
		return isHost(host[:last], host[last+1:]) && isBehindHost(s[end:])
	}
}

// isHost reports whether labels, parted by dots, and tld are the name of a host in ASCII.
func isHost(labels, tld string) bool {
	if len(tld) < 2 || len(tld) > 63 {
		return false
	}
	for i := range len(tld) {
		if tld[i] < 'a' || tld[i] > 'z' {
			return false
		}
	}
	for label := range strings.SplitSeq(labels, ".") {
		n := len(label)
		if n == 0 || n > 64 || !isAlnum(label[0]) || !isAlnum(label[n-1]) {
			return false
		}
		for i := range n {
			if c := label[i]; !isAlnum(c) && c != '_' && c != '-' {
				return false
			}
		}
	}
	return true
}

// isBehindHost reports whether s is nothing, a port, a path, a query or a fragment.
func isBehindHost(s string) bool {
	if s == "" || s[0] != ':' {
		return true
	}
	n := 1
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n >= 3 && n <= 6 && (n == len(s) || strings.IndexByte("/?#", s[n]) >= 0)
}

var address = regexp.MustCompile(`^(?:[\pL\pN_+\-.]{2,}://)?(?:\S+(?::\S*)?@)?` +
	`(?:(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3])(?:\.(?:1?\d{1,2}|2[0-4]\d|25[0-5])){2}(?:\.(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4]))` +
	`|(?:(?:[A-Za-z0-9\x{a1}-\x{ffff}][A-Za-z0-9\x{a1}-\x{ffff}_-]{0,62})?[A-Za-z0-9\x{a1}-\x{ffff}]\.)+(?:[\p{Ll}\p{Lo}]{2,63}))` +
	`(?::\d{2,5})?(?:[/?#]\S*)?$`)
