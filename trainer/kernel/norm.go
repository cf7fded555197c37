package kernel

import "math"

// LayerNorm writes y = (x-μ)·r·g + c for one row, r = 1/√(variance + eps), and gives μ and r. The variance is taken around μ in a second pass:
// mean x² - μ² would lose all digits when |μ| is large. (arXiv 1607.06450)
func (s Set) LayerNorm(y, x, g, c []float32, eps float32) (mu, r float32) {
	n := float32(len(x))
	mu = s.Sum(x) / n
	r = 1 / float32(math.Sqrt(float64(s.sqDiff(x, mu)/n+eps)))
	s.lnFwd(y, x, g, c, mu, r)
	return mu, r
}

// LayerNormBwd adds a row's share to dg and dc and writes dx, or adds to it.
func (s Set) LayerNormBwd(dx, dy, x, g, dg, dc []float32, mu, r float32, add bool) {
	n := float32(len(x))
	s1, s2 := s.lnBwd1(dy, x, g[:len(x)], dg[:len(x)], dc[:len(x)], mu, r)
	if add {
		s.lnBwd2Add(dx, dy, x, g, mu, r, -s1/n, -s2/n)
	} else {
		s.lnBwd2(dx, dy, x, g, mu, r, -s1/n, -s2/n)
	}
}

// RMSNorm writes y = x·r·g for one row, r = 1/√(mean x² + eps), and gives r. (arXiv 1910.07467)
func (s Set) RMSNorm(y, x, g []float32, eps float32) (r float32) {
	r = 1 / float32(math.Sqrt(float64(s.sqDiff(x, 0)/float32(len(x))+eps)))
	s.rmsFwd(y, x, g, r)
	return r
}

// RMSNormBwd adds a row's share to dg and writes dx, or adds to it.
func (s Set) RMSNormBwd(dx, dy, x, g, dg []float32, r float32, add bool) {
	sum := s.rmsBwd1(dy, x, g, dg, r)
	c := -r * r * r * sum / float32(len(x))
	if add {
		s.rmsBwd2Add(dx, dy, x, g, r, c)
	} else {
		s.rmsBwd2(dx, dy, x, g, r, c)
	}
}

// LayerNormGrads is the part of LayerNormBwd that belongs to dg and dc.
func (s Set) LayerNormGrads(dy, x, g, dg, dc []float32, mu, r float32) {
	s.lnBwd1(dy, x, g[:len(x)], dg[:len(x)], dc[:len(x)], mu, r)
}

// RMSNormGrads is the part of RMSNormBwd that belongs to dg.
func (s Set) RMSNormGrads(dy, x, g, dg []float32, r float32) { s.rmsBwd1(dy, x, g, dg, r) }
