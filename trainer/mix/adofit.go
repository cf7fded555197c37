package mix

import "math"

// The scaling law of one domain, fitted as the published code of [ADO] does it: losses are smoothed by a Savitzky-Golay filter (window 101, cubic), every
// tenth point is kept, and
//
//	ln L = LSE(a - α·ln n, ε),  so L = E + B·n^-α with E = exp(ε), B = exp(a)
//
// is fitted by Huber's loss (δ = 1e-3) from a grid of starts, a ∈ [-2, 6), ε ∈ [-2, 2), α ∈ [0, .8). What leaves .001 ≤ α ≤ .8, a ≤ 6.5 or ε ≥ .5 pays the
// distance. The last bound is meant for losses a token of a large vocabulary; losses near or below exp(.5) lower it to the logarithm of half the least one.
// The first losses, a fifth but no more than 500, are passed over: no smoother follows their fall. Long histories are thinned to some 300 points.

// fitLaw gives E, B and α, at least .05, of losses measured after count examples.
func fitLaw(count, loss []float64) (e, b, alpha float64, ok bool) {
	every := max(10, len(loss)/300)
	var ln, y []float64
	least := math.Inf(1)
	for i := min(500, len(loss)/5); i < len(loss); i += every {
		if s := smooth(loss, i, 101); s > 0 && count[i] > 0 {
			ln, y = append(ln, math.Log(count[i])), append(y, math.Log(s))
			least = min(least, math.Log(s))
		}
	}
	if len(y) < 5 {
		return 0, 0, 0, false
	}
	bound := min(.5, least-math.Ln2)
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
		pay := func(i int, over, sign float64) {
			if over > 0 {
				sum += over
				g[i] += sign
			}
		}
		pay(0, x[0]-6.5, 1)
		pay(1, x[1]-.8, 1)
		pay(1, .001-x[1], -1)
		pay(2, bound-x[2], -1)
		return sum
	}
	best := math.Inf(1)
	for a := -2.; a < 6; a += 2 {
		for eps := -2.; eps < 2; eps++ {
			for al := 0.; al < .8; al += .2 {
				x := []float64{a, al, eps}
				if v := descend(value, x, 100); v < best {
					best, ok = v, true
					e, b, alpha = math.Exp(x[2]), math.Exp(x[0]), max(.05, x[1])
				}
			}
		}
	}
	return e, b, alpha, ok
}

// smooth gives the Savitzky-Golay filter of y at point i: the value there of the cubic that fits the window around it best (Savitzky, Golay 1964). Near
// the ends the nearest whole window serves; fewer points than a window make one window.
//
//	a cubic stays as it is
func smooth(y []float64, i, window int) float64 {
	w := min(window, len(y))
	if w < 5 {
		return y[i]
	}
	lo := min(max(0, i-w/2), len(y)-w)
	c := cubic(y[lo : lo+w])
	x := place(i-lo, w)
	return c[0] + x*(c[1]+x*(c[2]+x*c[3]))
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
