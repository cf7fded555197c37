package mix

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// Proxy runs: small trainings on mixtures drawn at random, whose validation losses tell a regression which mixture is best. A domain that the target
// does not care for has no weight in it. Their number grows with the number of domains; a proxy should repeat its data as often as the training it stands
// for (arXiv 2606.07597).

// A Run is one proxy training.
type Run struct {
	Shares []float64 `yaml:"shares" json:"shares"` // of the domains, in their order; the sum is 1
	Losses []float64 `yaml:"losses" json:"losses"` // validation losses, in the order of [Env].Judged; none: of the domains
}

// A Prober learns from proxy runs of its own choice, before it is opened.
type Prober interface {
	Mixer
	// Design gives the mixtures to try, n of them; with n = 0 as many as it takes. It is empty when the recipe brings the runs.
	Design(env Env, n int) ([][]float64, error)
	// Take gets the finished runs.
	Take(runs []Run)
}

// A Trial trains a model from scratch for a number of steps with a mixer and gives its validation losses. The same mixer, steps and seed give the same
// losses.
type Trial func(ctx context.Context, m Mixer, steps int64, seed uint64) (losses []float64, err error)

// Design gives n mixtures to try around a prior: the prior first, then a corner for every domain (half of it, and the prior in the other half), then
// Dirichlet(s·prior) with s from .1 to 5 in even steps of its logarithm (arXiv 2407.01492, section 3.1): mixtures near corners come from small s.
func Design(n int, prior []float64, seed uint64) [][]float64 {
	rng := rand.New(rand.NewPCG(seed, 0x64657367))
	var all [][]float64
	for i := range n {
		m := append([]float64{}, prior...)
		if i > 0 && i <= len(prior) {
			for j := range m {
				m[j] /= 2
			}
			m[i-1] += .5
		}
		if i > len(prior) {
			at := float64(i-len(prior)-1) / float64(max(1, n-len(prior)-2))
			m = dirichlet(rng, prior, .1*math.Pow(50, at)*float64(len(prior)))
		}
		all = append(all, m)
	}
	return all
}

// dirichlet draws shares with the mean prior; a large strength keeps them near it.
func dirichlet(rng *rand.Rand, prior []float64, strength float64) []float64 {
	m, sum := make([]float64, len(prior)), 0.
	for sum < 1e-12 { // all components may round to 0 at small strengths
		sum = 0
		for i, p := range prior {
			m[i] = gamma(rng, strength*p)
			sum += m[i]
		}
	}
	for i := range m {
		m[i] /= sum
	}
	return m
}

// gamma draws from Gamma(a, 1) (Marsaglia, Tsang 2000; below 1 by the power of a uniform number).
func gamma(rng *rand.Rand, a float64) float64 {
	if a <= 0 {
		return 0
	}
	if a < 1 {
		return gamma(rng, a+1) * math.Pow(1-rng.Float64(), 1/a)
	}
	d := a - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v = v * v * v; v > 0 && math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// Try makes the proxy runs of a design.
func Try(ctx context.Context, trial Trial, env Env, design [][]float64, steps int64) ([]Run, error) {
	var runs []Run
	for n, shares := range design {
		losses, err := trial(ctx, Shares(env, shares), steps, env.Seed)
		if err != nil {
			return nil, fmt.Errorf("proxy run %d of %d: %w", n+1, len(design), err)
		}
		runs = append(runs, Run{Shares: shares, Losses: losses})
	}
	return runs, nil
}

// Shares is the mixer of fixed shares, in the order of the domains.
func Shares(env Env, shares []float64) Mixer {
	m := &Fixed{Shares: map[string]float64{}}
	for i, d := range env.Domains {
		m.Shares[d.Name] = shares[i]
	}
	return m
}

// importance gives the weight of every loss: what the recipe says, or 1 for all.
func importance(target map[string]float64, env Env) ([]float64, error) {
	w := make([]float64, len(env.judged()))
	found := 0
	for i, name := range env.judged() {
		v, ok := target[name]
		if ok {
			found++
		}
		if len(target) == 0 {
			v = 1
		}
		if v < 0 || !finite(v) {
			return nil, fmt.Errorf("target: %s has the weight %v", name, v)
		}
		w[i] = v
	}
	if found < len(target) {
		return nil, fmt.Errorf("target: one of its %d names is not judged by: validation losses are those of %v", len(target), env.judged())
	}
	return w, nil
}

// most gives the largest share that the cap on repetition allows each domain.
func most(env Env) []float64 {
	c := make([]float64, len(env.Domains))
	for i, d := range env.Domains {
		c[i] = 1
		if env.Repeats > 0 && env.Examples() > 0 {
			c[i] = min(1, env.Repeats*float64(d.Examples)/env.Examples())
		}
	}
	return c
}
