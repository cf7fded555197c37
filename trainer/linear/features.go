package linear

import (
	"math"
	"slices"

	"sluice/pipeline/text"
	"sluice/trainer/kernel"
)

// Counts are the features of texts before any weighting: for each text its buckets, ascending, each once, and how often it occurs.
type counts struct {
	start  []int // text i has entries start[i] to start[i+1]
	bucket []uint32
	value  []float32
}

// A counter cuts texts into buckets. It serves one goroutine.
type counter struct {
	words, charMin, charMax, bits int
	sublinear                     bool

	tokens  text.Tokeniser
	folded  []byte
	buckets []uint32
}

func newCounter(c *Config) *counter {
	return &counter{words: c.Words, charMin: c.CharMin, charMax: c.CharMax, bits: c.Bits, sublinear: c.Sublinear}
}

// add appends the features of one text.
//
// Example, words 1 only: "to be or not to be" has the four buckets of to, be, or, not with the values 2, 2, 1, 1.
func (c *counter) add(x *counts, s string) {
	b := c.buckets[:0]
	if c.words > 0 {
		b = text.AppendWordGrams(b, c.tokens.Hashes(s), c.words, c.bits)
	}
	if c.charMax > 0 {
		c.folded = text.AppendFolded(c.folded[:0], s)
		for n := c.charMin; n <= c.charMax; n++ {
			b = text.AppendCharGrams(b, c.folded, n, c.bits)
		}
	}
	slices.Sort(b)
	c.buckets = b
	for i := 0; i < len(b); {
		j := i + 1
		for j < len(b) && b[j] == b[i] {
			j++
		}
		n := float64(j - i)
		if c.sublinear {
			n = 1 + math.Log(n)
		}
		x.bucket = append(x.bucket, b[i])
		x.value = append(x.value, float32(n))
		i = j
	}
	x.start = append(x.start, len(x.bucket))
}

// countGrain is how many texts one goroutine counts at a time.
const countGrain = 256

// count cuts n texts into features, on all threads; the result does not depend on their number.
func count(team *kernel.Team, c *Config, n int, at func(int) string) *counts {
	parts := make([]counts, (n+countGrain-1)/countGrain)
	counters := make([]*counter, team.Threads())
	team.Each(len(parts), func(w *kernel.Worker, p int) {
		if counters[w.Index()] == nil {
			counters[w.Index()] = newCounter(c)
		}
		for i := p * countGrain; i < min(n, (p+1)*countGrain); i++ {
			counters[w.Index()].add(&parts[p], at(i))
		}
	})
	entries := 0
	for i := range parts {
		entries += len(parts[i].bucket)
	}
	all := &counts{start: make([]int, 1, n+1), bucket: make([]uint32, 0, entries), value: make([]float32, 0, entries)}
	for i := range parts {
		base := len(all.bucket)
		for _, end := range parts[i].start {
			all.start = append(all.start, base+end)
		}
		all.bucket = append(all.bucket, parts[i].bucket...)
		all.value = append(all.value, parts[i].value...)
	}
	return all
}
