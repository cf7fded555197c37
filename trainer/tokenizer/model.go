package tokenizer

import "fmt"

// A token is one id and the bytes [lo, hi) of the word it covers.
type token struct {
	id     int32
	lo, hi int32
}

// A model cuts one word into tokens.
type model interface {
	// tokenize appends the tokens of word, which is not empty.
	tokenize(w *work, word string, dst []token) []token
}

// vocabulary maps tokens to ids and back. Ids may have gaps.
type vocabulary struct {
	ids    map[string]int32
	tokens []string // by id; "" where there is none
}

// newVocabulary numbers tokens by their place. Of equal tokens the last one is meant by the text.
func newVocabulary(tokens []string) *vocabulary {
	v := &vocabulary{ids: make(map[string]int32, len(tokens)), tokens: tokens}
	for i, t := range tokens {
		v.ids[t] = int32(i)
	}
	return v
}

// maxID bounds the ids that a file may use, so that a wrong number cannot ask for all memory.
const maxID = 1 << 21

// vocabularyOf makes a vocabulary of the map of a file.
func vocabularyOf(ids map[string]int32) (*vocabulary, error) {
	top := int32(-1)
	for t, id := range ids {
		if id < 0 || id >= maxID {
			return nil, fmt.Errorf("token %q has id %d, want 0 to %d", t, id, maxID-1)
		}
		top = max(top, id)
	}
	v := &vocabulary{ids: ids, tokens: make([]string, top+1)}
	for t, id := range ids {
		if t == "" {
			continue
		}
		if old := v.tokens[id]; old != "" {
			return nil, fmt.Errorf("id %d belongs to two tokens, %q and %q", id, min(old, t), max(old, t))
		}
		v.tokens[id] = t
	}
	return v, nil
}

// id returns the id of token, or -1.
func (v *vocabulary) id(token string) int32 {
	if id, ok := v.ids[token]; ok {
		return id
	}
	return -1
}

// byteToken is the name of a byte in vocabularies with byte fallback: <0x0A>.
func byteToken(b byte) string { return fmt.Sprintf("<0x%02X>", b) }

// byteIDs returns the ids of the 256 byte tokens, -1 where there is none.
func (v *vocabulary) byteIDs() *[256]int32 {
	var ids [256]int32
	for b := range ids {
		ids[b] = v.id(byteToken(byte(b)))
	}
	return &ids
}
