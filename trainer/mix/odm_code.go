package mix

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// ODMCode is online data mixing as its published code has it, which is another algorithm than the paper's: the exponential of the loss, not divided by the
// chance, and shares in proportion to the rewards,
//
//	R_i = a·R_i + (1-a)·exp(L_i)      p_i = (1 - K·ε_t)·R_i/ΣR + ε_t
//
// It favours noise strongly; it is here for comparison.
type ODMCode struct {
	policy `yaml:"-"`
	Decay  float64 `yaml:"decay"` // a

	reward []float64
}

// Open implements [Opener].
func (m *ODMCode) Open(env Env) error {
	if !(m.Decay >= 0 && m.Decay < 1) {
		return fmt.Errorf("decay is at least 0 and below 1, not %v", m.Decay)
	}
	m.start(env)
	m.reward = make([]float64, len(env.Domains))
	return nil
}

// Pick implements [Mixer].
func (m *ODMCode) Pick(step int64, rng *rand.Rand) int {
	if m.turn(step) {
		least, sum := exploration(len(m.p), m.turns+1), 0.
		for _, r := range m.reward {
			sum += r
		}
		for i, r := range m.reward {
			share := 1 / float64(len(m.p)) // nothing learned yet
			if sum > 0 {
				share = r / sum
			}
			m.p[i] = (1-float64(len(m.p))*least)*share + least
		}
	}
	return m.draw(step, rng)
}

// Learn implements [Mixer].
func (m *ODMCode) Learn(_ int64, domain int, loss float64) {
	if finite(loss) {
		m.reward[domain] = m.Decay*m.reward[domain] + (1-m.Decay)*math.Exp(min(loss, 50))
	}
}

// MarshalBinary implements [Mixer].
func (m *ODMCode) MarshalBinary() ([]byte, error) { return save(m.fields(m.reward)...) }

// UnmarshalBinary implements [Mixer].
func (m *ODMCode) UnmarshalBinary(b []byte) error { return load(b, m.fields(m.reward)...) }
