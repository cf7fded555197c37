package mask

import (
	"fmt"
	"math"
)

// PMI masks collocations as a whole and all other words one by one: a word of "prime minister" is too easy to guess from the other (PMI-Masking,
// arXiv 2010.01825). Collocations are the Top runs of 2, of 3, of 4 and of 5 words with the highest
//
//	PMI(w_1 … w_n) = min over all ways to cut the run into parts of  ln( p(w_1 … w_n) / Π p(part) ),   p = count / words in the corpus
//
// among those that occur MinCount times or more and have a PMI above 0: the minimum keeps "kingdom of the" from living on "of the". Where collocations
// overlap the longest from the left wins. They are counted in the training data before the first step, in five passes.
type PMI struct {
	Budget   `yaml:",inline"`
	Top      int   `yaml:"top"`       // collocations of each length
	MinCount int64 `yaml:"min_count"` // occurrences a collocation needs

	known map[uint64]bool
	words []Span
}

const longest = 5 // words of a collocation

// Open implements [Opener].
func (m *PMI) Open(env Env) error {
	if m.Top < 1 || m.MinCount < 2 {
		return fmt.Errorf("top is 1 or more and min_count 2 or more, not %d and %d", m.Top, m.MinCount)
	}
	if env.Corpus == nil {
		return fmt.Errorf("collocations need training data to be counted in")
	}
	m.learn(env)
	return m.Budget.Open(env)
}

// learn counts runs of one length after another. A run is counted when both runs that are one word shorter are frequent enough: it cannot be otherwise
// (the rule of Apriori; Agrawal, Srikant, VLDB 1994), and memory stays small.
func (m *PMI) learn(env Env) {
	m.known = map[uint64]bool{}
	counts, total := env.count()
	parts := map[uint64][]uint64{} // of a frequent run: the hashes of its pieces, see pieces
	for n := 2; n <= longest; n++ {
		now := map[uint64]int64{}
		for s := range env.Corpus() {
			var words [][]int32
			for w := range s.words() {
				if env.fixed(w) {
					words = words[:0]
					continue
				}
				if words = append(words, w); len(words) < n {
					continue
				}
				run := words[len(words)-n:]
				if counts[name(run[1:])] < m.MinCount || counts[name(run[:n-1])] < m.MinCount {
					continue
				}
				h := name(run)
				if now[h]++; now[h] == m.MinCount {
					parts[h] = pieces(run)
				}
			}
		}
		var good []scored
		for h, c := range now {
			if c < m.MinCount {
				continue
			}
			counts[h] = c
			if p := pmi(parts[h], n, counts, total); p > 0 {
				good = append(good, scored{h, p})
			}
		}
		for _, g := range ranked(good, m.Top) {
			m.known[g.key] = true
		}
	}
}

// name hashes a run of words; a single word has the name that [Env.count] gives it.
func name(run [][]int32) (h uint64) {
	for _, w := range run {
		h = hash(h, w)
	}
	return h
}

// pieces names all runs inside a run: piece i..j of n words stands at i*n + j-1.
func pieces(run [][]int32) []uint64 {
	n := len(run)
	p := make([]uint64, n*n)
	for i := range n {
		h := uint64(0)
		for j := i; j < n; j++ {
			h = hash(h, run[j])
			p[i*n+j] = h
		}
	}
	return p
}

// pmi is the lowest gain of the whole over its parts. Cuts into two parts or more are numbered by the bits of cut.
//
//	counts ab 8, a 10, b 20 of 1000 words:  ln(.008/(.01·.02)) = ln 40
func pmi(p []uint64, n int, counts map[uint64]int64, total int64) float64 {
	log := func(i, j int) float64 { return math.Log(float64(counts[p[i*n+j-1]]) / float64(total)) }
	least := math.Inf(1)
	for cut := 1; cut < 1<<(n-1); cut++ {
		gain, from := log(0, n), 0
		for j := 1; j <= n; j++ {
			if j == n || cut>>(j-1)&1 == 1 {
				gain -= log(from, j)
				from = j
			}
		}
		least = min(least, gain)
	}
	return least
}

// Mask implements [Masker].
func (m *PMI) Mask(x Tokens, bits Bits, in []int32, counts []bool) {
	m.words, m.units = x.words(m.words[:0]), m.units[:0]
	for i := 0; i < len(m.words); {
		unit := m.words[i]
		h := hash(0, x.IDs[unit.Start:unit.End])
		take := 1
		for n := 2; n <= longest && i+n <= len(m.words) && m.words[i+n-1].Start == m.words[i+n-2].End; n++ {
			w := m.words[i+n-1]
			if h = hash(h, x.IDs[w.Start:w.End]); m.known[h] {
				unit.End, take = w.End, n
			}
		}
		m.units = append(m.units, unit)
		i += take
	}
	m.Pick(x, bits, m.units, nil, in, counts)
}
