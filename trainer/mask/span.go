package mask

import "fmt"

// Runs masks runs of whole words whose lengths follow Geometric(P) up to Most words: with .2 and 10 a mean of 3.8 (SpanBERT, arXiv 1907.10529,
// section 3.1). A sequence is cut into such runs anew in every epoch, and the runs compete as single words do elsewhere: a run starts at a word's start,
// runs never overlap, and one ends early at a fixed position.
//
//	words of 1 2 1 1 3 tokens, lengths drawn 2 and 3: runs [0,3) and [3,8)
type Runs struct {
	Budget `yaml:",inline"`
	P      float64 `yaml:"p"`    // of the geometric distribution
	Most   int     `yaml:"most"` // words of a run, at most

	words []Span
}

// Open implements [Opener].
func (r *Runs) Open(env Env) error {
	if r.P <= 0 || r.P >= 1 || r.Most < 1 {
		return fmt.Errorf("p lies between 0 and 1 and most is 1 or more, not %v and %v", r.P, r.Most)
	}
	return r.Budget.Open(env)
}

// Mask implements [Masker].
func (r *Runs) Mask(x Tokens, bits Bits, in []int32, counts []bool) {
	if r.Static {
		bits.epoch = 0
	}
	lengths := bits
	lengths.k1 ^= 0x7370616e // "span": words of their own
	r.words, r.units = x.words(r.words[:0]), r.units[:0]
	for i := 0; i < len(r.words); {
		w, _, _, _ := lengths.At(r.words[i].Start)
		run := r.words[i]
		end := min(len(r.words), i+geometric(w, r.P, r.Most))
		for i++; i < end && r.words[i].Start == run.End; i++ {
			run.End = r.words[i].End
		}
		r.units = append(r.units, run)
	}
	r.Pick(x, bits, r.units, nil, in, counts)
}
