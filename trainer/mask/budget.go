package mask

import (
	"fmt"
	"math"
	"slices"
)

// Budget is what all maskers have in common: how much they mask, and what the model sees there. It is embedded in every masker.
//
// The rate falls or rises along a line, from Rate at the first step to End at the last: 30 % down to 15 % trains faster and ends better than a constant
// 15 % (arXiv 2305.15096). Of the chosen units MaskShare show the mask token, RandomShare a random token, and the rest stay as they are but
// are to be guessed all the same (arXiv 1810.04805, section 3.1).
type Budget struct {
	Rate        float64 `yaml:"rate"`         // share of the maskable tokens at the beginning
	End         float64 `yaml:"rate_end"`     // share at the end of training; 0: as at the beginning
	MaskShare   float64 `yaml:"mask_share"`   // of the chosen units, those that show the mask token
	RandomShare float64 `yaml:"random_share"` // of the chosen units, those that show random tokens
	Static      bool    `yaml:"static"`       // the same mask in every epoch, for comparison

	env   Env
	ids   []int32 // what may stand in
	keys  []key   // scratch: the race
	units []Span  // scratch: units, for maskers that build them
}

// DefaultBudget is 15 % throughout, 80/10/10.
func DefaultBudget() Budget { return Budget{Rate: .15, MaskShare: .8, RandomShare: .1} }

// A Span is a unit of masking: the positions [Start, End) of a sequence.
type Span struct{ Start, End int }

type key struct {
	key  float64
	unit int32
}

// Open implements [Opener].
func (b *Budget) Open(env Env) error {
	if b.Rate <= 0 || b.Rate >= 1 || b.End < 0 || b.End >= 1 {
		return fmt.Errorf("rate and rate_end are shares between 0 and 1, not %v and %v", b.Rate, b.End)
	}
	if b.MaskShare < 0 || b.RandomShare < 0 || b.MaskShare+b.RandomShare > 1 {
		return fmt.Errorf("mask_share and random_share are shares with a sum of at most 1, not %v and %v", b.MaskShare, b.RandomShare)
	}
	b.env, b.ids = env, nil
	for id := range int32(env.Vocab) {
		if env.Special == nil || !env.Special(id) {
			b.ids = append(b.ids, id)
		}
	}
	if len(b.ids) == 0 && b.RandomShare > 0 {
		return fmt.Errorf("all %d tokens of the vocabulary are special: none can stand in at random", env.Vocab)
	}
	return nil
}

// At is the rate when a share done of the training is over.
func (b *Budget) At(done float64) float64 {
	if b.End == 0 {
		return b.Rate
	}
	return b.Rate + (b.End-b.Rate)*min(max(done, 0), 1)
}

// quota is the number of tokens to mask: floor(p·n + u), which is p·n in expectation.
func (b *Budget) quota(x Tokens, bits Bits) int {
	n := len(x.IDs)
	for _, f := range x.Fixed {
		if f {
			n--
		}
	}
	w, _, _, _ := bits.Whole()
	return min(n, int(b.At(x.Done)*float64(n)+Unit(w)*(1-1e-9)))
}

// Pick masks units of x, which do not overlap and hold maskable positions only, until the quota is covered. Units compete in an exponential race:
// the key of unit i is -ln(U)/weight(i), U the unit's own random number, and the lowest keys win, so that the first to be taken is unit i with
// probability weight(i)/Σ weights. The unit that would cross the quota is taken with probability (what is left)/(its length): the expected number of masked
// tokens is the quota. A nil weight means 1.
//
//	units [0,1) [1,3) [3,4), quota 2: with keys .9, .2, .5 the second is taken, and covers the quota
func (b *Budget) Pick(x Tokens, bits Bits, units []Span, weight func(i int) float64, in []int32, counts []bool) {
	if b.Static {
		bits.epoch = 0
	}
	copy(in, x.IDs)
	clear(counts)
	left := b.quota(x, bits)
	b.keys = b.keys[:0]
	for i, u := range units {
		w, _, _, _ := bits.At(u.Start)
		k := float64(w)
		if weight != nil {
			k = -math.Log(Unit(w)) / weight(i)
		}
		b.keys = append(b.keys, key{k, int32(i)})
	}
	for rest := b.keys; left > 0 && len(rest) > 0; {
		// Units are at least one token long, so that the lowest `left` keys are enough.
		n := min(len(rest), left)
		if n < len(rest) {
			lowest(rest, n)
		}
		slices.SortFunc(rest[:n], compare)
		for _, k := range rest[:n] {
			u := units[k.unit]
			if size := u.End - u.Start; size > left {
				_, _, _, w := bits.At(u.Start)
				if Unit(w)*float64(size) > float64(left) {
					left = 0
					break
				}
			}
			b.replace(x, bits, u, in, counts)
			if left -= u.End - u.Start; left <= 0 {
				break
			}
		}
		rest = rest[n:]
	}
}

// replace decides for a whole unit what the model sees.
func (b *Budget) replace(x Tokens, bits Bits, u Span, in []int32, counts []bool) {
	_, what, _, _ := bits.At(u.Start)
	share := Unit(what)
	for i := u.Start; i < u.End; i++ {
		counts[i] = true
		switch {
		case share <= b.MaskShare:
			in[i] = b.env.MaskID
		case share <= b.MaskShare+b.RandomShare:
			_, _, w, _ := bits.At(i)
			in[i] = b.ids[uint64(w)*uint64(len(b.ids))>>32]
		}
	}
}

func compare(a, b key) int {
	switch {
	case a.key < b.key:
		return -1
	case a.key > b.key:
		return 1
	}
	return int(a.unit - b.unit)
}

// lowest moves the n lowest keys to the front, in any order (Hoare's selection).
func lowest(k []key, n int) {
	for lo, hi := 0, len(k)-1; lo < hi; {
		pivot := k[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for compare(k[i], pivot) < 0 {
				i++
			}
			for compare(pivot, k[j]) < 0 {
				j--
			}
			if i <= j {
				k[i], k[j] = k[j], k[i]
				i++
				j--
			}
		}
		switch {
		case n-1 <= j:
			hi = j
		case n-1 >= i:
			lo = i
		default:
			return
		}
	}
}
