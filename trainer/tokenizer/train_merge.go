package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// merger learns merges from counted words. It counts the pairs once and then, for each merge, only visits the words
// that hold the pair (Sennrich et al. 2016, arXiv 1508.07909, 3.2, "efficient implementation").
//
//	words low×5 lower×2: pairs l+o 7, o+w 7, w+e 2, e+r 2; l+o is merged first: it has the smaller ids
type merger struct {
	limit  int // size of the vocabulary
	least  int // count below which merging ends
	ids    map[string]int32
	tokens []string
	merges [][2]string

	words []trainWord
	pairs *pairTable[pairCount]
	queue []pairEntry // a heap: highest count first, then the smaller pair
	grown []uint64    // pairs whose count rose in this merge
}

type trainWord struct {
	symbols []int32
	count   int
}

// pairCount is how often a pair is seen, and in which words; a word may stand there that has lost the pair, or twice.
type pairCount struct {
	count int
	words []int32
	rose  bool // is in grown
	used  bool // has been merged before: a token that two pairs make can bring a pair back
}

type pairEntry struct {
	count int
	pair  uint64
}

// newMerger numbers the special tokens and the alphabet.
func newMerger(o TrainOptions, alphabet []string) (*merger, error) {
	m := &merger{limit: o.Vocab, least: o.Min, ids: map[string]int32{}, pairs: newPairTable[pairCount](1 << 16)}
	if m.least <= 0 {
		m.least = 2
	}
	for _, s := range append(append([]string(nil), o.Special...), alphabet...) {
		if s == "" {
			return nil, fmt.Errorf("a special token is empty")
		}
		m.token(s)
	}
	if len(m.tokens) > m.limit {
		return nil, fmt.Errorf("a vocabulary of %d cannot hold %d special tokens and %d characters: at least %d",
			m.limit, len(o.Special), len(alphabet), len(m.tokens))
	}
	return m, nil
}

// token returns the id of s, made if need be.
func (m *merger) token(s string) int32 {
	id, ok := m.ids[s]
	if !ok {
		id = int32(len(m.tokens))
		m.ids[s] = id
		m.tokens = append(m.tokens, s)
	}
	return id
}

// add enters a word as its characters; id names them, -1 leaves one out.
func (m *merger) add(word string, count int, id func(char string, first bool) int32) {
	w := trainWord{symbols: make([]int32, 0, utf8.RuneCountInString(word)), count: count}
	for i, r := range word {
		if c := id(word[i:i+utf8.RuneLen(r)], i == 0); c >= 0 {
			w.symbols = append(w.symbols, c)
		}
	}
	if len(w.symbols) < 2 {
		return
	}
	at := int32(len(m.words))
	m.words = append(m.words, w)
	for i := range len(w.symbols) - 1 {
		m.rise(pairKey(w.symbols[i], w.symbols[i+1]), count, at)
	}
}

// rise counts a pair of word at.
func (m *merger) rise(pair uint64, count int, at int32) {
	p, _ := m.pairs.at(pair)
	p.count += count
	if n := len(p.words); n == 0 || p.words[n-1] != at {
		p.words = append(p.words, at)
	}
	if !p.rose {
		p.rose = true
		m.grown = append(m.grown, pair)
	}
}

// flush enters the pairs that rose into the queue.
func (m *merger) flush() {
	for _, pair := range m.grown {
		p := m.pairs.get(pair)
		p.rose = false
		if p.count >= m.least {
			m.push(pairEntry{p.count, pair})
		}
	}
	m.grown = m.grown[:0]
}

// run merges until the vocabulary is full or no pair is frequent enough. Prefix is what the second token of a pair
// loses when it is joined to the first ("##").
func (m *merger) run(prefix string) {
	m.flush()
	for len(m.tokens) < m.limit && len(m.queue) > 0 {
		top := m.pop()
		p := m.pairs.get(top.pair)
		if p.count != top.count { // counted anew since
			if p.count >= m.least {
				m.push(pairEntry{p.count, top.pair})
			}
			continue
		}
		a, b := int32(top.pair>>32), int32(uint32(top.pair))
		left, right := m.tokens[a], m.tokens[b]
		joined := m.token(left + strings.TrimPrefix(right, prefix))
		if !p.used {
			m.merges = append(m.merges, [2]string{left, right})
		}
		words := p.words
		*p = pairCount{used: true}
		for _, at := range words {
			m.mergeIn(at, a, b, joined)
		}
		m.flush()
	}
}

// mergeIn joins a and b wherever they are neighbours in word at.
func (m *merger) mergeIn(at, a, b, joined int32) {
	w := &m.words[at]
	s := w.symbols
	fall := func(x, y int32) {
		if p := m.pairs.get(pairKey(x, y)); p != nil && p.count > 0 {
			p.count -= w.count
		}
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if i+1 == len(s) || s[i] != a || s[i+1] != b {
			s[n] = s[i]
			n++
			continue
		}
		if n > 0 {
			fall(s[n-1], a)
			m.rise(pairKey(s[n-1], joined), w.count, at)
		}
		if i+2 < len(s) {
			fall(b, s[i+2])
			m.rise(pairKey(joined, s[i+2]), w.count, at)
		}
		s[n] = joined
		n++
		i++
	}
	w.symbols = s[:n]
}

// before is the order of the queue.
func (e pairEntry) before(o pairEntry) bool {
	return e.count > o.count || e.count == o.count && e.pair < o.pair
}

func (m *merger) push(e pairEntry) {
	q := append(m.queue, e)
	i := len(q) - 1
	for i > 0 && e.before(q[(i-1)/2]) {
		q[i] = q[(i-1)/2]
		i = (i - 1) / 2
	}
	q[i] = e
	m.queue = q
}

func (m *merger) pop() pairEntry {
	q := m.queue
	top, last := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	i := 0
	for {
		c := 2*i + 1
		if c+1 < len(q) && q[c+1].before(q[c]) {
			c++
		}
		if c >= len(q) || !q[c].before(last) {
			break
		}
		q[i] = q[c]
		i = c
	}
	if len(q) > 0 {
		q[i] = last
	}
	m.queue = q
	return top
}
