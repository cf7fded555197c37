package filters

import (
	"iter"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"sluice/pipeline/text"
)

// grams hashes runs of words in constant time each. The words, joined by nothing, are a polynomial in a base modulo the prime 2^61 - 1
// (Karp, Rabin 1987), so the hash of a run is a difference of two prefixes:
//
//	hash("abc") = hash("ab") · base + c;   hash of words i … j = prefix[j] - prefix[i] · base^(bytes from i to j)
//
// Two different runs of one text collide with a chance below n² / 2^61. The zero value is ready after reset.
type grams struct {
	prefix []uint64 // hash of all bytes before word i
	size   []int    // number of those bytes
	chars  []int    // number of those code points
	power  []uint64 // of the base
	word   []uint64 // hash of each word
	chain  []uint64 // hash of the n words from i on as a sequence
}

const (
	prime61 = 1<<61 - 1
	base61  = 0x1b8735939cc9e2d
	mixer   = 0x9e3779b97f4a7c15
)

func mulmod(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return addmod(lo&prime61, lo>>61|hi<<3)
}

// addmod adds numbers below the prime.
func addmod(a, b uint64) uint64 {
	s := a + b
	if s >= prime61 {
		s -= prime61
	}
	return s
}

func (g *grams) reset() {
	g.prefix, g.size, g.chars = append(g.prefix[:0], 0), append(g.size[:0], 0), append(g.chars[:0], 0)
	if len(g.power) == 0 {
		g.power = append(g.power, 1)
	}
}

func (g *grams) len() int { return len(g.size) - 1 }

func (g *grams) add(word string) {
	last := len(g.size) - 1
	h := g.prefix[last]
	for i := range len(word) {
		h = addmod(mulmod(h, base61), uint64(word[i])+1)
	}
	g.prefix = append(g.prefix, h)
	g.size = append(g.size, g.size[last]+len(word))
	g.chars = append(g.chars, g.chars[last]+utf8.RuneCountInString(word))
}

// joined is the hash of words i to j (not included), joined by nothing.
func (g *grams) joined(i, j int) uint64 {
	n := g.size[j] - g.size[i]
	for len(g.power) <= n {
		g.power = append(g.power, mulmod(g.power[len(g.power)-1], base61))
	}
	return addmod(g.prefix[j], prime61-mulmod(g.prefix[i], g.power[n]))
}

// top is the length of the most frequent run of n words, joined by spaces, times how often it occurs. Ties go to the first seen. It must be
// called for n = 2, 3, … in turn: the hash of n words extends that of n - 1.
func (g *grams) top(n int, t *table) int {
	count := g.len() - n + 1
	if count <= 0 {
		return 0
	}
	if n == 2 {
		g.word = g.word[:0]
		for i := range g.len() {
			g.word = append(g.word, g.joined(i, i+1))
		}
		g.chain = append(g.chain[:0], g.word...)
	}
	t.reset(count)
	for i := range count {
		hi, lo := bits.Mul64(g.chain[i]^mixer, g.word[i+n-1]*2+1)
		g.chain[i] = hi ^ lo
		t.count(g.chain[i], i)
	}
	best, at := int32(0), int32(0)
	for _, f := range t.order { // by first appearance, so a later one must be more frequent
		if e := &t.entries[f.slot]; e.n > best {
			best, at = e.n, f.at
		}
	}
	return (g.chars[int(at)+n] - g.chars[at] + n - 1) * int(best)
}

// repeated is the number of code points in runs of n words that were there before. A repeat counts as a whole and the search goes on behind it.
func (g *grams) repeated(n int, t *table) int {
	t.reset(g.len())
	total := 0
	for i := 0; i+n <= g.len(); {
		if t.count(g.joined(i, i+n), i) > 1 {
			total += g.chars[i+n] - g.chars[i]
			i += n
		} else {
			i++
		}
	}
	return total
}

// repeats counts parts, those that were there before, and the code points of these.
func repeats(parts iter.Seq[string], t *table) (all, again, chars int) {
	t.reset(64)
	for p := range parts {
		all++
		if t.count(hashOf(p), all) > 1 {
			again++
			chars += utf8.RuneCountInString(p)
		}
	}
	return all, again, chars
}

// hashOf hashes a part of a text without copying it: Hash64 does not keep or change its bytes.
func hashOf(s string) uint64 { return text.Hash64(unsafe.Slice(unsafe.StringData(s), len(s))) }

// table counts hashes. Emptying it is one increment: an entry of an earlier round is free.
type table struct {
	entries []entry // a power of two, at most half of them in use
	order   []found // those in use, by first appearance
	round   uint32
}

type entry struct {
	hash  uint64
	round uint32
	n     int32
}

// found is an entry in use and where its hash was first seen.
type found struct{ slot, at int32 }

// reset empties the table and makes room for n hashes.
func (t *table) reset(n int) {
	if t.round++; t.round == 0 || len(t.entries) < 2*n {
		t.entries, t.round = make([]entry, max(256, len(t.entries), 1<<bits.Len(uint(2*n)))), 1
	}
	t.order = t.order[:0]
}

// find returns the place of a hash, or the free one where it belongs.
func (t *table) find(h uint64) int {
	mask := len(t.entries) - 1
	for i := int(h*mixer>>32) & mask; ; i = (i + 1) & mask {
		if e := &t.entries[i]; e.round != t.round || e.hash == h {
			return i
		}
	}
}

// count adds one occurrence, seen at place at, and returns how many there are now.
func (t *table) count(h uint64, at int) int {
	i := t.find(h)
	e := &t.entries[i]
	if e.round != t.round {
		if 2*len(t.order) >= len(t.entries) {
			t.grow()
			i = t.find(h)
			e = &t.entries[i]
		}
		*e = entry{hash: h, round: t.round}
		t.order = append(t.order, found{int32(i), int32(at)})
	}
	e.n++
	return int(e.n)
}

func (t *table) grow() {
	old := t.entries
	t.entries = make([]entry, 2*len(old))
	for i := range t.order {
		e := old[t.order[i].slot]
		slot := t.find(e.hash)
		t.entries[slot], t.order[i].slot = e, int32(slot)
	}
}
