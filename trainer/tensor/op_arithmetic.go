package tensor

// Add gives a + b, element by element, in the shape of a.
func (g *Graph) Add(a, b *Tensor) *Tensor {
	require(a.n == b.n, "Add", "%v and %v differ", a.shape, b.shape)
	return g.run(&node{op: "Add", in: []*Tensor{a, b}, shape: a.shape, pass: a != b,
		fwd: func(n *node) {
			g.flat(a.n, func(lo, hi int) { g.k.Add(n.y.val.data[lo:hi], a.val.data[lo:hi], b.val.data[lo:hi]) })
		},
		bwd: func(n *node) {
			for i := range n.in {
				if i == n.passed {
					continue
				}
				if d, add := n.grad(i); d != nil {
					g.accumulate(d, n.dy(), add)
				}
			}
		}})
}

// Mul gives a·b, element by element, in the shape of a.
func (g *Graph) Mul(a, b *Tensor) *Tensor {
	require(a.n == b.n, "Mul", "%v and %v differ", a.shape, b.shape)
	return g.run(&node{op: "Mul", in: []*Tensor{a, b}, shape: a.shape,
		fwd: func(n *node) {
			g.flat(a.n, func(lo, hi int) { g.k.Mul(n.y.val.data[lo:hi], a.val.data[lo:hi], b.val.data[lo:hi]) })
		},
		bwd: func(n *node) {
			for i, other := range []*Tensor{b, a} {
				if d := n.zeroed(i); d != nil {
					g.flat(a.n, func(lo, hi int) { g.k.MulAdd(d[lo:hi], n.dy()[lo:hi], other.val.data[lo:hi]) })
				}
			}
		}})
}

// Scale gives f·x.
func (g *Graph) Scale(x *Tensor, f float32) *Tensor {
	return g.elementwise(x, elementwise{op: "Scale", fwd: func(y, x []float32) { g.k.Scale(y, x, f) }, bwd: func(dx, dy, _, _ []float32, add bool) {
		if add {
			g.k.Axpy(dx, dy, f)
		} else {
			g.k.Scale(dx, dy, f)
		}
	}})
}

// Min gives the smaller of a and b, element by element; the gradient goes to the smaller, to a when they are equal.
func (g *Graph) Min(a, b *Tensor) *Tensor {
	require(a.n == b.n, "Min", "%v and %v differ", a.shape, b.shape)
	return g.run(&node{op: "Min", in: []*Tensor{a, b}, shape: a.shape,
		fwd: func(n *node) {
			for i, v := range a.val.data {
				n.y.val.data[i] = min(v, b.val.data[i])
			}
		},
		bwd: func(n *node) {
			da, db := n.zeroed(0), n.zeroed(1)
			for i, d := range n.dy() {
				switch first := a.val.data[i] <= b.val.data[i]; {
				case first && da != nil:
					da[i] += d
				case !first && db != nil:
					db[i] += d
				}
			}
		}})
}
