package tensor

import "math"

// An elementwise operation on one input is a pair of loops: y from x, and dx from dy, x and y, written or added.
type elementwise struct {
	op     string
	fwd    func(y, x []float32)
	bwd    func(dx, dy, x, y []float32, add bool)
	needsY bool
}

func (g *Graph) elementwise(x *Tensor, e elementwise) *Tensor {
	return g.run(&node{op: e.op, in: []*Tensor{x}, shape: x.shape, needsY: e.needsY,
		fwd: func(n *node) {
			g.flat(x.n, func(lo, hi int) { e.fwd(n.y.val.data[lo:hi], x.val.data[lo:hi]) })
		},
		bwd: func(n *node) {
			dx, add := n.grad(0)
			g.flat(x.n, func(lo, hi int) { e.bwd(dx[lo:hi], n.dy()[lo:hi], x.val.data[lo:hi], n.y.val.data[lo:hi], add) })
		}})
}

// pointwise makes loops of a function and its derivative, given x and y.
func pointwise(op string, needsY bool, f func(x float32) float32, df func(x, y float32) float32) elementwise {
	return elementwise{op: op, needsY: needsY,
		fwd: func(y, x []float32) {
			for i, v := range x {
				y[i] = f(v)
			}
		},
		bwd: func(dx, dy, x, y []float32, add bool) {
			for i, d := range dy {
				v := d * df(x[i], y[i])
				if add {
					v += dx[i]
				}
				dx[i] = v
			}
		}}
}

// GeluTanh is x/(1+exp(-2u)), u = √(2/π)(x + .044715x³): GPT-2's GELU.
func (g *Graph) GeluTanh(x *Tensor) *Tensor {
	return g.elementwise(x, elementwise{op: "GeluTanh", fwd: g.k.GeluTanh, bwd: func(dx, dy, x, _ []float32, add bool) {
		if add {
			g.k.GeluTanhBwdAdd(dx, dy, x)
		} else {
			g.k.GeluTanhBwd(dx, dy, x)
		}
	}})
}

// GeluErf is x·Φ(x): BERT's GELU.
func (g *Graph) GeluErf(x *Tensor) *Tensor {
	return g.elementwise(x, elementwise{op: "GeluErf", fwd: g.k.GeluErf, bwd: func(dx, dy, x, _ []float32, add bool) {
		if add {
			g.k.GeluErfBwdAdd(dx, dy, x)
		} else {
			g.k.GeluErfBwd(dx, dy, x)
		}
	}})
}

// Tanh is the hyperbolic tangent, derivative 1 - y².
func (g *Graph) Tanh(x *Tensor) *Tensor {
	return g.elementwise(x, pointwise("Tanh", true, func(x float32) float32 { return float32(math.Tanh(float64(x))) },
		func(_, y float32) float32 { return 1 - y*y }))
}

// ReLU2 is max(x, 0)², derivative 2·max(x, 0). (arXiv 2109.08668)
func (g *Graph) ReLU2(x *Tensor) *Tensor {
	return g.elementwise(x, pointwise("ReLU2", false, func(x float32) float32 {
		if x < 0 {
			return 0
		}
		return x * x
	}, func(x, _ float32) float32 { return 2 * max(x, 0) }))
}

// Sigmoid is 1/(1+exp(-x)), derivative y(1-y).
func (g *Graph) Sigmoid(x *Tensor) *Tensor {
	return g.elementwise(x, pointwise("Sigmoid", true, sigmoid, func(_, y float32) float32 { return y * (1 - y) }))
}

// LogSigmoid is -log(1+exp(-x)), derivative σ(-x).
func (g *Graph) LogSigmoid(x *Tensor) *Tensor {
	return g.elementwise(x, pointwise("LogSigmoid", false, func(x float32) float32 { return -softplus(-x) },
		func(x, _ float32) float32 { return sigmoid(-x) }))
}

// Exp is exp(x) for x in [-87.3, 88.3], beyond which it is clamped; derivative y.
func (g *Graph) Exp(x *Tensor) *Tensor {
	return g.elementwise(x, elementwise{op: "Exp", needsY: true, fwd: g.k.Exp, bwd: func(dx, dy, _, y []float32, add bool) {
		if add {
			g.k.MulAdd(dx, dy, y)
		} else {
			g.k.Mul(dx, dy, y)
		}
	}})
}

// Clamp limits x to [lo, hi]; the gradient passes where x is inside.
func (g *Graph) Clamp(x *Tensor, lo, hi float32) *Tensor {
	return g.elementwise(x, pointwise("Clamp", false, func(x float32) float32 { return min(max(x, lo), hi) }, func(x, _ float32) float32 {
		if x < lo || x > hi {
			return 0
		}
		return 1
	}))
}

// FakeQuant is s·clamp(round(x/s), -q, q), what x becomes on a grid of 2q+1 steps of s; the gradient passes straight where |x| ≤ s·q. (arXiv 1308.3432)
func (g *Graph) FakeQuant(x *Tensor, s, q float32) *Tensor {
	require(s > 0, "FakeQuant", "step %g is not positive", s)
	return g.elementwise(x, pointwise("FakeQuant", false, func(x float32) float32 {
		return s * min(max(float32(math.RoundToEven(float64(x/s))), -q), q)
	}, func(x, _ float32) float32 {
		if x < -s*q || x > s*q {
			return 0
		}
		return 1
	}))
}

// SwiGLU is a·σ(a)·b. (arXiv 2002.05202)
//
//	ā = ȳ·b·σ(a)(1 + a(1-σ(a)));  b̄ = ȳ·a·σ(a)
func (g *Graph) SwiGLU(a, b *Tensor) *Tensor {
	require(a.n == b.n, "SwiGLU", "%v and %v differ", a.shape, b.shape)
	return g.run(&node{op: "SwiGLU", in: []*Tensor{a, b}, shape: a.shape,
		fwd: func(n *node) {
			g.flat(a.n, func(lo, hi int) { g.k.Swiglu(n.y.val.data[lo:hi], a.val.data[lo:hi], b.val.data[lo:hi]) })
		},
		bwd: func(n *node) {
			if da, addA := n.grad(0); da != nil && b.needs && a != b {
				db, addB := n.grad(1)
				if !addA && !addB {
					g.flat(a.n, func(lo, hi int) {
						g.k.SwigluBwd(da[lo:hi], db[lo:hi], n.dy()[lo:hi], a.val.data[lo:hi], b.val.data[lo:hi])
					})
					return
				}
			}
			da, db := n.zeroed(0), n.zeroed(1)
			g.flat(a.n, func(lo, hi int) {
				var spare [256]float32 // for the side that wants no gradient
				for ; lo < hi; lo += len(spare) {
					end := min(hi, lo+len(spare))
					to := func(d []float32) []float32 {
						if d == nil {
							return spare[:end-lo]
						}
						return d[lo:end]
					}
					g.k.SwigluBwdAdd(to(da), to(db), n.dy()[lo:end], a.val.data[lo:end], b.val.data[lo:end])
				}
			})
		}})
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// softplus is log(1+exp(x)) without overflow.
func softplus(x float32) float32 {
	v := float64(x)
	return float32(max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))))
}
