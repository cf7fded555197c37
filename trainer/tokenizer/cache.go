package tokenizer

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// wordCache remembers the tokens of words: a fixed number of slots, the newest word of a slot wins. Reading and
// writing are single atomic operations, so goroutines share it freely; what it returns never depends on what it
// holds, only the time does.
type wordCache struct {
	seed  maphash.Seed
	slots []atomic.Pointer[cached]
}

// cached is immutable once stored.
type cached struct {
	word   string
	tokens []token
}

const (
	cacheSlots  = 1 << 16
	cacheLength = 64 // longer words are rarely seen twice
)

func newWordCache() *wordCache {
	return &wordCache{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[cached], cacheSlots)}
}

// tokens returns the tokens of word by way of the cache. The result is valid until the next call with the same w.
func (c *wordCache) tokens(m model, w *work, word string) []token {
	if len(word) > cacheLength {
		w.tokens = m.tokenize(w, word, w.tokens[:0])
		return w.tokens
	}
	slot := &c.slots[maphash.String(c.seed, word)%cacheSlots]
	if e := slot.Load(); e != nil && e.word == word {
		return e.tokens
	}
	e := &cached{word: strings.Clone(word)}
	w.tokens = m.tokenize(w, e.word, w.tokens[:0])
	e.tokens = append(make([]token, 0, len(w.tokens)), w.tokens...)
	slot.Store(e)
	return e.tokens
}
