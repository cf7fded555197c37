package kernel

import "math"

// AdamW are the constants of the optimiser with decoupled weight decay (arXiv 1711.05101, algorithm 2):
//
//	m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²;  w = w(1 - lr·decay) - lr·(m/(1-β1ᵗ))/(√(v/(1-β2ᵗ)) + eps)
type AdamW struct{ LR, Beta1, Beta2, Eps, Decay float64 }

// Step updates weights w and moments m, v by the gradient scale·g; t counts steps from 1.
func (a AdamW) Step(s Set, w, g, m, v []float32, scale float64, t int) {
	c1 := 1 - math.Pow(a.Beta1, float64(t))
	c2 := 1 - math.Pow(a.Beta2, float64(t))
	s.adamw(w, g, m, v, float32(scale), float32(a.Beta1), float32(1-a.Beta1), float32(a.Beta2), float32(1-a.Beta2),
		float32(a.LR/c1), float32(1-a.LR*a.Decay), float32(1/c2), float32(a.Eps))
}
