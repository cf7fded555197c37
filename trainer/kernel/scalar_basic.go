package kernel

import (
	"math"
	"unsafe"
)

// The twins of the generated kernels, one for each, in plain Go. They define what the assembly computes; rounding may differ.

func floats(p *float32, n int) []float32 { return unsafe.Slice(p, n) }

// exp32 is builder.exp of the generator in scalar form.
func exp32(x float32) float32 {
	switch {
	case x < -87.3:
		x = -87.3
	case x > 88.3:
		x = 88.3
	case x != x:
		return x
	}
	n := float32(math.RoundToEven(float64(x * 1.44269504)))
	r := x - n*0.693359375
	r += n * 2.12194440e-4
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 0.5
	p = p*(r*r) + (r + 1)
	return p * math.Float32frombits(uint32(int32(n)+127)<<23)
}

func expGo(n int, y, x *float32) {
	out := floats(y, n)
	for i, v := range floats(x, n) {
		out[i] = exp32(v)
	}
}

func expSumGo(n int, y, x *float32, scale, shift float32) (sum float32) {
	out := floats(y, n)
	for i, v := range floats(x, n) {
		e := exp32(v*scale + shift)
		sum += e
		out[i] = e
	}
	return sum
}

func maxGo(n int, x *float32) (top float32) {
	s := floats(x, n)
	top = s[0]
	for _, v := range s[1:] {
		top = max(top, v)
	}
	return top
}

func sumGo(n int, x *float32) (sum float32) {
	for _, v := range floats(x, n) {
		sum += v
	}
	return sum
}

func dotGo(n int, x, y *float32) (sum float32) {
	b := floats(y, n)
	for i, v := range floats(x, n) {
		sum += v * b[i]
	}
	return sum
}

func sqDiffGo(n int, x *float32, mu float32) (sum float32) {
	for _, v := range floats(x, n) {
		sum += (v - mu) * (v - mu)
	}
	return sum
}

func addGo(n int, z, x, y *float32) {
	out, b := floats(z, n), floats(y, n)
	for i, v := range floats(x, n) {
		out[i] = v + b[i]
	}
}

func mulGo(n int, z, x, y *float32) {
	out, b := floats(z, n), floats(y, n)
	for i, v := range floats(x, n) {
		out[i] = v * b[i]
	}
}

func mulAddGo(n int, z, x, y *float32) {
	out, b := floats(z, n), floats(y, n)
	for i, v := range floats(x, n) {
		out[i] += v * b[i]
	}
}

func scaleGo(n int, y, x *float32, f float32) {
	out := floats(y, n)
	for i, v := range floats(x, n) {
		out[i] = v * f
	}
}

func axpyGo(n int, y, x *float32, f float32) {
	out := floats(y, n)
	for i, v := range floats(x, n) {
		out[i] += v * f
	}
}

func lerpGo(n int, y, x *float32, d float32) {
	out := floats(y, n)
	for i, v := range floats(x, n) {
		out[i] = v + d*(out[i]-v)
	}
}

func softmaxBwdGo(n int, dx, dy, y *float32, dot, scale float32) {
	out, g := floats(dx, n), floats(dy, n)
	for i, v := range floats(y, n) {
		out[i] = (g[i] - dot) * scale * v
	}
}

func ropeGo(n int, y1, y2, x1, x2, cos, sin *float32) {
	a, b, c, s := floats(x1, n), floats(x2, n), floats(cos, n), floats(sin, n)
	o1, o2 := floats(y1, n), floats(y2, n)
	for i := range n {
		u, v := a[i], b[i]
		o1[i] = u*c[i] - v*s[i]
		o2[i] = v*c[i] + u*s[i]
	}
}
