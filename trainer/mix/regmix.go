package mix

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// RegMix chooses shares by regression over proxy runs (after arXiv 2407.01492, with a log-linear model in place of trees, which is the safe choice for few
// runs): ln L_i = b_i + t_i·r for every domain's loss, least squares with a small ridge; then, of Simulate mixtures drawn around the prior by size, the mean of the
// Best with the lowest weighted loss. Mixtures that the cap on repetition forbids are not
// considered, nor those that give a domain more than any run did.
type RegMix struct {
	Deal     `yaml:"-"`
	Runs     []Run              `yaml:"runs"`     // at least 2 + domains; none: training makes them
	Target   map[string]float64 `yaml:"target"`   // weight of a domain's loss, by name; none: 1 for all
	Frozen   map[string]float64 `yaml:"frozen"`   // shares of domains whose mixture is known: only the rest is searched
	Simulate int                `yaml:"simulate"` // mixtures
	Best     int                `yaml:"best"`     // of them

	probed []Run
	space  *space
	judged []string
	fit    [][]float64 // b, t of every loss
}

// Design implements [Prober].
func (m *RegMix) Design(env Env, n int) ([][]float64, error) { return design(m.Runs, m.Frozen, env, n) }

// Take implements [Prober].
func (m *RegMix) Take(runs []Run) { m.probed = runs }

// Open implements [Opener].
func (m *RegMix) Open(env Env) (err error) {
	if m.Best < 1 || m.Simulate < m.Best {
		return fmt.Errorf("best is 1 or more and simulate not below it, not %d and %d", m.Best, m.Simulate)
	}
	if m.space, err = newSpace(m.Frozen, env); err != nil {
		return err
	}
	runs, err := m.space.runs(known(m.Runs, m.probed), env, m.space.size+2)
	if err != nil {
		return err
	}
	weight, err := importance(m.Target, env)
	if err != nil {
		return err
	}
	m.fit, m.judged = nil, env.judged()
	for i := range m.judged {
		m.fit = append(m.fit, logLinear(runs, i))
	}
	at := m.choose(env, weight, tried(m.space.caps(env), runs))
	if at == nil {
		return fmt.Errorf("none of %d mixtures keeps within the cap on repetition: raise repeats or simulate", m.Simulate)
	}
	m.Set(m.space.expand(at), env)
	return nil
}

// logLinear fits ln L = b + t·r of one loss by ridge regression; r is taken as its difference from the uniform mixture, so that the ridge pulls towards "no difference".
func logLinear(runs []Run, loss int) []float64 {
	k := len(runs[0].Shares)
	n := k + 1
	a, b := make([]float64, n*n), make([]float64, n)
	row := make([]float64, n)
	for _, r := range runs {
		row[0] = 1
		for j, s := range r.Shares {
			row[j+1] = s - 1/float64(k)
		}
		y := math.Log(max(r.Losses[loss], 1e-6))
		for i := range n {
			for j := range n {
				a[i*n+j] += row[i] * row[j]
			}
			b[i] += row[i] * y
		}
	}
	for i := 1; i < n; i++ { // shares sum to 1: without the ridge the equations have no single solution
		a[i*n+i] += 1e-4 * float64(len(runs))
	}
	x, ok := solve(a, b)
	if !ok {
		return make([]float64, n)
	}
	return x
}

// predict gives loss i at a place of the space.
func (m *RegMix) predict(i int, at []float64) float64 {
	x := m.fit[i]
	y := x[0]
	for j, s := range at {
		y += x[j+1] * (s - 1/float64(len(at)))
	}
	return math.Exp(y)
}

func (m *RegMix) choose(env Env, weight, caps []float64) []float64 {
	type candidate struct {
		loss   float64
		shares []float64
	}
	prior := m.space.prior(env)
	rng := rand.New(rand.NewPCG(env.Seed, 0x7265676d))
	var all []candidate
	for range m.Simulate {
		s := dirichlet(rng, prior, .1*math.Pow(50, rng.Float64())*float64(len(prior)))
		loss, allowed := 0., true
		for i := range s {
			allowed = allowed && s[i] <= caps[i]+1e-9
		}
		for i, w := range weight {
			loss += w * m.predict(i, s)
		}
		if allowed {
			all = append(all, candidate{loss, s})
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.loss, b.loss) })
	best := all[:min(m.Best, len(all))]
	mean := make([]float64, len(prior))
	for _, c := range best {
		for i, s := range c.shares {
			mean[i] += s / float64(len(best))
		}
	}
	return mean
}

// Explain implements [Explainer].
func (m *RegMix) Explain(domain int) string {
	return m.space.explain(domain, m.judged, func(i int) string {
		return fmt.Sprintf("its loss is predicted as %.4f", m.predict(i, m.space.contract(m.p)))
	})
}
