package mix

import (
	"cmp"
	"fmt"
	"slices"
)

// UniMax is as uniform as a cap on epochs allows (arXiv 2304.09151, algorithm 1): from the smallest domain to the largest, each gets an equal share of
// what is left, but never more than Epochs times itself. Up to four epochs repeated data is nearly as good as new (arXiv 2305.16264).
//
//	sizes 10, 100, 1000 and 600 examples wanted, 4 epochs: 40, 280, 280
type UniMax struct {
	Deal   `yaml:"-"`
	Epochs float64 `yaml:"epochs"` // most epochs of a domain
}

// Open implements [Opener].
func (u *UniMax) Open(env Env) error {
	if !(u.Epochs > 0) {
		return fmt.Errorf("epochs is above 0, not %v", u.Epochs)
	}
	w := make([]float64, len(env.Domains))
	for i := range w {
		w[i] = 1
	}
	u.Set(share(w, caps(env, u.Epochs), env.Examples()), env)
	return nil
}

// caps are the most examples of every domain.
func caps(env Env, epochs float64) []float64 {
	c := make([]float64, len(env.Domains))
	for i, d := range env.Domains {
		c[i] = epochs * float64(d.Examples)
	}
	return c
}

// share divides total by weights under caps: what one domain cannot take, the others share by their weights. When all caps together are below total,
// every domain gets its cap. With equal weights this is UniMax.
func share(weights, caps []float64, total float64) []float64 {
	order := make([]int, len(weights))
	left := 0.
	for i, w := range weights {
		order[i] = i
		left += w
	}
	// The domain whose cap is lowest for its weight fills first.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(caps[a]*weights[b], caps[b]*weights[a]) })
	out := make([]float64, len(weights))
	for _, i := range order {
		if weights[i] == 0 {
			continue
		}
		out[i] = min(total*weights[i]/left, caps[i])
		total -= out[i]
		left -= weights[i]
	}
	return out
}
