package mix

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Aioli (arXiv 2411.05735) measures in the midst of training how much each domain helps each other one. Every round of Every steps begins with Sweeps
// sweeps; in a sweep each domain j, in random order, has Steps steps to itself but for smoothing: it gets Focus, the others share the rest. What the
// validation losses fall meanwhile is added to column j of D. Then
//
//	D /= Sweeps;  A·Wᵀ = D with row j of W the mixture of j;  if min A < 0: A -= min A;  A /= ΣA;  q_j ∝ p_j·exp(Eta·Σ_i A_ij);  p = Keep·p + (1-Keep)·q
//
// and p, uniform at first, holds for the rest of the round. The steps of a run count from 0. It needs validation data in every domain.
type Aioli struct {
	policy `yaml:"-"`
	Every  int64   `yaml:"every"`  // steps of a round
	Sweeps int64   `yaml:"sweeps"` // per round
	Steps  int64   `yaml:"steps"`  // per domain and sweep
	Focus  float64 `yaml:"focus"`  // the chance of the domain that is measured
	Eta    float64 `yaml:"eta"`    // how strongly p moves
	Keep   float64 `yaml:"keep"`   // share of the old p in the new

	mix    []float64 // p between sweeps
	order  []int64   // domains of this sweep in their order
	sweep  int64     // number of the sweep that order belongs to, in the whole run; -1: none
	before []float64 // validation losses at the last boundary; NaN: not measured
	drop   []float64 // D, row i: domain that fell, column j: domain trained on
	visits []int64   // times that column j was measured in this round
}

// Shorten implements [Periodic]: rounds keep the share that is given to sweeps as long as a turn has a step.
func (m *Aioli) Shorten(f float64, domains int) {
	long := m.Sweeps * m.Steps
	m.Steps = max(1, int64(f*float64(m.Steps)))
	m.Sweeps = max(1, int64(f*float64(long))/m.Steps)
	m.Every = max(int64(f*float64(m.Every)), m.Sweeps*m.Steps*int64(domains)+1)
}

// Open implements [Opener].
func (m *Aioli) Open(env Env) error {
	k := int64(len(env.Domains))
	switch {
	case m.Sweeps < 1 || m.Steps < 1 || m.Every <= m.Sweeps*m.Steps*k:
		return fmt.Errorf("%d sweeps of %d steps for each of %d domains do not fit into a round of %d steps: raise every", m.Sweeps, m.Steps, k, m.Every)
	case k > 1 && !(m.Focus > 1/float64(k) && m.Focus <= 1):
		return fmt.Errorf("focus is above 1/%d, the uniform share, and at most 1, not %v", k, m.Focus)
	case !(m.Eta > 0) || !(m.Keep >= 0 && m.Keep < 1):
		return fmt.Errorf("eta is above 0 and keep at least 0 and below 1, not %v and %v", m.Eta, m.Keep)
	}
	m.start(env)
	m.mix = append([]float64{}, m.p...)
	m.order, m.sweep, m.visits = make([]int64, k), -1, make([]int64, k)
	m.before, m.drop = make([]float64, k), make([]float64, k*k)
	for i := range m.before {
		m.before[i] = math.NaN()
	}
	return nil
}

// phase gives the place of a step: its sweep in the whole run and the turn within it, or no sweep.
func (m *Aioli) phase(step int64) (sweep, turn int64, sweeping bool) {
	k := int64(len(m.p))
	at := step % m.Every
	if at >= m.Sweeps*m.Steps*k {
		return 0, 0, false
	}
	return step/m.Every*m.Sweeps + at/(m.Steps*k), at / m.Steps % k, true
}

// Pick implements [Mixer].
func (m *Aioli) Pick(step int64, rng *rand.Rand) int {
	if step != m.step {
		sweep, turn, sweeping := m.phase(step)
		if sweeping && sweep != m.sweep {
			m.sweep = sweep
			for i, j := range rng.Perm(len(m.order)) {
				m.order[i] = int64(j)
			}
		}
		copy(m.p, m.mix)
		if sweeping {
			copy(m.p, m.focused(int(m.order[turn])))
		}
	}
	return m.draw(step, rng)
}

// focused is the mixture of domain j: its row of W.
func (m *Aioli) focused(j int) []float64 {
	k := len(m.p)
	w := make([]float64, k)
	for i := range w {
		w[i] = (1 - m.Focus) / float64(max(1, k-1))
	}
	w[j] = m.Focus
	if k == 1 {
		w[j] = 1
	}
	return w
}

// Due implements [Validator]: at the borders of every domain's turn.
func (m *Aioli) Due(step int64) bool {
	at := step % m.Every
	return at <= m.Sweeps*m.Steps*int64(len(m.p)) && at%m.Steps == 0
}

// Validate implements [Validator].
func (m *Aioli) Validate(step int64, losses []float64) {
	if at := step % m.Every; at > 0 { // a turn has ended
		_, turn, _ := m.phase(step - 1)
		j := int(m.order[turn])
		known := true
		for i, l := range losses {
			known = known && finite(l) && finite(m.before[i])
		}
		if known {
			m.visits[j]++
			for i, l := range losses {
				m.drop[i*len(losses)+j] += m.before[i] - l
			}
		}
		if at == m.Sweeps*m.Steps*int64(len(m.p)) {
			m.move()
		}
	}
	copy(m.before, losses)
}

// move sets p from D and begins a new one. A round in which a column was never measured moves nothing.
func (m *Aioli) move() {
	k := len(m.mix)
	measured := true
	for i := range m.drop {
		measured = measured && m.visits[i%k] > 0
		m.drop[i] /= float64(max(1, m.visits[i%k]))
	}
	a := m.helpfulness()
	clear(m.drop)
	clear(m.visits)
	if a == nil || !measured {
		return
	}
	q, sum := make([]float64, k), 0.
	for j := range q {
		help := 0.
		for i := range k {
			help += a[i*k+j]
		}
		q[j] = m.mix[j] * math.Exp(m.Eta*help)
		sum += q[j]
	}
	for j := range q {
		m.mix[j] = m.Keep*m.mix[j] + (1-m.Keep)*q[j]/sum
	}
}

// helpfulness solves A·Wᵀ = D: A_ij is what a share of domain j does for domain i; it is made non-negative, with the sum 1. It is nil when all of D is equal.
func (m *Aioli) helpfulness() []float64 {
	k := len(m.mix)
	a := make([]float64, 0, k*k)
	for i := range k {
		w := make([]float64, 0, k*k) // row i: W·A_iᵀ = D_iᵀ
		for j := range k {
			w = append(w, m.focused(j)...)
		}
		row, ok := solve(w, append([]float64{}, m.drop[i*k:(i+1)*k]...))
		if !ok {
			return nil
		}
		a = append(a, row...)
	}
	least, sum := 0., 0.
	for _, v := range a {
		least = min(least, v)
	}
	for i := range a {
		a[i] -= least
		sum += a[i]
	}
	if !(sum > 0) {
		return nil
	}
	for i := range a {
		a[i] /= sum
	}
	return a
}

func (m *Aioli) state() []any {
	return m.fields(m.mix, m.order, &m.sweep, m.before, m.drop, m.visits)
}

// MarshalBinary implements [Mixer].
func (m *Aioli) MarshalBinary() ([]byte, error) { return save(m.state()...) }

// UnmarshalBinary implements [Mixer].
func (m *Aioli) UnmarshalBinary(b []byte) error { return load(b, m.state()...) }
