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
// Best with the lowest weighted loss. Mixtures that the cap on repetition forbids are not considered.
type RegMix struct {
	Deal     `yaml:"-"`
	Runs     []Run              `yaml:"runs"`     // at least 2 + domains
	Target   map[string]float64 `yaml:"target"`   // weight of a domain's loss, by name; none: 1 for all
	Simulate int                `yaml:"simulate"` // mixtures
	Best     int                `yaml:"best"`     // of them

	fit [][]float64 // b, t of every domain
}

// Open implements [Opener].
func (m *RegMix) Open(env Env) error {
	k := len(env.Domains)
	if m.Best < 1 || m.Simulate < m.Best {
		return fmt.Errorf("best is 1 or more and simulate not below it, not %d and %d", m.Best, m.Simulate)
	}
	if err := checkRuns(m.Runs, k, k+2); err != nil {
		return err
	}
	weight, err := importance(m.Target, env)
	if err != nil {
		return err
	}
	m.fit = nil
	for i := range k {
		m.fit = append(m.fit, logLinear(m.Runs, i))
	}
	shares := m.choose(env, weight)
	if shares == nil {
		return fmt.Errorf("none of %d mixtures keeps within the cap on repetition: raise repeats or simulate", m.Simulate)
	}
	m.Set(shares, env)
	return nil
}

// logLinear fits ln L_i = b + t·r by ridge regression; r is taken as its difference from the uniform mixture, so that the ridge pulls towards "no difference".
func logLinear(runs []Run, domain int) []float64 {
	k := len(runs[0].Shares)
	n := k + 1
	a, b := make([]float64, n*n), make([]float64, n)
	row := make([]float64, n)
	for _, r := range runs {
		row[0] = 1
		for j, s := range r.Shares {
			row[j+1] = s - 1/float64(k)
		}
		y := math.Log(max(r.Losses[domain], 1e-6))
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

// predict gives a domain's loss under shares.
func (m *RegMix) predict(domain int, shares []float64) float64 {
	x := m.fit[domain]
	y := x[0]
	for j, s := range shares {
		y += x[j+1] * (s - 1/float64(len(shares)))
	}
	return math.Exp(y)
}

func (m *RegMix) choose(env Env, weight []float64) []float64 {
	type candidate struct {
		loss   float64
		shares []float64
	}
	prior, caps := powers(env, 1), most(env)
	sum := 0.
	for _, p := range prior {
		sum += p
	}
	for i := range prior {
		prior[i] /= sum
	}
	rng := rand.New(rand.NewPCG(env.Seed, 0x7265676d))
	var all []candidate
	for range m.Simulate {
		s := dirichlet(rng, prior, .1*math.Pow(50, rng.Float64())*float64(len(prior)))
		loss, allowed := 0., true
		for i := range s {
			allowed = allowed && s[i] <= caps[i]+1e-9
			loss += weight[i] * m.predict(i, s)
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
	return fmt.Sprintf("its loss is predicted as %.4f", m.predict(domain, m.p))
}
