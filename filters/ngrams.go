package filters

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"sluice/pipeline/text"
)

// grams counts runs of words that stand in a text more than once. Two ideas keep it to a few nanoseconds a word:
//
//   - A run that stands once cannot begin or end a longer run that stands twice (Karp, Miller, Rosenberg 1972). So a word has the number of
//     the place where it first stands, a run of two the place where that pair of numbers first stands, and so on; what is alone drops out.
//   - Words joined by nothing may be equal though they are cut elsewhere, so there bytes count: a place whose next head bytes stand
//     nowhere else begins no repeat that is at least as long.
//
// The zero value is ready after reset.
type grams struct {
	text  []byte // the words, joined by nothing; zeros behind them once all are there
	size  []int  // bytes before word i
	chars []int  // code points before word i

	word  []int32  // place where word i first stands
	run   []int32  // place where the run from word i on first stands
	count []int32  // how often the run that first stands at i does
	next  []int32  // the same for the runs that are one word longer
	keys  []uint64 // what the table compares
	table table
}

// head is how many bytes of the text from a word on are compared before whole runs are.
const head = 16

func (g *grams) reset() {
	g.text, g.size, g.chars = g.text[:0], append(g.size[:0], 0), append(g.chars[:0], 0)
}

func (g *grams) len() int { return len(g.size) - 1 }

// add appends a word.
func (g *grams) add(word string) {
	chars := g.chars[len(g.chars)-1] + utf8.RuneCountInString(word)
	g.text = append(g.text, word...)
	g.size, g.chars = append(g.size, len(g.text)), append(g.chars, chars)
}

// grow makes the buffers hold n words.
func (g *grams) grow(n int) {
	if cap(g.keys) < n {
		n += n / 2
		g.keys, g.word, g.run = make([]uint64, n), make([]int32, n), make([]int32, n)
		g.count, g.next = make([]int32, n), make([]int32, n)
	}
}

// tops is, for n = 2, 3 and 4, the length of the most frequent run of n words, joined by spaces, times how often it occurs. Ties go to the
// first seen.
func (g *grams) tops() (top [3]int) {
	n := g.len()
	g.grow(n)
	keys, word, run, count := g.keys[:n], g.word[:n], g.run[:n], g.count[:n]
	g.table.reset(n)
	clear(count)
	for i := range n {
		keys[i] = text.Hash64(g.text[g.size[i]:g.size[i+1]])
		word[i] = g.table.first(keys, i)
		count[word[i]]++
	}
	copy(run, word)
	again := n
	for i := range top {
		if n--; n <= 0 {
			break
		}
		top[i], again = g.top(i+2, n, again)
	}
	return top
}

// top extends the runs of n - 1 words by one; there are count of n words, and at most again of them can stand twice. It returns top n
// and how many do.
func (g *grams) top(n, count, again int) (int, int) {
	g.table.reset(again)
	keys, run, old, sum := g.keys, g.run[:count+1], g.count, g.next[:count]
	clear(sum)
	for i := range count {
		at := int32(i)
		if old[run[i]] > 1 && old[run[i+1]] > 1 {
			keys[i] = uint64(run[i])<<32 | uint64(g.word[i+n-1])
			at = g.table.first(keys, i)
		}
		run[i] = at
		sum[at]++
	}
	g.count, g.next = g.next, g.count
	best, place := int32(0), 0
	again = 0
	for i, c := range sum { // by first appearance, so a later one must be more frequent
		if c > best {
			best, place = c, i
		}
		if c > 1 {
			again += int(c)
		}
	}
	return (g.chars[place+n] - g.chars[place] + n - 1) * int(best), again
}

// repeated is, for n = 5 to 10, the number of code points in runs of n words, joined by nothing, that were there before. A repeat
// counts as a whole and the search goes on behind it.
func (g *grams) repeated() (dup [6]int) {
	n := g.len()
	g.grow(n)
	g.text = append(g.text, make([]byte, head)...)
	keys, run, count := g.keys[:n], g.run[:n], g.count[:n]
	g.table.reset(n)
	clear(count)
	for i := range n {
		b := g.text[g.size[i]:]
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b)^mixer, binary.LittleEndian.Uint64(b[8:])|1)
		keys[i] = hi ^ lo
		run[i] = g.table.first(keys, i)
		count[run[i]]++
	}
	most := 0
	for i := range max(0, n-4) {
		if count[run[i]] > 1 || g.size[i+5]-g.size[i] < head {
			most++
		}
	}
	for i := range dup {
		dup[i] = g.repeats(i+5, most)
	}
	return dup
}

// repeats is [grams.repeated] for one n; at most most runs are looked up.
func (g *grams) repeats(n, most int) (total int) {
	g.table.reset(most)
	for i := 0; i+n <= g.len(); i++ {
		lo, hi := g.size[i], g.size[i+n]
		if g.count[g.run[i]] == 1 && hi-lo >= head {
			continue
		}
		g.keys[i] = text.Hash64(g.text[lo:hi])
		if g.table.first(g.keys, i) != int32(i) {
			total += g.chars[i+n] - g.chars[i]
			i += n - 1
		}
	}
	return total
}

// parts counts the parts of a text, at most most, those that were there before, and the code points of these.
func (g *grams) parts(parts iter.Seq[string], most int) (all, again, chars int) {
	g.grow(most)
	g.table.reset(most)
	for p := range parts {
		// Hash64 neither keeps nor changes the bytes.
		g.keys[all] = text.Hash64(unsafe.Slice(unsafe.StringData(p), len(p)))
		if g.table.first(g.keys, all) != int32(all) {
			again++
			chars += utf8.RuneCountInString(p)
		}
		all++
	}
	return all, again, chars
}

const mixer = 0x9e3779b97f4a7c15

// table finds where a key stands first. It is as large as one text needs and no larger, whatever came before, so that it stays in the
// cache. A slot holds half a hash and a place, counted from 1; 0 is free.
type table struct {
	slots []uint64
	shift int
}

// reset empties the table and makes room for n keys: at most half of the slots are in use.
func (t *table) reset(n int) {
	log := max(8, bits.Len(uint(2*n)))
	t.shift = 64 - log
	if cap(t.slots) < 1<<log {
		t.slots = make([]uint64, 1<<log)
		return
	}
	t.slots = t.slots[:1<<log]
	clear(t.slots)
}

// first returns the first place given since reset whose key is keys[at]: at itself where it is new.
func (t *table) first(keys []uint64, at int) int32 {
	key := keys[at]
	hi, lo := bits.Mul64(key, mixer)
	h := hi ^ lo
	mask := uint64(len(t.slots) - 1)
	for i := h >> t.shift; ; i++ {
		e := t.slots[i&mask]
		if e == 0 {
			t.slots[i&mask] = h<<32 | uint64(at+1)
			return int32(at)
		}
		if place := uint32(e) - 1; uint32(e>>32) == uint32(h) && keys[place] == key {
			return int32(place)
		}
	}
}
