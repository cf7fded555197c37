package model

import (
	"fmt"
	"math"

	"sluice/trainer/tensor"
)

// A RopeConfig says how fast rotary positions turn.
type RopeConfig struct {
	Theta  float64
	Type   string  // "", "default": as Theta says; "linear": Factor times slower; "llama3": the slow turns Factor times slower
	Factor float64 // > 1
	// llama3: turns longer than Original/Low positions are slowed, those shorter than Original/High are not, between them a blend
	Low, High float64
	Original  int
}

func (r RopeConfig) validate() error {
	if !(r.Theta > 1 && r.Theta < 1e12) {
		return fmt.Errorf("rope_theta %g makes no sense", r.Theta)
	}
	switch r.Type {
	case "", "default":
		return nil
	case "linear", "llama3":
		if !(r.Factor >= 1) || r.Type == "llama3" && !(r.Low > 0 && r.High > r.Low && r.Original > 0) {
			return fmt.Errorf("rope scaling %+v makes no sense", r)
		}
		return nil
	}
	return fmt.Errorf("rope_type %q is not supported: want default, linear or llama3", r.Type)
}

// frequencies gives the turn per position of each pair of a head: theta^(-2j/d), scaled. (arXiv 2104.09864; "llama3": transformers'
// modeling_rope_utils)
func (r RopeConfig) frequencies(d int) []float64 {
	f := make([]float64, d/2)
	for j := range f {
		f[j] = math.Pow(r.Theta, -2*float64(j)/float64(d))
		switch r.Type {
		case "linear":
			f[j] /= r.Factor
		case "llama3":
			turns := float64(r.Original) * f[j] / (2 * math.Pi) // over the context of the first training
			blend := min(1, max(0, (turns-r.Low)/(r.High-r.Low)))
			f[j] *= blend + (1-blend)/r.Factor
		}
	}
	return f
}

// ropeFor gives tables for at least n positions; they grow by doubling.
func (m *Model) ropeFor(n int) *tensor.Rope {
	m.ropeLock.Lock()
	defer m.ropeLock.Unlock()
	if m.rope == nil || m.rope.Positions() < n {
		size := 64
		for size < n {
			size *= 2
		}
		m.rope = tensor.NewRopeOf(m.Config.Rope.frequencies(m.Config.HeadDim), min(size, m.Config.Positions))
	}
	return m.rope
}
