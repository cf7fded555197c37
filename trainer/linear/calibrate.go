package linear

import "math"

// temperature finds T that minimises the loss of the chosen rows' logits divided by T (Guo et al. 2017, arXiv 1706.04599), by Newton's
// method on a = 1/T, in which the loss is convex:
//
//	softmax   L'(a) = Σ w (Σ_k p_k z_k - z_t)      L''(a) = Σ w Var_p(z)
//	logistic  L'(a) = Σ w Σ_k (σ(a z_k) - y_k) z_k  L''(a) = Σ w Σ_k σ(1-σ) z_k²
//
// Example: logits [2 0] for ten rows of which nine are class 0: σ(2a) = .9, so a = ln(9)/2 and T = .91.
func (d *data) temperature(logits []float32, rows []int) float64 {
	k := len(d.labels)
	a := 1.0
	for range 50 {
		var slope, curve float64
		for _, i := range rows {
			z := logits[i*k : (i+1)*k]
			s, c := softmaxSlope(z, a)
			if d.c.MultiLabel {
				s, c = logisticSlope(z, a)
			}
			for _, t := range d.target[i] {
				s -= float64(z[t])
			}
			slope += d.rows[i].weight() * s
			curve += d.rows[i].weight() * c
		}
		if curve <= 0 {
			break // all logits equal: no temperature changes anything
		}
		next := min(max(a-slope/curve, a/4), a*4)
		done := math.Abs(next-a) < 1e-6*a
		a = min(max(next, 1e-2), 1e2) // perfectly separated rows would ask for T = 0
		if done {
			break
		}
	}
	return 1 / a
}

// softmaxSlope gives mean and variance of z under softmax(a·z).
func softmaxSlope(z []float32, a float64) (mean, variance float64) {
	top := float64(z[0])
	for _, v := range z {
		top = max(top, float64(v))
	}
	var sum, first, second float64
	for _, v := range z {
		x := float64(v) - top
		e := math.Exp(a * x)
		sum += e
		first += e * x
		second += e * x * x
	}
	first /= sum
	return first + top, second/sum - first*first
}

// logisticSlope gives Σ σ(a·z)·z and Σ σ(1-σ)·z².
func logisticSlope(z []float32, a float64) (first, second float64) {
	for _, v := range z {
		x := float64(v)
		p := 1 / (1 + math.Exp(-a*x))
		first += p * x
		second += p * (1 - p) * x * x
	}
	return first, second
}

// probs turns logits of all rows into probabilities at a temperature.
func (d *data) probs(logits []float32, temperature float64) *Probs {
	p := &Probs{Labels: d.labels, MultiLabel: d.c.MultiLabel, Values: make([]float32, len(logits))}
	k := len(d.labels)
	for i := range d.rows {
		probabilities(p.Values[i*k:(i+1)*k], logits[i*k:(i+1)*k], temperature, d.c.MultiLabel)
	}
	return p
}

// probabilities writes softmax(z/T), or σ(z/T) of each.
func probabilities(p, z []float32, temperature float64, multi bool) {
	a := 1 / temperature
	if multi {
		for i, v := range z {
			p[i] = float32(1 / (1 + math.Exp(-a*float64(v))))
		}
		return
	}
	top := z[0]
	for _, v := range z {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range z {
		e := math.Exp(a * float64(v-top))
		p[i] = float32(e)
		sum += e
	}
	for i := range p {
		p[i] = float32(float64(p[i]) / sum)
	}
}
