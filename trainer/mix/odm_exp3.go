package mix

import "math/rand/v2"

// ODMExp3 is the Exp3 variant in the published code of online data mixing: rewards add up and are never forgotten,
//
//	R_i = R_i + (L_i/10)/p_i      p_i = (1 - K·ε_t)·softmax(ε_{t-1}·R)_i + ε_t
type ODMExp3 struct {
	policy `yaml:"-"`

	reward []float64
}

// Open implements [Opener].
func (m *ODMExp3) Open(env Env) error {
	m.start(env)
	m.reward = make([]float64, len(env.Domains))
	return nil
}

// Pick implements [Mixer].
func (m *ODMExp3) Pick(step int64, rng *rand.Rand) int {
	if m.turn(step) {
		t := m.turns + 1
		gibbs(m.p, m.reward, exploration(len(m.p), t-1), exploration(len(m.p), t))
	}
	return m.draw(step, rng)
}

// Learn implements [Mixer].
func (m *ODMExp3) Learn(_ int64, domain int, loss float64) {
	if finite(loss) {
		m.reward[domain] += m.unbiased(domain, loss/10)
	}
}

// MarshalBinary implements [Mixer].
func (m *ODMExp3) MarshalBinary() ([]byte, error) { return save(m.fields(m.reward)...) }

// UnmarshalBinary implements [Mixer].
func (m *ODMExp3) UnmarshalBinary(b []byte) error { return load(b, m.fields(m.reward)...) }
