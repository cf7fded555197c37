package model

import (
	"cmp"
	"math"
	"slices"
)

// Sampling says how the next token is chosen. The zero value takes the likeliest.
type Sampling struct {
	MaxTokens         int      // of the answer; 0: 256
	Temperature       float64  // 0: the likeliest token, ties to the lower id
	TopK              int      // only the K likeliest; 0: all
	TopP              float64  // only the likeliest whose probabilities reach P together; 0: all (arXiv 1904.09751)
	RepetitionPenalty float64  // divides the logits of tokens that were there, multiplies negative ones; 0: 1 (arXiv 1909.05858)
	Stop              []string // the answer ends before the first of these texts
	Seed              uint64
	EOS               []int32 // tokens that end an answer; nil: the model's
}

// choose gives the next token. seen tells which tokens were there; draw is a number in (0, 1). The order is the reference's: penalty, temperature, top
// K, top P. logits are overwritten; buf is scratch that choose keeps for the next call.
func (s *Sampling) choose(logits []float32, seen map[int32]bool, draw float64, buf *[]choice) int32 {
	if p := float32(s.RepetitionPenalty); p != 0 && p != 1 {
		for id := range seen {
			if logits[id] > 0 {
				logits[id] /= p
			} else {
				logits[id] *= p
			}
		}
	}
	if s.Temperature <= 0 {
		best := 0
		for i, v := range logits {
			if v > logits[best] {
				best = i
			}
		}
		return int32(best)
	}
	c := (*buf)[:0]
	for i, v := range logits {
		c = append(c, choice{int32(i), v, 0})
	}
	*buf = c
	if s.TopK > 0 || s.TopP > 0 && s.TopP < 1 {
		slices.SortFunc(c, func(a, b choice) int { return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id)) })
	}
	if s.TopK > 0 && s.TopK < len(c) {
		c = c[:s.TopK]
	}
	most := slices.MaxFunc(c, func(a, b choice) int { return cmp.Compare(a.logit, b.logit) }).logit
	sum := 0.0
	for i := range c {
		c[i].p = math.Exp(float64(c[i].logit-most) / s.Temperature)
		sum += c[i].p
	}
	if s.TopP > 0 && s.TopP < 1 {
		part, n := 0.0, 0
		for part < s.TopP*sum && n < len(c) {
			part += c[n].p
			n++
		}
		c, sum = c[:max(1, n)], max(part, c[0].p)
	}
	for draw *= sum; len(c) > 1; c = c[1:] {
		if draw -= c[0].p; draw < 0 {
			break
		}
	}
	return c[0].id
}

// A choice is a token, its logit and its share.
type choice struct {
	id    int32
	logit float32
	p     float64
}

// uniform is the draw for a token: a function of the seed, the number of the prompt and the number of the token.
func (s *Sampling) uniform(prompt, token int) float64 {
	return unit(mix(mix(mix(s.Seed)+uint64(prompt)) + uint64(token)))
}
