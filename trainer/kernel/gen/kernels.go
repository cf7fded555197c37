//go:build ignore

package main

import "math"

// exp is the Cephes scheme: x = n·ln 2 + r, ln 2 in two parts, a polynomial of degree 5 in r, and 2^n put together from its exponent bits.
// Relative error at most 1.2e-7 on [-87.3, 88.3]; arguments outside are clamped.
func (b *builder) exp(x value) value {
	x = b.min(b.c(88.3), b.max(b.c(-87.3), x))
	i := b.toInt(b.mul(x, b.c(1.44269504)))
	n := b.toFloat(i)
	r := b.fnma(n, b.c(0.693359375), x)
	r = b.fma(n, b.c(2.12194440e-4), r)
	p := b.fma(r, b.c(1.9875691500e-4), b.c(1.3981999507e-3))
	for _, c := range []float32{8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5} {
		p = b.fma(p, r, b.c(c))
	}
	p = b.fma(p, b.mul(r, r), b.add(r, b.c(1)))
	return b.mul(p, b.shl23(b.addInt(i, b.bits(127))))
}

// sigmoid is 1/(1+exp(-x)).
func (b *builder) sigmoid(x value) value {
	return b.div(b.c(1), b.add(b.exp(b.mul(x, b.c(-1))), b.c(1)))
}

const (
	geluC = 0.7978845608 // √(2/π)
	geluA = 0.044715
)

// phi gives Φ(x) and exp(-x²/2) by Abramowitz and Stegun 26.2.17 (absolute error of Φ below 7.5e-8): with t = 1/(1+.2316419|x|),
// Φ(|x|) = 1 - exp(-x²/2)/√(2π)·(b1 t + … + b5 t⁵).
func (b *builder) phi(x value) (cdf, e value) {
	e = b.exp(b.mul(b.mul(x, x), b.c(-0.5)))
	abs := b.and(x, b.bits(0x7fffffff))
	t := b.div(b.c(1), b.fma(abs, b.c(0.2316419), b.c(1)))
	s := 1 / math.Sqrt(2*math.Pi)
	q := b.fma(t, b.c(float32(1.330274429*s)), b.c(float32(-1.821255978*s)))
	for _, c := range []float64{1.781477937, -0.356563782, 0.319381530} {
		q = b.fma(q, t, b.c(float32(c*s)))
	}
	q = b.mul(b.mul(q, t), e)
	half := b.sub(b.c(0.5), q)
	return b.add(b.or(b.and(x, b.bits(0x80000000)), half), b.c(0.5)), e
}

// store2 is the end of a backward kernel: it writes v to p, or adds it.
func (b *builder) store2(p string, v value, add bool) {
	if add {
		v = b.add(v, b.load(p))
	}
	b.store(p, v)
}

// both makes the kernel name, which overwrites its outputs, and nameAdd, which adds to them.
func both(k kernel, body func(b *builder, add bool)) []kernel {
	k.body = func(b *builder) { body(b, false) }
	a := k
	a.name += "Add"
	a.doc += " The result is added to what is there."
	a.body = func(b *builder) { body(b, true) }
	return []kernel{k, a}
}

