package mask

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Entropy masks whole words that the model finds hard more often. Of every token type it keeps an exponential moving average of the entropy that the model's
// predictions had where the type was masked; a word's weight is the mean over its tokens, held between .1 and 10 times the mean of all types seen.
// A type never masked so far has that mean. It starts as whole word masking and follows the model.
type Entropy struct {
	Budget `yaml:",inline"`
	Decay  float64 `yaml:"decay"` // what remains of the average at each new value

	mean  []float32 // by type; negative: not seen
	sum   float64   // of mean over the types seen
	seen  int
	scale []float64
}

// Open implements [Opener].
func (e *Entropy) Open(env Env) error {
	if e.Decay < 0 || e.Decay >= 1 {
		return fmt.Errorf("decay is at least 0 and below 1, not %v", e.Decay)
	}
	e.mean = make([]float32, env.Vocab)
	for i := range e.mean {
		e.mean[i] = -1
	}
	e.sum, e.seen = 0, 0
	return e.Budget.Open(env)
}

// Mask implements [Masker].
func (e *Entropy) Mask(x Tokens, bits Bits, in []int32, counts []bool) {
	e.units, e.scale = x.words(e.units[:0]), e.scale[:0]
	all := 1.
	if e.seen > 0 && e.sum > 0 {
		all = e.sum / float64(e.seen)
	}
	for _, u := range e.units {
		sum := 0.
		for _, id := range x.IDs[u.Start:u.End] {
			if m := e.mean[id]; m >= 0 {
				sum += float64(m)
			} else {
				sum += all
			}
		}
		e.scale = append(e.scale, min(max(sum/float64(u.End-u.Start), .1*all), 10*all))
	}
	e.Pick(x, bits, e.units, func(i int) float64 { return e.scale[i] }, in, counts)
}

// Learn implements [Learner]. What is not a number of nats is passed over.
//
//	decay .9, values 2 then 4 at one type: the average is 2, then 2.2
func (e *Entropy) Learn(ids []int32, entropy []float32) {
	for i, id := range ids {
		h := entropy[i]
		if !(h >= 0) || math.IsInf(float64(h), 0) {
			continue
		}
		old := e.mean[id]
		if old < 0 {
			e.mean[id] = h
			e.seen++
			e.sum += float64(h)
			continue
		}
		e.mean[id] = float32(e.Decay*float64(old) + (1-e.Decay)*float64(h))
		e.sum += float64(e.mean[id]) - float64(old)
	}
}

// MarshalBinary implements [Learner]: the sum, then the average of every type.
func (e *Entropy) MarshalBinary() ([]byte, error) {
	// The running sum is kept as it is: added up anew it would differ in its last bits, and with it a resumed run.
	b := binary.LittleEndian.AppendUint64(nil, math.Float64bits(e.sum))
	for _, m := range e.mean {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(m))
	}
	return b, nil
}

// UnmarshalBinary implements [Learner].
func (e *Entropy) UnmarshalBinary(b []byte) error {
	if len(b) != 8+4*len(e.mean) {
		return fmt.Errorf("masker state of %d bytes does not fit a vocabulary of %d", len(b), len(e.mean))
	}
	e.sum, e.seen = math.Float64frombits(binary.LittleEndian.Uint64(b)), 0
	for i := range e.mean {
		e.mean[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[8+4*i:]))
		if e.mean[i] >= 0 {
			e.seen++
		}
	}
	return nil
}
