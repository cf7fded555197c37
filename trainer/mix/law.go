package mix

import (
	"fmt"
	"math"
)

// Law chooses shares by the data mixing law (arXiv 2403.16952): over proxy runs every domain's loss follows
//
//	L_i(r) = c_i + k_i·exp(Σ_j t_ij·r_j)
//
// fitted by Huber's loss from several starts (of equal fits the one that is most constant); then Σ w_i·L_i, which is convex in r, is minimised over all
// mixtures that the cap on repetition allows. Between the runs it bends as losses do; beyond them it guesses, so runs should be spread wide (see [Design]).
type Law struct {
	Deal   `yaml:"-"`
	Runs   []Run              `yaml:"runs"`   // at least 3 for each domain; none: training makes them
	Target map[string]float64 `yaml:"target"` // weight of a domain's loss, by name; none: 1 for all
	Frozen map[string]float64 `yaml:"frozen"` // shares of domains whose mixture is known: only the rest is searched

	probed []Run
	space  *space
	judged []string
	laws   [][]float64 // ln c, ln k, t of every loss
}

// Design implements [Prober].
func (m *Law) Design(env Env, n int) ([][]float64, error) { return design(m.Runs, m.Frozen, env, n) }

// Take implements [Prober].
func (m *Law) Take(runs []Run) { m.probed = runs }

// Open implements [Opener].
func (m *Law) Open(env Env) (err error) {
	if m.space, err = newSpace(m.Frozen, env); err != nil {
		return err
	}
	runs, err := m.space.runs(known(m.Runs, m.probed), env, 3*m.space.size)
	if err != nil {
		return err
	}
	weight, err := importance(m.Target, env)
	if err != nil {
		return err
	}
	m.laws, m.judged = nil, env.judged()
	for i := range m.judged {
		m.laws = append(m.laws, fitMixingLaw(runs, i))
	}
	m.Set(m.space.expand(m.best(weight, m.space.caps(env))), env)
	return nil
}

// lawAt gives the law's value and its exponential part.
func lawAt(x, shares []float64) (loss, rising float64) {
	u := x[1]
	for j, s := range shares {
		u += x[2+j] * s
	}
	rising = math.Exp(u)
	return math.Exp(x[0]) + rising, rising
}

// steepest gives the coordinate with whose share a loss falls most.
func steepest(runs []Run, loss int) (at int) {
	least := math.Inf(1)
	for j := range runs[0].Shares {
		sum, share, both := 0., 0., 0.
		for _, r := range runs {
			sum += r.Losses[loss]
			share += r.Shares[j]
			both += r.Losses[loss] * r.Shares[j]
		}
		if c := both - sum*share/float64(len(runs)); c < least {
			least, at = c, j
		}
	}
	return at
}

// fitMixingLaw fits the law of one loss on its logarithm. Starts differ in how much of the least loss seen is the constant c.
func fitMixingLaw(runs []Run, loss int) []float64 {
	k := len(runs[0].Shares)
	least, mean := math.Inf(1), 0.
	for _, r := range runs {
		least = min(least, r.Losses[loss])
		mean += r.Losses[loss] / float64(len(runs))
	}
	value := func(x, g []float64) float64 {
		clear(g)
		sum := 0.
		for _, r := range runs {
			l, rising := lawAt(x, r.Shares)
			h, s := huber(math.Log(l)-math.Log(r.Losses[loss]), .01)
			sum += h
			g[0] += s * math.Exp(x[0]) / l
			g[1] += s * rising / l
			for j, share := range r.Shares {
				g[2+j] += s * rising / l * share
			}
		}
		for j := range k { // shares sum to 1: of all equal fits, the one with the smallest t
			sum += 1e-7 * x[2+j] * x[2+j]
			g[2+j] += 2e-7 * x[2+j]
		}
		return sum
	}
	var best []float64
	lowest, helper := math.Inf(1), steepest(runs, loss)
	for _, c := range []float64{.99, .9, .6, .2} {
		for _, own := range []float64{0, -1, -3} {
			x := make([]float64, 2+k)
			x[0], x[1] = math.Log(c*least), math.Log(max(mean-c*least, 1e-3*mean))
			x[2+helper] = own
			if v := descend(value, x, 300); v < lowest-1e-7 {
				lowest, best = v, x
			}
		}
	}
	return best
}

// best minimises Σ w_i·L_i(r) by exponentiated gradient steps (Kivinen, Warmuth 1997), each followed by a return under the caps.
func (m *Law) best(weight, caps []float64) []float64 {
	k := m.space.size
	r := make([]float64, k)
	for i := range r {
		r[i] = 1
	}
	r = share(r, caps, 1)
	value := func(r []float64) (v float64) {
		for i, w := range weight {
			l, _ := lawAt(m.laws[i], r)
			v += w * l
		}
		return v
	}
	v, rate := value(r), 1.
	for range 2000 {
		g := make([]float64, k)
		for i, w := range weight {
			_, rising := lawAt(m.laws[i], r)
			for j := range g {
				g[j] += w * rising * m.laws[i][2+j]
			}
		}
		next := make([]float64, k)
		for j := range next {
			next[j] = max(r[j], 1e-6) * math.Exp(min(max(-rate*g[j], -5), 5))
		}
		next = share(next, caps, 1)
		if w := value(next); w < v {
			r, v, rate = next, w, rate*1.2
		} else if rate /= 2; rate < 1e-9 {
			break
		}
	}
	return r
}

// Explain implements [Explainer].
func (m *Law) Explain(domain int) string {
	return m.space.explain(domain, m.judged, func(i int) string {
		l, _ := lawAt(m.laws[i], m.space.contract(m.p))
		return fmt.Sprintf("its loss is predicted as %.4f, %.4f of it constant", l, math.Exp(m.laws[i][0]))
	})
}
