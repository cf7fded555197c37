package mix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// Deal hands out domains by given weights so that after n picks every domain has had about its share of n: next is the domain with the lowest
// (picks + ½)/weight, the first among equals (Sainte-Laguë's method). It is embedded in mixers of fixed weights.
//
// A domain that has reached the cap on repetition gets nothing more, and the others share what would have been its.
//
//	weights .5 .25 .25:  0 1 2 0 | 0 1 2 0 | …
type Deal struct {
	p     []float64
	cap   []int64 // most picks of a domain; 0: any number
	given []int64
}

// Set gives the weights, which need not sum to 1, and the caps of env.
func (d *Deal) Set(weights []float64, env Env) {
	sum := 0.
	for _, w := range weights {
		sum += w
	}
	d.p, d.given, d.cap = make([]float64, len(weights)), make([]int64, len(weights)), make([]int64, len(weights))
	for i, w := range weights {
		d.p[i] = w / sum
		d.cap[i] = int64(env.Repeats * float64(env.Domains[i].Examples))
	}
}

// Pick implements [Mixer]; the rng is not needed.
func (d *Deal) Pick(int64, *rand.Rand) int {
	open := d.Weights()
	best, lag := 0, 0.
	for i, p := range open {
		if p == 0 {
			continue
		}
		if behind := (float64(d.given[i]) + .5) / p; lag == 0 || behind < lag {
			best, lag = i, behind
		}
	}
	d.given[best]++
	return best
}

// Weights implements [Mixer].
func (d *Deal) Weights() []float64 {
	w, sum := make([]float64, len(d.p)), 0.
	for i, p := range d.p {
		if d.cap[i] == 0 || d.given[i] < d.cap[i] {
			w[i] = p
			sum += p
		}
	}
	if sum == 0 { // all that has a share is used up: the others take its place
		for i := range w {
			if d.cap[i] == 0 || d.given[i] < d.cap[i] {
				w[i] = 1
				sum++
			}
		}
	}
	if sum == 0 { // all at their caps: Open saw to it that this is past the last step
		return append(w[:0], d.p...)
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}

// Learn implements [Mixer]: fixed weights learn nothing.
func (d *Deal) Learn(int64, int, float64) {}

// MarshalBinary implements [Mixer].
func (d *Deal) MarshalBinary() ([]byte, error) {
	var b bytes.Buffer
	for _, g := range d.given {
		binary.Write(&b, binary.LittleEndian, g)
	}
	return b.Bytes(), nil
}

// UnmarshalBinary implements [Mixer].
func (d *Deal) UnmarshalBinary(b []byte) error {
	if len(b) != 8*len(d.given) {
		return fmt.Errorf("mixer state of %d bytes does not fit %d domains", len(b), len(d.given))
	}
	for i := range d.given {
		d.given[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return nil
}

// Draw picks index i with probability p[i]; the sum of p is 1.
func Draw(p []float64, rng *rand.Rand) int {
	u := rng.Float64()
	for i, v := range p {
		if u -= v; u < 0 {
			return i
		}
	}
	for i := len(p) - 1; i > 0; i-- { // rounding: the sum was a little below 1
		if p[i] > 0 {
			return i
		}
	}
	return 0
}