func kernels() []kernel {
	ks := []kernel{
		{name: "Exp", doc: "y = exp(x), x clamped to [-87.3, 88.3].", ptrs: []string{"y", "x"}, writes: "y",
			body: func(b *builder) { b.store("y", b.exp(b.load("x"))) }},
		{name: "expSum", doc: "y = exp(scale·x + shift); the sum of y.", ptrs: []string{"y", "x"}, writes: "y", scalars: []string{"scale", "shift"},
			results: []string{"sum"}, pad: "sum",
			body: func(b *builder) {
				e := b.exp(b.fma(b.load("x"), b.s("scale"), b.s("shift")))
				b.accAdd(0, e)
				b.store("y", e)
			}},
		{name: "Max", doc: "the largest x; -Inf of nothing.", ptrs: []string{"x"}, results: []string{"top"}, unroll: 4, pad: "-inf",
			body: func(b *builder) { b.accMax(0, b.load("x")) }},
		{name: "Sum", doc: "Σ x.", ptrs: []string{"x"}, results: []string{"sum"}, unroll: 4,
			body: func(b *builder) { b.accAdd(0, b.load("x")) }},
		{name: "Dot", doc: "Σ x·y.", ptrs: []string{"x", "y"}, results: []string{"sum"}, unroll: 4,
			body: func(b *builder) { b.accFMA(0, b.load("x"), b.load("y")) }},
		{name: "sqDiff", doc: "Σ (x-mu)².", ptrs: []string{"x"}, scalars: []string{"mu"}, results: []string{"sum"}, unroll: 4, pad: "mu",
			body: func(b *builder) {
				d := b.sub(b.load("x"), b.s("mu"))
				b.accFMA(0, d, d)
			}},
		{name: "Add", doc: "z = x + y.", ptrs: []string{"z", "x", "y"}, writes: "z",
			body: func(b *builder) { b.store("z", b.add(b.load("x"), b.load("y"))) }},
		{name: "Mul", doc: "z = x·y, element by element.", ptrs: []string{"z", "x", "y"}, writes: "z",
			body: func(b *builder) { b.store("z", b.mul(b.load("x"), b.load("y"))) }},
		{name: "MulAdd", doc: "z += x·y, element by element.", ptrs: []string{"z", "x", "y"}, writes: "z",
			body: func(b *builder) { b.store("z", b.fma(b.load("x"), b.load("y"), b.load("z"))) }},
		{name: "Scale", doc: "y = f·x.", ptrs: []string{"y", "x"}, writes: "y", scalars: []string{"f"},
			body: func(b *builder) { b.store("y", b.mul(b.load("x"), b.s("f"))) }},
		{name: "Axpy", doc: "y += f·x.", ptrs: []string{"y", "x"}, writes: "y", scalars: []string{"f"},
			body: func(b *builder) { b.store("y", b.fma(b.load("x"), b.s("f"), b.load("y"))) }},
		{name: "Lerp", doc: "y = x + d·(y-x): an exponential moving average of decay d.", ptrs: []string{"y", "x"}, writes: "y", scalars: []string{"d"},
			body: func(b *builder) {
				x := b.load("x")
				b.store("y", b.fma(b.sub(b.load("y"), x), b.s("d"), x))
			}},
		{name: "softmaxBwd", doc: "dx = scale·y·(dy - dot).", ptrs: []string{"dx", "dy", "y"}, writes: "dx", scalars: []string{"dot", "scale"},
			body: func(b *builder) {
				d := b.sub(b.load("dy"), b.s("dot"))
				b.store("dx", b.mul(b.mul(d, b.s("scale")), b.load("y")))
			}},
		{name: "lnFwd", doc: "y = (x-mu)·r·gain + c.", ptrs: []string{"y", "x", "gain", "c"}, writes: "y", scalars: []string{"mu", "r"},
			body: func(b *builder) {
				xh := b.mul(b.sub(b.load("x"), b.s("mu")), b.s("r"))
				b.store("y", b.fma(xh, b.load("gain"), b.load("c")))
			}},
		{name: "lnBwd1", doc: "dg += dy·x̂, dc += dy; Σ dy·gain and Σ dy·gain·x̂, where x̂ = (x-mu)·r.", ptrs: []string{"dy", "x", "gain", "dg", "dc"},
			writes: "dg dc", scalars: []string{"mu", "r"}, results: []string{"s1", "s2"},
			body: func(b *builder) {
				xh := b.mul(b.sub(b.load("x"), b.s("mu")), b.s("r"))
				dy := b.load("dy")
				b.store("dg", b.fma(dy, xh, b.load("dg")))
				b.store("dc", b.add(dy, b.load("dc")))
				h := b.mul(dy, b.load("gain"))
				b.accAdd(0, h)
				b.accFMA(1, h, xh)
			}},
		{name: "rmsFwd", doc: "y = x·r·gain.", ptrs: []string{"y", "x", "gain"}, writes: "y", scalars: []string{"r"},
			body: func(b *builder) { b.store("y", b.mul(b.mul(b.load("x"), b.s("r")), b.load("gain"))) }},
		{name: "rmsBwd1", doc: "dg += dy·x·r; Σ dy·gain·x.", ptrs: []string{"dy", "x", "gain", "dg"}, writes: "dg", scalars: []string{"r"},
			results: []string{"sum"},
			body: func(b *builder) {
				p := b.mul(b.load("dy"), b.load("x"))
				b.accFMA(0, p, b.load("gain"))
				b.store("dg", b.fma(p, b.s("r"), b.load("dg")))
			}},
		{name: "GeluTanh", doc: "y = x/(1+exp(-2u)), u = √(2/π)(x + .044715x³): the tanh form of GELU (GPT-2).", ptrs: []string{"y", "x"}, writes: "y",
			body: func(b *builder) {
				x := b.load("x")
				u := b.mul(b.fma(b.mul(x, x), b.c(-2*geluC*geluA), b.c(-2*geluC)), x)
				b.store("y", b.div(x, b.add(b.exp(u), b.c(1))))
			}},
		{name: "GeluErf", doc: "y = x·Φ(x): the exact form of GELU (BERT), Φ within 1e-7.", ptrs: []string{"y", "x"}, writes: "y",
			body: func(b *builder) {
				x := b.load("x")
				cdf, _ := b.phi(x)
				b.store("y", b.mul(x, cdf))
			}},
		{name: "Swiglu", doc: "y = a·σ(a)·b.", ptrs: []string{"y", "a", "b"}, writes: "y",
			body: func(b *builder) {
				a := b.load("a")
				b.store("y", b.mul(b.mul(a, b.sigmoid(a)), b.load("b")))
			}},
		{name: "rope", doc: "y1 = x1·cos - x2·sin, y2 = x2·cos + x1·sin.", ptrs: []string{"y1", "y2", "x1", "x2", "cos", "sin"}, writes: "y1 y2",
			body: func(b *builder) {
				x1, x2, c, s := b.load("x1"), b.load("x2"), b.load("cos"), b.load("sin")
				b.store("y1", b.fnma(x2, s, b.mul(x1, c)))
				b.store("y2", b.fma(x1, s, b.mul(x2, c)))
			}},
		{name: "adamw", doc: "one AdamW step on w with gradient scale·grad; see AdamW.", ptrs: []string{"w", "grad", "m", "v"}, writes: "w m v",
			scalars: []string{"scale", "b1", "nb1", "b2", "nb2", "step", "keep", "ic2", "eps"},
			body: func(b *builder) {
				g := b.mul(b.load("grad"), b.s("scale"))
				m := b.fma(g, b.s("nb1"), b.mul(b.load("m"), b.s("b1")))
				b.store("m", m)
				v := b.fma(b.mul(g, g), b.s("nb2"), b.mul(b.load("v"), b.s("b2")))
				b.store("v", v)
				d := b.div(m, b.add(b.sqrt(b.mul(v, b.s("ic2"))), b.s("eps")))
				b.store("w", b.fnma(d, b.s("step"), b.mul(b.load("w"), b.s("keep"))))
			}},
	}
	ks = append(ks, both(kernel{name: "lnBwd2", doc: "dx = r·(dy·gain + a + x̂·c), where x̂ = (x-mu)·r.", ptrs: []string{"dx", "dy", "x", "gain"}, writes: "dx",
		scalars: []string{"mu", "r", "a", "c"}}, func(b *builder, add bool) {
		xh := b.mul(b.sub(b.load("x"), b.s("mu")), b.s("r"))
		h := b.fma(b.load("dy"), b.load("gain"), b.s("a"))
		b.store2("dx", b.mul(b.fma(xh, b.s("c"), h), b.s("r")), add)
	})...)
	ks = append(ks, both(kernel{name: "rmsBwd2", doc: "dx = r·dy·gain + c·x.", ptrs: []string{"dx", "dy", "x", "gain"}, writes: "dx",
		scalars: []string{"r", "c"}}, func(b *builder, add bool) {
		h := b.mul(b.mul(b.load("dy"), b.load("gain")), b.s("r"))
		b.store2("dx", b.fma(b.load("x"), b.s("c"), h), add)
	})...)
	ks = append(ks, both(kernel{name: "GeluTanhBwd", doc: "dx = dy·(s + x·s(1-s)(2c + 6ca·x²)), the derivative of GeluTanh.",
		ptrs: []string{"dx", "dy", "x"}, writes: "dx"}, func(b *builder, add bool) {
		x := b.load("x")
		x2 := b.mul(x, x)
		u := b.mul(b.fma(x2, b.c(-2*geluC*geluA), b.c(-2*geluC)), x)
		s := b.div(b.c(1), b.add(b.exp(u), b.c(1)))
		du := b.fma(x2, b.c(6*geluC*geluA), b.c(2*geluC))
		g := b.mul(b.mul(b.fnma(s, s, s), x), du)
		b.store2("dx", b.mul(b.add(g, s), b.load("dy")), add)
	})...)
	ks = append(ks, both(kernel{name: "GeluErfBwd", doc: "dx = dy·(Φ(x) + x·φ(x)), the derivative of GeluErf.",
		ptrs: []string{"dx", "dy", "x"}, writes: "dx"}, func(b *builder, add bool) {
		x := b.load("x")
		cdf, e := b.phi(x)
		g := b.fma(b.mul(x, e), b.c(float32(1/math.Sqrt(2*math.Pi))), cdf)
		b.store2("dx", b.mul(g, b.load("dy")), add)
	})...)
	ks = append(ks, both(kernel{name: "SwigluBwd", doc: "da = dy·b·σ(a)(1 + a(1-σ(a))), db = dy·a·σ(a), the derivatives of Swiglu.",
		ptrs: []string{"da", "db", "dy", "a", "b"}, writes: "da db"}, func(b *builder, add bool) {
		a := b.load("a")
		s := b.sigmoid(a)
		dy := b.load("dy")
		as := b.mul(a, s)
		b.store2("db", b.mul(as, dy), add)
		g := b.add(b.fnma(s, as, as), s) // s + as(1-s)
		b.store2("da", b.mul(b.mul(g, b.load("b")), dy), add)
	})...)
	return ks
}
