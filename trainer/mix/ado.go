package mix

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// ADO, adaptive data optimization (arXiv 2410.11820), fits a scaling law to every domain's own training losses and prefers domains whose law still falls
// steeply. Every Every steps it fits L_i(n) = E_i + B_i·n^-α_i on the n examples seen so far (adofit.go); then, in every step,
//
//	ρ_i ∝ μ_i·√h_i·α_i·(L_i - E_i)/n_i       L_i the law at n_i, μ the prior by size, h_i the recent share: h = .9h + .1·share of the step
//	p   = .9·avg + .1·ρ, at least .01 each   avg = (1 - 1/(t+1))·avg + ρ/(t+1)
//
// Until the first fit, and for domains whose fit fails, p is the prior.
type ADO struct {
	policy `yaml:"-"`
	Every  int64 `yaml:"every"` // steps between fits

	prior  []float64
	h, avg []float64
	law    []float64 // E, B, α of every domain; α = 0: no fit
	seen   []int64   // examples
	fitted int64     // turns since the first fit

	count [][]float64 // of every domain: examples seen when …
	loss  [][]float64 // … this loss was measured
}

const adoFloor = .01

// Shorten implements [Periodic].
func (m *ADO) Shorten(f float64, _ int) { m.Every = max(1, int64(f*float64(m.Every))) }

// Open implements [Opener].
func (m *ADO) Open(env Env) error {
	if m.Every < 1 {
		return fmt.Errorf("every is a number of steps, not %d", m.Every)
	}
	k := len(env.Domains)
	if adoFloor*float64(k) >= 1 {
		return fmt.Errorf("%d domains are too many for a least share of %v each", k, adoFloor)
	}
	m.start(env)
	m.Set(powers(env, 1), env)
	raise(m.p, adoFloor)
	m.prior = append([]float64{}, m.p...)
	m.h, m.avg = append([]float64{}, m.p...), append([]float64{}, m.p...)
	m.chance = append([]float64{}, m.p...)
	m.law, m.seen, m.fitted = make([]float64, 3*k), make([]int64, k), 0
	m.count, m.loss = make([][]float64, k), make([][]float64, k)
	return nil
}

// Pick implements [Mixer].
func (m *ADO) Pick(step int64, rng *rand.Rand) int {
	if m.turn(step) {
		m.settle()
	}
	i := m.draw(step, rng)
	m.seen[i]++
	return i
}

// Learn implements [Mixer].
func (m *ADO) Learn(_ int64, domain int, loss float64) {
	if loss > 0 && finite(loss) {
		m.count[domain] = append(m.count[domain], float64(m.seen[domain]))
		m.loss[domain] = append(m.loss[domain], loss)
	}
}

// settle ends a turn: recent shares, a fit when one is due, and the chances of the next.
func (m *ADO) settle() {
	all := int64(0)
	for _, n := range m.drawn {
		all += n
	}
	for i, n := range m.drawn {
		m.h[i] = .9*m.h[i] + .1*float64(n)/float64(all)
	}
	over := m.turns + 1
	if over%m.Every == 0 {
		for i := range m.prior {
			e, b, alpha, ok := fitLaw(m.count[i], m.loss[i])
			if ok {
				m.law[3*i], m.law[3*i+1], m.law[3*i+2] = e, b, alpha
			}
		}
	}
	if over >= m.Every {
		m.prefer()
	}
}

// prefer sets p from the laws.
func (m *ADO) prefer() {
	rho := make([]float64, len(m.p))
	sum := 0.
	for i := range rho {
		b, alpha := m.law[3*i+1], m.law[3*i+2]
		if alpha == 0 || m.seen[i] == 0 {
			copy(m.p, m.prior) // one law is missing: slopes cannot be compared
			return
		}
		n := float64(m.seen[i])
		rho[i] = m.prior[i] * math.Sqrt(m.h[i]) * alpha * b * math.Pow(n, -alpha) / n // L - E = B·n^-α
		sum += rho[i]
	}
	m.fitted++
	for i := range rho {
		rho[i] /= sum
		m.p[i] = .9*m.avg[i] + .1*rho[i]
		m.avg[i] += (rho[i] - m.avg[i]) / float64(m.fitted+1)
	}
	raise(m.p, adoFloor)
}

// raise lifts shares to a floor and takes what that costs from the others in proportion to what they have above it.
//
//	floor .1 on .05 .35 .6: .1, .333 and .567
func raise(p []float64, floor float64) {
	lack, above := 0., 0.
	for _, v := range p {
		lack += max(0, floor-v)
		above += max(0, v-floor)
	}
	for i, v := range p {
		if v <= floor {
			p[i] = floor
			continue
		}
		p[i] = floor + (v-floor)*(1-lack/above)
	}
}

// MarshalBinary implements [Mixer]: the fixed part, then the history of every domain behind its length.
func (m *ADO) MarshalBinary() ([]byte, error) {
	sizes := make([]int64, len(m.count))
	for i := range sizes {
		sizes[i] = int64(len(m.count[i]))
	}
	all := m.fields(m.h, m.avg, m.law, m.seen, &m.fitted, sizes)
	for i := range m.count {
		all = append(all, m.count[i], m.loss[i])
	}
	return save(all...)
}

// UnmarshalBinary implements [Mixer].
func (m *ADO) UnmarshalBinary(b []byte) error {
	sizes := make([]int64, len(m.count))
	head := m.fields(m.h, m.avg, m.law, m.seen, &m.fitted, sizes)
	zero, err := save(head...)
	if err != nil {
		return err
	}
	if len(b) < len(zero) {
		return load(b, head...)
	}
	if err := load(b[:len(zero)], head...); err != nil {
		return err
	}
	b = b[len(zero):]
	for i, n := range sizes {
		if n < 0 || n > int64(len(b))/16 {
			return fmt.Errorf("mixer state: domain %d has a history of %d losses, beyond the end", i, n)
		}
		m.count[i], m.loss[i] = make([]float64, n), make([]float64, n)
		if err := load(b[:16*n], m.count[i], m.loss[i]); err != nil {
			return err
		}
		b = b[16*n:]
	}
	return load(b)
}
