package tensor

// throw takes the next number of a random operation in this step.
func (g *Graph) throw(p float32) dice {
	require(p >= 0 && p < 1, "Dropout", "probability %g is not in [0, 1)", p)
	d := newDice(g.key, g.draws, p)
	g.draws++
	return d
}

// Dropout sets elements to zero with probability p and multiplies the others by 1/(1-p), in training; otherwise it gives x itself.
// (JMLR 15, 2014: Srivastava et al., "inverted")
func (g *Graph) Dropout(x *Tensor, p float32) *Tensor {
	if !g.train || p == 0 {
		return x
	}
	d := g.throw(p)
	return g.run(&node{op: "Dropout", in: []*Tensor{x}, shape: x.shape,
		fwd: func(n *node) {
			g.flat(x.n, func(lo, hi int) { d.multiply(n.y.val.data[lo:hi], x.val.data[lo:hi], lo) })
		},
		bwd: func(n *node) {
			dx, add := n.grad(0)
			g.flat(x.n, func(lo, hi int) {
				if !add {
					d.multiply(dx[lo:hi], n.dy()[lo:hi], lo)
					return
				}
				d.multiply(n.dy()[lo:hi], n.dy()[lo:hi], lo) // ȳ is not needed any more
				g.k.Add(dx[lo:hi], dx[lo:hi], n.dy()[lo:hi])
			})
		}})
}
