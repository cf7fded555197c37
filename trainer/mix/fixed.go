package mix

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Fixed gives every domain the share that the recipe says.
type Fixed struct {
	Deal   `yaml:"-"`
	Shares map[string]float64 `yaml:"weights"` // by domain; they need not sum to 1
}

// Open implements [Opener].
func (f *Fixed) Open(env Env) error {
	w := make([]float64, len(env.Domains))
	sum := 0.
	for i, d := range env.Domains {
		v, ok := f.Shares[d.Name]
		if !ok || v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("weights: domain %q has %v; every domain needs a number of 0 or more", d.Name, v)
		}
		w[i] = v
		sum += v
	}
	if len(f.Shares) > len(env.Domains) {
		return fmt.Errorf("weights: %q has names that are no domains", slices.Sorted(maps.Keys(f.Shares)))
	}
	if sum == 0 {
		return fmt.Errorf("weights: all are 0")
	}
	f.Set(w, env)
	return nil
}
