package mask

import (
	"fmt"
	"math"
)

// Rare masks whole words, rare ones more often: a word of relative frequency f has the weight -ln f, held between .1 and 10 times the mean over all
// running words. A word that the training data does not have counts as seen once.
type Rare struct {
	Budget `yaml:",inline"`

	weight map[uint64]float64
	once   float64 // weight of a word seen once
	scale  []float64
}

// Open implements [Opener].
func (r *Rare) Open(env Env) error {
	counts, total := env.count()
	if total == 0 {
		return fmt.Errorf("frequencies need training data to be counted in, and there is none")
	}
	r.weigh(counts, total)
	return r.Budget.Open(env)
}

// weigh turns counts into weights.
//
//	counts 8 and 2 of 10: -ln f is .22 and 1.61, the mean over the ten words .50
func (r *Rare) weigh(counts map[uint64]int64, total int64) {
	// Equal counts have equal weights: summing by count, ascending, makes the sum independent of the order of the map.
	by := map[int64]int64{}
	for _, c := range counts {
		by[c]++
	}
	mean := 0.
	for _, c := range sortedKeys(by) {
		mean -= float64(c*by[c]) / float64(total) * math.Log(float64(c)/float64(total))
	}
	held := func(c int64) float64 {
		if mean == 0 { // one word, over and over
			return 1
		}
		return min(max(-math.Log(float64(c)/float64(total)), .1*mean), 10*mean)
	}
	r.weight, r.once = make(map[uint64]float64, len(counts)), held(1)
	for h, c := range counts {
		r.weight[h] = held(c)
	}
}

// Mask implements [Masker].
func (r *Rare) Mask(x Tokens, bits Bits, in []int32, counts []bool) {
	r.units, r.scale = x.words(r.units[:0]), r.scale[:0]
	for _, u := range r.units {
		w, ok := r.weight[hash(0, x.IDs[u.Start:u.End])]
		if !ok {
			w = r.once
		}
		r.scale = append(r.scale, w)
	}
	r.Pick(x, bits, r.units, func(i int) float64 { return r.scale[i] }, in, counts)
}
