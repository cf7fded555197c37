package mix

import (
	"fmt"
	"maps"
	"slices"
)

// Fixed gives every domain the share that the recipe says.
type Fixed struct {
	Deal   `yaml:"-"`
	Shares map[string]float64 `yaml:"weights"` // by domain, all of them; they need not sum to 1
}

// Open implements [Opener].
func (f *Fixed) Open(env Env) error {
	w := make([]float64, len(env.Domains))
	sum := 0.
	known := map[string]bool{}
	for i, d := range env.Domains {
		known[d.Name] = true
		v, ok := f.Shares[d.Name]
		if !ok {
			return fmt.Errorf("weights: domain %s has none; give it 0 to leave it out", d.Name)
		}
		if !(v >= 0) || !finite(v) {
			return fmt.Errorf("weights: domain %s has %v, want 0 or more", d.Name, v)
		}
		w[i] = v
		sum += v
	}
	for _, name := range slices.Sorted(maps.Keys(f.Shares)) {
		if !known[name] {
			return fmt.Errorf("weights: there is no domain %s", name)
		}
	}
	if sum == 0 {
		return fmt.Errorf("weights: all are 0")
	}
	f.Set(w, env)
	return nil
}
