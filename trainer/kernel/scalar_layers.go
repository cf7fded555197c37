package kernel

import "math"

func lnFwdGo(n int, y, x, g, c *float32, mu, r float32) {
	out, gain, bias := floats(y, n), floats(g, n), floats(c, n)
	for i, v := range floats(x, n) {
		out[i] = (v-mu)*r*gain[i] + bias[i]
	}
}

func lnBwd1Go(n int, dy, x, g, dg, dc *float32, mu, r float32) (s1, s2 float32) {
	gain, dgain, dbias, xs := floats(g, n), floats(dg, n), floats(dc, n), floats(x, n)
	for i, d := range floats(dy, n) {
		xh := (xs[i] - mu) * r
		dgain[i] += d * xh
		dbias[i] += d
		s1 += d * gain[i]
		s2 += d * gain[i] * xh
	}
	return s1, s2
}

func lnBwd2Go(n int, dx, dy, x, g *float32, mu, r, a, c float32) {
	clear(floats(dx, n))
	lnBwd2AddGo(n, dx, dy, x, g, mu, r, a, c)
}

func lnBwd2AddGo(n int, dx, dy, x, g *float32, mu, r, a, c float32) {
	out, gain, xs := floats(dx, n), floats(g, n), floats(x, n)
	for i, d := range floats(dy, n) {
		out[i] += r * (d*gain[i] + a + (xs[i]-mu)*r*c)
	}
}

func rmsFwdGo(n int, y, x, g *float32, r float32) {
	out, gain := floats(y, n), floats(g, n)
	for i, v := range floats(x, n) {
		out[i] = v * r * gain[i]
	}
}

func rmsBwd1Go(n int, dy, x, g, dg *float32, r float32) (sum float32) {
	gain, dgain, xs := floats(g, n), floats(dg, n), floats(x, n)
	for i, d := range floats(dy, n) {
		p := d * xs[i]
		sum += p * gain[i]
		dgain[i] += p * r
	}
	return sum
}

func rmsBwd2Go(n int, dx, dy, x, g *float32, r, c float32) {
	clear(floats(dx, n))
	rmsBwd2AddGo(n, dx, dy, x, g, r, c)
}

func rmsBwd2AddGo(n int, dx, dy, x, g *float32, r, c float32) {
	out, gain, xs := floats(dx, n), floats(g, n), floats(x, n)
	for i, d := range floats(dy, n) {
		out[i] += r*d*gain[i] + c*xs[i]
	}
}

const (
	geluC = 0.7978845608 // √(2/π)
	geluA = 0.044715
)

func geluTanhGo(n int, y, x *float32) {
	out := floats(y, n)
	for i, v := range floats(x, n) {
		out[i] = v / (1 + exp32(-2*geluC*v*(1+geluA*v*v)))
	}
}

func geluTanhBwdGo(n int, dx, dy, x *float32) {
	clear(floats(dx, n))
	geluTanhBwdAddGo(n, dx, dy, x)
}

func geluTanhBwdAddGo(n int, dx, dy, x *float32) {
	out, d := floats(dx, n), floats(dy, n)
	for i, v := range floats(x, n) {
		s := 1 / (1 + exp32(-2*geluC*v*(1+geluA*v*v)))
		out[i] += d[i] * (s + v*s*(1-s)*(2*geluC+6*geluC*geluA*v*v))
	}
}

// phi is Φ(x), in double precision.
func phi(x float32) float32 { return float32(0.5 * math.Erfc(-float64(x)/math.Sqrt2)) }

func geluErfGo(n int, y, x *float32) {
	out := floats(y, n)
	for i, v := range floats(x, n) {
		out[i] = v * phi(v)
	}
}

func geluErfBwdGo(n int, dx, dy, x *float32) {
	clear(floats(dx, n))
	geluErfBwdAddGo(n, dx, dy, x)
}

func geluErfBwdAddGo(n int, dx, dy, x *float32) {
	out, d := floats(dx, n), floats(dy, n)
	for i, v := range floats(x, n) {
		out[i] += d[i] * (phi(v) + v*exp32(-v*v/2)*float32(1/math.Sqrt(2*math.Pi)))
	}
}

func swigluGo(n int, y, a, b *float32) {
	out, up := floats(y, n), floats(b, n)
	for i, v := range floats(a, n) {
		out[i] = v / (1 + exp32(-v)) * up[i]
	}
}

func swigluBwdGo(n int, da, db, dy, a, b *float32) {
	clear(floats(da, n))
	clear(floats(db, n))
	swigluBwdAddGo(n, da, db, dy, a, b)
}

func swigluBwdAddGo(n int, da, db, dy, a, b *float32) {
	ga, gb, d, up := floats(da, n), floats(db, n), floats(dy, n), floats(b, n)
	for i, v := range floats(a, n) {
		s := 1 / (1 + exp32(-v))
		ga[i] += d[i] * up[i] * s * (1 + v*(1-s))
		gb[i] += d[i] * v * s
	}
}

func adamwGo(n int, w, g, m, v *float32, scale, b1, nb1, b2, nb2, step, keep, ic2, eps float32) {
	weight, m1, m2 := floats(w, n), floats(m, n), floats(v, n)
	for i, d := range floats(g, n) {
		d *= scale
		m1[i] = b1*m1[i] + nb1*d
		m2[i] = b2*m2[i] + nb2*(d*d)
		weight[i] = keep*weight[i] - step*m1[i]/(float32(math.Sqrt(float64(m2[i]*ic2)))+eps)
	}
}
