package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// surface is what WordStarts needs to know of a token.
type surface uint8

const (
	opens    surface = 1 << iota // begins with a space, a ▁, or is no continuation by its spelling (WordPiece)
	closes                       // ends with white space
	wordHead                     // its first character is of a word
	wordTail                     // its last character is of a word
	bare                         // is one space and nothing else
	alone                        // special
)

// describeSurfaces fills t.surface.
func (t *Tokenizer) describeSurfaces() {
	prefix := ""
	wordPieces := false
	if t.file.Model.kind == "WordPiece" {
		wordPieces = true
		if prefix = "##"; t.file.Model.Prefix != nil {
			prefix = *t.file.Model.Prefix
		}
	}
	bytes := false
	if m, ok := t.model.(*bpe); ok {
		bytes = m.raw
	}
	t.surface = make([]surface, t.rows)
	for id := range t.surface {
		tok := t.Token(int32(id))
		if tok == "" {
			continue
		}
		if a, added := t.extra[int32(id)]; added && a.Special {
			t.surface[id] = alone
			continue
		} else if wordPieces && !added {
			if rest, ok := strings.CutPrefix(tok, prefix); ok && rest != "" {
				t.surface[id] = surfaceOf(rest) &^ opens
			} else {
				t.surface[id] = surfaceOf(tok) | opens
			}
			continue
		} else if raw, ok := fromByteLevel(tok); ok && bytes && !added {
			tok = raw
		} else if b, ok := parseByteToken(tok); ok && t.file.Model.ByteFallback {
			tok = string([]byte{b})
		}
		t.surface[id] = surfaceOf(strings.ReplaceAll(tok, "▁", " "))
	}
}

// surfaceOf looks at the ends of a text. Half a character counts as part of a word, so that the bytes of one
// character stay together.
func surfaceOf(s string) surface {
	var f surface
	first, n := utf8.DecodeRuneInString(s)
	last, m := utf8.DecodeLastRuneInString(s)
	if unicode.IsSpace(first) {
		f |= opens
	}
	if unicode.IsSpace(last) {
		f |= closes
	}
	if s == " " {
		f |= bare
	}
	if inWord(first) || n == 1 && first == utf8.RuneError {
		f |= wordHead
	}
	if inWord(last) || m == 1 && last == utf8.RuneError {
		f |= wordTail
	}
	return f
}

func inWord(r rune) bool { return sharedClasses().of(r)&(letter|number|mark) != 0 }

// WordStarts appends to dst, for each id, whether a word begins there: at a special token and behind one, at white
// space or behind it, and where letters and digits meet anything else. A space that is a token of its own belongs to
// what follows. A whole word is the run from one start to the next:
//
//	"Ġun" "believ" "able" "!"  ->  true false false true
//	"▁" "believ" "able"        ->  true false false
//
// It needs ids only, so it works on the token cache as well as on an [Encoding].
func (t *Tokenizer) WordStarts(dst []bool, ids []int32) []bool {
	last := alone
	for _, id := range ids {
		now := alone
		if id >= 0 && int(id) < len(t.surface) {
			now = t.surface[id]
		}
		joined := last&closes == 0 && now&wordHead != 0 && last&wordTail != 0 || last&bare != 0
		inside := joined && now&(opens|alone) == 0 && last&alone == 0
		dst = append(dst, !inside)
		last = now
	}
	return dst
}
