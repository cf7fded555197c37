package model

import (
	"hash/fnv"
	"math"
	"sync"

	"sluice/trainer/tensor"
)

// New makes a model with fresh weights. They are a function of the config and the seed: gains are 1, biases 0, everything else is normal with mean 0
// and standard deviation Config.InitRange, except that the matrices that end a residual branch of a decoder have InitRange/√(2·layers), so that the sum of
// all branches does not grow with depth (the GPT-2 report, section 2.3).
func New(c Config, seed uint64) (*Model, error) {
	c = c.filled()
	if err := c.validate(); err != nil {
		return nil, err
	}
	m := &Model{Config: c}
	var draws sync.WaitGroup
	m.assemble(func(s spec, t *tensor.Tensor) { draws.Go(func() { c.draw(s, t, seed) }) })
	draws.Wait()
	return m, nil
}

// draw fills a new weight.
func (c Config) draw(s spec, t *tensor.Tensor, seed uint64) {
	x := t.Value()
	switch s.role {
	case Bias:
		clear(x)
	case Gain:
		for i := range x {
			x[i] = 1
		}
	default:
		deviation := c.InitRange
		if s.last && c.Family.Decoder() {
			deviation /= math.Sqrt(float64(2 * c.Layers))
		}
		normal(x, streamOf(seed, s.name), deviation)
	}
}

// streamOf gives the beginning of a tensor's counters.
func streamOf(seed uint64, name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return mix(h.Sum64() ^ mix(seed))
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// unit gives a number in (0, 1) from random bits.
func unit(bits uint64) float64 { return (float64(bits>>11) + .5) / (1 << 53) }

// normal fills x with normal numbers, two from the counters 2i and 2i+1 (Box and Muller, 1958).
func normal(x []float32, stream uint64, deviation float64) {
	for i := 0; i < len(x); i += 2 {
		r := deviation * math.Sqrt(-2*math.Log(unit(mix(stream+uint64(i)))))
		sin, cos := math.Sincos(2 * math.Pi * unit(mix(stream+uint64(i)+1)))
		x[i] = float32(r * cos)
		if i+1 < len(x) {
			x[i+1] = float32(r * sin)
		}
	}
}
