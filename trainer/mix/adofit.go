package mix

import "math"

// The scaling law of one domain, fitted as [ADO] does it: losses are smoothed by a Savitzky-Golay filter (window 101, cubic), every tenth point is kept, and
//
//	ln L = LSE(a - α·ln n, ε),  so L = E + B·n^-α with E = exp(ε), B = exp(a)
//
// is fitted by Huber's loss (δ = 1e-3) from a grid of starts a ∈ {-2 … 5}, ε ∈ {-2 … 1.5}, α ∈ {0 … .7}. A fit counts when α ∈ (.001, .8], E ≥ .5 and
// a ≤ 6.5; α is then at least .05.

// fitLaw gives E, B and α of losses measured after count examples.
func fitLaw(count, loss []float64) (e, b, alpha float64, ok bool) {
	smooth := savitzkyGolay(loss, 101)
	var ln, y []float64
	for i := 0; i < len(smooth); i += 10 {
		if smooth[i] > 0 && count[i] > 0 {
			ln, y = append(ln, math.Log(count[i])), append(y, math.Log(smooth[i]))
		}
	}
	if len(y) < 5 {
		return 0, 0, 0, false
	}
	value := func(x, g []float64) float64 {
		g[0], g[1], g[2] = 0, 0, 0
		sum := 0.
		for i, l := range ln {
			u, v := x[0]-x[1]*l, x[2]
			top := max(u, v)
			eu, ev := math.Exp(u-top), math.Exp(v-top)
			h, s := huber(top+math.Log(eu+ev)-y[i], 1e-3)
			sum += h
			w := eu / (eu + ev)
			g[0] += s * w
			g[1] -= s * w * l
			g[2] += s * (1 - w)
		}
		return sum
	}
	best := math.Inf(1)
	for a := -2.; a < 6; a += 2 {
		for eps := -2.; eps < 2; eps++ {
			for al := 0.; al < .8; al += .2 {
				x := []float64{a, al, eps}
				v := descend(value, x, 100)
				if v >= best || !(x[1] > .001 && x[1] <= .8 && math.Exp(x[2]) >= .5 && x[0] <= 6.5) {
					continue
				}
				best, ok = v, true
				e, b, alpha = math.Exp(x[2]), math.Exp(x[0]), max(.05, x[1])
			}
		}
	}
	return e, b, alpha, ok
}

// savitzkyGolay smooths by the value at the centre of the cubic that fits a window best (Savitzky, Golay 1964). Near the ends the nearest whole window's
// cubic is taken off its centre; fewer points than a window make one window.
//
//	a cubic stays as it is
func savitzkyGolay(y []float64, window int) []float64 {
	n := len(y)
	w := min(window, n)
	if w < 5 {
		return append([]float64{}, y...)
	}
	out := make([]float64, n)
	for i := range out {
		lo := min(max(0, i-w/2), n-w)
		c := cubic(y[lo : lo+w])
		x := place(i-lo, w)
		out[i] = c[0] + x*(c[1]+x*(c[2]+x*c[3]))
	}
	return out
}

// place maps positions 0 … w-1 to -1 … 1.
func place(i, w int) float64 { return 2*float64(i)/float64(w-1) - 1 }

// cubic fits c0 + c1·x + c2·x² + c3·x³ to values at evenly spaced x from -1 to 1, by the normal equations.
func cubic(y []float64) [4]float64 {
	var moment [7]float64
	var b [4]float64
	for i, v := range y {
		x, p := place(i, len(y)), 1.
		for k := range moment {
			moment[k] += p
			if k < 4 {
				b[k] += p * v
			}
			p *= x
		}
	}
	a := make([]float64, 16)
	for r := range 4 {
		copy(a[4*r:], moment[r:r+4])
	}
	c, ok := solve(a, b[:])
	if !ok {
		return [4]float64{y[len(y)/2]}
	}
	return [4]float64(c)
}
