package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode turns ids into text; skipSpecial leaves special tokens out. Ids that are no token are passed over. Bytes
// that are not UTF-8, as at the cut end of a character, become U+FFFD, in the way of the reference.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	return validUTF8(t.decode(ids, skipSpecial, false))
}

// DecodeBytes is [Tokenizer.Decode] without the last step: half a character stays half a character. For byte-level
// tokenizers without normaliser it gives back exactly the bytes that were encoded.
func (t *Tokenizer) DecodeBytes(ids []int32, skipSpecial bool) []byte {
	return []byte(t.decode(ids, skipSpecial, true))
}

func (t *Tokenizer) decode(ids []int32, skipSpecial, raw bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if tok := t.Token(id); tok != "" && !(skipSpecial && t.IsSpecial(id)) {
			tokens = append(tokens, tok)
		}
	}
	if t.dec == nil {
		return strings.Join(tokens, " ")
	}
	return strings.Join(t.dec.decode(tokens, raw), "")
}

// validUTF8 puts one U+FFFD for each maximal part of a character that cannot be completed (Unicode 3.9, "substitution
// of maximal subparts"): "\xE2\x82a" is "\uFFFDa".
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			n = maximalSubpart(s[i:])
			b.WriteRune(utf8.RuneError)
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// maximalSubpart returns the length of the longest beginning of s that a valid character could have; at least 1.
func maximalSubpart(s string) int {
	lo, hi, n := byte(0x80), byte(0xbf), 0
	switch c := s[0]; {
	case 0xc2 <= c && c <= 0xdf:
		n = 1
	case 0xe0 <= c && c <= 0xef:
		n = 2
		if c == 0xe0 {
			lo = 0xa0
		} else if c == 0xed {
			hi = 0x9f
		}
	case 0xf0 <= c && c <= 0xf4:
		n = 3
		if c == 0xf0 {
			lo = 0x90
		} else if c == 0xf4 {
			hi = 0x8f
		}
	}
	i := 1
	for ; i <= n && i < len(s) && lo <= s[i] && s[i] <= hi; i++ {
		lo, hi = 0x80, 0xbf
	}
	return i
}

// A decoder turns tokens into pieces of text. Raw keeps bytes that are not UTF-8.
type decoder interface {
	decode(tokens []string, raw bool) []string
}

// decoders run in order (the Sequence of the file).
type decoders []decoder

func (d decoders) decode(tokens []string, raw bool) []string {
	for _, x := range d {
		tokens = x.decode(tokens, raw)
	}
	return tokens
}

// eachToken decodes token by token.
type eachToken func(i, n int, token string) string

func (f eachToken) decode(tokens []string, _ bool) []string {
	for i, t := range tokens {
		tokens[i] = f(i, len(tokens), t)
	}
	return tokens
}

// byteLevelDecoder joins the bytes that the tokens spell in the byte-level alphabet; a token with other characters
// stands for itself.
type byteLevelDecoder struct{}

func (byteLevelDecoder) decode(tokens []string, raw bool) []string {
	var b strings.Builder
	for _, t := range tokens {
		if bytes, ok := fromByteLevel(t); ok {
			t = bytes
		}
		b.WriteString(t)
	}
	if raw {
		return []string{b.String()}
	}
	return []string{validUTF8(b.String())}
}

// byteFallbackDecoder joins runs of <0xE2> tokens to characters; a run that is not UTF-8 becomes one U+FFFD a byte.
type byteFallbackDecoder struct{}

func (byteFallbackDecoder) decode(tokens []string, raw bool) []string {
	out := make([]string, 0, len(tokens))
	var run []byte
	flush := func() {
		switch {
		case len(run) == 0:
		case raw || utf8.Valid(run):
			out = append(out, string(run))
		default:
			for range run {
				out = append(out, "\uFFFD")
			}
		}
		run = run[:0]
	}
	for _, t := range tokens {
		if b, ok := parseByteToken(t); ok {
			run = append(run, b)
			continue
		}
		flush()
		out = append(out, t)
	}
	flush()
	return out
}

// parseByteToken reads <0x0A>.
func parseByteToken(t string) (byte, bool) {
	if len(t) != 6 || t[:3] != "<0x" || t[5] != '>' {
		return 0, false
	}
	digit := func(c byte) int {
		if 'A' <= c && c <= 'F' {
			c |= 0x20
		}
		return strings.IndexByte("0123456789abcdef", c)
	}
	hi, lo := digit(t[3]), digit(t[4])
	return byte(hi<<4 | lo), hi >= 0 && lo >= 0
}

// wordPieceDecoder puts spaces between words and takes the prefix off.
func wordPieceDecoder(prefix string, cleanup bool) eachToken {
	return func(i, _ int, t string) string {
		if i > 0 {
			if rest, ok := strings.CutPrefix(t, prefix); ok {
				t = rest
			} else {
				t = " " + t
			}
		}
		if cleanup {
			t = tidy(t)
		}
		return t
	}
}

// tidy takes out the spaces that English does not write. Its one surprise, " do not" for " don't", is the reference's.
func tidy(s string) string {
	if strings.IndexByte(s, ' ') < 0 {
		return s
	}
	for _, p := range [][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
		{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, p[0], p[1])
	}
	return s
}

// metaspaceDecoder writes the mark as a space again; in the first token it vanishes when one was put there.
func metaspaceDecoder(mark string, prepended bool) eachToken {
	return func(i, _ int, t string) string {
		if i == 0 && prepended {
			return strings.ReplaceAll(t, mark, "")
		}
		return strings.ReplaceAll(t, mark, " ")
	}
}

// fuse joins everything to one piece.
type fuse struct{}

func (fuse) decode(tokens []string, _ bool) []string { return []string{strings.Join(tokens, "")} }

// stripDecoder takes up to left and right copies of content off the ends of each piece.
func stripDecoder(content string, left, right int) eachToken {
	return func(_, _ int, t string) string {
		for range left {
			rest, ok := strings.CutPrefix(t, content)
			if !ok {
				break
			}
			t = rest
		}
		for range right {
			rest, ok := strings.CutSuffix(t, content)
			if !ok {
				break
			}
			t = rest
		}
		return t
	}
}

// ctc joins repeated tokens and drops the blank, as models of speech write them.
type ctc struct {
	pad, space string
	cleanup    bool
}

func (d ctc) decode(tokens []string, _ bool) []string {
	out := make([]string, 0, len(tokens))
	for i, t := range tokens {
		if i > 0 && t == tokens[i-1] {
			continue
		}
		t = strings.ReplaceAll(t, d.pad, "")
		if d.cleanup {
			t = strings.ReplaceAll(tidy(t), d.space, " ")
		}
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}
