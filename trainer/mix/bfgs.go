package mix

import "math"

// descend minimises f from x by BFGS (Nocedal, Wright, Numerical Optimization, algorithm 6.1) with halved steps: for curve fits of a few
// parameters. f writes its gradient to g; where it gives NaN or +Inf the step is halved. It returns the lowest value; x is moved.
func descend(f func(x, g []float64) float64, x []float64, steps int) float64 {
	n := len(x)
	h := make([]float64, n*n) // inverse Hessian
	for i := range n {
		h[i*n+i] = 1
	}
	g, gNew, xNew, d := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	v := f(x, g)
	for step := range steps {
		slope := 0.
		for i := range n {
			d[i] = 0
			for j := range n {
				d[i] -= h[i*n+j] * g[j]
			}
			slope += d[i] * g[i]
		}
		if !(slope < -1e-18) {
			return v
		}
		a := 1.
		if step == 0 {
			a = min(1, .1/math.Sqrt(-slope)) // no scale is known yet
		}
		next := math.Inf(1)
		for range 40 {
			for i := range n {
				xNew[i] = x[i] + a*d[i]
			}
			if next = f(xNew, gNew); next <= v+1e-4*a*slope {
				break
			}
			a /= 2
		}
		if !(next <= v+1e-4*a*slope) {
			return v
		}
		secant(h, xNew, x, gNew, g)
		done := v-next <= 1e-13*math.Abs(v)
		copy(x, xNew)
		copy(g, gNew)
		if v = next; done {
			return v
		}
	}
	return v
}

// secant is H = (I - ρsyᵀ)·H·(I - ρysᵀ) + ρssᵀ with s, y the last changes of x and g and ρ = 1/sᵀy; a pair without curvature is passed over.
func secant(h, xNew, x, gNew, g []float64) {
	n := len(x)
	s, y, hy := make([]float64, n), make([]float64, n), make([]float64, n)
	sy, yHy := 0., 0.
	for i := range n {
		s[i], y[i] = xNew[i]-x[i], gNew[i]-g[i]
		sy += s[i] * y[i]
	}
	if sy <= 1e-14 {
		return
	}
	for i := range n {
		for j := range n {
			hy[i] += h[i*n+j] * y[j]
		}
	}
	for i := range n {
		yHy += y[i] * hy[i]
	}
	for i := range n {
		for j := range n {
			h[i*n+j] += (1+yHy/sy)*s[i]*s[j]/sy - (hy[i]*s[j]+s[i]*hy[j])/sy
		}
	}
}

// huber is the loss of a residual r and its derivative: r²/2 within delta, a straight line beyond.
func huber(r, delta float64) (loss, slope float64) {
	if math.Abs(r) <= delta {
		return r * r / 2, r
	}
	return delta * (math.Abs(r) - delta/2), math.Copysign(delta, r)
}

// solve gives x of A·x = b for a square matrix by elimination with pivots; a and b are destroyed. It reports whether A has an inverse.
func solve(a []float64, b []float64) ([]float64, bool) {
	n := len(b)
	for c := range n {
		p := c
		for r := c + 1; r < n; r++ {
			if math.Abs(a[r*n+c]) > math.Abs(a[p*n+c]) {
				p = r
			}
		}
		if math.Abs(a[p*n+c]) < 1e-12 {
			return nil, false
		}
		for j := range n {
			a[c*n+j], a[p*n+j] = a[p*n+j], a[c*n+j]
		}
		b[c], b[p] = b[p], b[c]
		for r := c + 1; r < n; r++ {
			f := a[r*n+c] / a[c*n+c]
			for j := c; j < n; j++ {
				a[r*n+j] -= f * a[c*n+j]
			}
			b[r] -= f * b[c]
		}
	}
	for r := n - 1; r >= 0; r-- {
		for j := r + 1; j < n; j++ {
			b[r] -= a[r*n+j] * b[j]
		}
		b[r] /= a[r*n+r]
	}
	return b, true
}
