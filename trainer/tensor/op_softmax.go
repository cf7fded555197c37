package tensor

// Softmax gives softmax(x) on rows; x̄ = y(ȳ - Σ ȳ·y).
func (g *Graph) Softmax(x *Tensor) *Tensor {
	rows, cols := x.rows()
	return g.run(&node{op: "Softmax", in: []*Tensor{x}, shape: x.shape, needsY: true,
		fwd: func(n *node) {
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					g.k.Softmax(row(n.y.val.data, i, cols), row(x.val.data, i, cols), 1)
				}
			})
		},
		bwd: func(n *node) {
			dx, add := n.grad(0)
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					d, dy := row(dx, i, cols), row(n.dy(), i, cols)
					g.k.SoftmaxBwd(dy, dy, row(n.y.val.data, i, cols), 1) // ȳ is not needed any more
					if add {
						g.k.Add(d, d, dy)
					} else {
						copy(d, dy)
					}
				}
			})
		}})
}

// LogSumExp gives log Σ exp(x) for every row, [rows]; x̄ = ȳ·softmax(x).
func (g *Graph) LogSumExp(x *Tensor) *Tensor {
	rows, cols := x.rows()
	return g.run(&node{op: "LogSumExp", in: []*Tensor{x}, shape: []int{rows}, needsY: true,
		fwd: func(n *node) {
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					n.y.val.data[i] = g.k.LogSumExp(row(x.val.data, i, cols))
				}
			})
		},
		bwd: func(n *node) {
			dx := n.zeroed(0)
			g.eachRow(rows, cols, func(lo, hi int) {
				var p [256]float32
				for i := lo; i < hi; i++ {
					z, d := row(x.val.data, i, cols), row(dx, i, cols)
					for j := 0; j < cols; j += len(p) {
						end := min(cols, j+len(p))
						g.k.ExpShift(p[:end-j], z[j:end], 1, n.y.val.data[i])
						g.k.Axpy(d[j:end], p[:end-j], n.dy()[i])
					}
				}
			})
		}})
}
