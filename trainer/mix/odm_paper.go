package mix

import (
	"fmt"
	"math/rand/v2"
)

// ODMPaper is online data mixing as its paper describes it (arXiv 2312.02406, algorithm 1): a bandit whose reward is the training loss,
//
//	R_i = a·R_i + (1-a)·L_i/p_i      p_i = (1 - K·ε_t)·softmax(ε_{t-1}·R)_i + ε_t
//
// Losses that stay high because there is nothing to learn draw it on: it gives noise more than its share.
type ODMPaper struct {
	policy `yaml:"-"`
	Decay  float64 `yaml:"decay"` // a

	reward []float64
}

// Open implements [Opener].
func (m *ODMPaper) Open(env Env) error {
	if !(m.Decay >= 0 && m.Decay < 1) {
		return fmt.Errorf("decay is at least 0 and below 1, not %v", m.Decay)
	}
	m.start(env)
	m.reward = make([]float64, len(env.Domains))
	return nil
}

// Pick implements [Mixer].
func (m *ODMPaper) Pick(step int64, rng *rand.Rand) int {
	if m.turn(step) {
		t := m.turns + 1 // the turn that begins
		gibbs(m.p, m.reward, exploration(len(m.p), t-1), exploration(len(m.p), t))
	}
	return m.draw(step, rng)
}

// Learn implements [Mixer].
func (m *ODMPaper) Learn(_ int64, domain int, loss float64) {
	if finite(loss) {
		m.reward[domain] = m.Decay*m.reward[domain] + (1-m.Decay)*m.unbiased(domain, loss)
	}
}

// MarshalBinary implements [Mixer].
func (m *ODMPaper) MarshalBinary() ([]byte, error) { return save(m.fields(m.reward)...) }

// UnmarshalBinary implements [Mixer].
func (m *ODMPaper) UnmarshalBinary(b []byte) error { return load(b, m.fields(m.reward)...) }
