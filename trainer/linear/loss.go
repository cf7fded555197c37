package linear

import (
	"math"

	"sluice/trainer/kernel"
)

// A loss compares the logits of training rows with their labels.
type loss interface {
	// row gives the loss of row i at logits z and writes its derivative by the logits to d.
	row(s kernel.Set, d, z []float32, i int) float64
}

// softmax is the cross-entropy of one true class a row: lse(z) - z_t, with derivative softmax(z) - onehot(t).
//
// Example: z = [0 0], t = 1 has the loss ln 2 and the derivative [.5 -.5].
type softmax []int32

func (t softmax) row(s kernel.Set, d, z []float32, i int) float64 {
	lse := s.Softmax(d, z, 1)
	d[t[i]]--
	return float64(lse) - float64(z[t[i]])
}

// logistic is the sum over labels of the binary cross-entropy ln(1+eᶻ) - y·z, with derivative σ(z) - y. It lists the true labels of
// every row.
type logistic [][]int32

func (t logistic) row(_ kernel.Set, d, z []float32, i int) float64 {
	sum := 0.0
	for k, v := range z {
		// Neither form overflows: e is at most 1.
		e := math.Exp(-math.Abs(float64(v)))
		p := 1 / (1 + e)
		if v < 0 {
			p = e / (1 + e)
		}
		d[k] = float32(p)
		sum += max(float64(v), 0) + math.Log1p(e)
	}
	for _, k := range t[i] {
		d[k]--
		sum -= float64(z[k])
	}
	return sum
}
