package mix

import (
	"fmt"
	"math/rand/v2"
)

// Progress is the bandit of [ODMPaper] with another reward: how far the domain's smoothed loss has fallen since its last visit, held within -1 and 1. A
// domain from which nothing is learned, be it noise or known by heart, earns nothing. It is the first choice among the mixers that react.
//
//	smoothing 0, losses 3, 2.5, 2.6 at one domain: rewards 0, .5, -.1
type Progress struct {
	policy `yaml:"-"`
	Decay  float64 `yaml:"decay"`  // what remains of the reward at each visit
	Smooth float64 `yaml:"smooth"` // what remains of the smoothed loss at each visit

	reward []float64
	loss   []float64 // smoothed
	visits []int64
}

// Open implements [Opener].
func (m *Progress) Open(env Env) error {
	if !(m.Decay >= 0 && m.Decay < 1) || !(m.Smooth >= 0 && m.Smooth < 1) {
		return fmt.Errorf("decay and smooth are at least 0 and below 1, not %v and %v", m.Decay, m.Smooth)
	}
	m.start(env)
	k := len(env.Domains)
	m.reward, m.loss, m.visits = make([]float64, k), make([]float64, k), make([]int64, k)
	return nil
}

// Pick implements [Mixer].
func (m *Progress) Pick(step int64, rng *rand.Rand) int {
	if m.turn(step) {
		t := m.turns + 1
		gibbs(m.p, m.reward, exploration(len(m.p), t-1), exploration(len(m.p), t))
	}
	return m.draw(step, rng)
}

// Learn implements [Mixer].
func (m *Progress) Learn(_ int64, domain int, loss float64) {
	if !finite(loss) {
		return
	}
	old := m.loss[domain]
	if m.visits[domain]++; m.visits[domain] == 1 {
		m.loss[domain] = loss
		return
	}
	m.loss[domain] = m.Smooth*old + (1-m.Smooth)*loss
	drop := min(max(old-m.loss[domain], -1), 1)
	m.reward[domain] = m.Decay*m.reward[domain] + (1-m.Decay)*m.unbiased(domain, drop)
}

// MarshalBinary implements [Mixer].
func (m *Progress) MarshalBinary() ([]byte, error) {
	return save(m.fields(m.reward, m.loss, m.visits)...)
}

// UnmarshalBinary implements [Mixer].
func (m *Progress) UnmarshalBinary(b []byte) error {
	return load(b, m.fields(m.reward, m.loss, m.visits)...)
}
