package tensor

import "sluice/trainer/kernel"

// Linear gives y = x·Wᵀ + b on rows: x is [..., in], w is [out, in] as torch.nn.Linear stores it, b is [out] or nil; y is [..., out].
// w may be any tensor, for instance other rows to compare with: Linear(a, b, nil) is the matrix of dot products.
//
//	x̄ = ȳ·W;  W̄ = ȳᵀ·x;  b̄ = Σ ȳ
func (g *Graph) Linear(x, w, b *Tensor) *Tensor {
	require(len(w.shape) == 2, "Linear", "weight %s has shape %v, want [out in]", w.name, w.shape)
	return g.linear("Linear", x, w, b, w.shape[1], w.shape[0], true)
}

// LinearIO is Linear for weights stored [in, out], as GPT-2's Conv1D stores them: y = x·W + b.
func (g *Graph) LinearIO(x, w, b *Tensor) *Tensor {
	require(len(w.shape) == 2, "LinearIO", "weight %s has shape %v, want [in out]", w.name, w.shape)
	return g.linear("LinearIO", x, w, b, w.shape[0], w.shape[1], false)
}

func (g *Graph) linear(op string, x, w, b *Tensor, in, out int, outIn bool) *Tensor {
	rows, cols := x.rows()
	require(cols == in, op, "input %v and weight %s %v do not fit", x.shape, w.name, w.shape)
	inputs := []*Tensor{x, w}
	if b != nil {
		require(b.n == out, op, "bias %s %v does not fit weight %v", b.name, b.shape, w.shape)
		inputs = append(inputs, b)
	}
	forward, back := kernel.NN, kernel.NT
	if outIn {
		forward, back = kernel.NT, kernel.NN
	}
	ldw := w.shape[1]
	return g.run(&node{op: op, in: inputs, shape: append(x.shape[:len(x.shape)-1:len(x.shape)-1], out),
		fwd: func(n *node) {
			var bias []float32
			if b != nil {
				bias = b.val.data
			}
			g.gemmBias(forward, rows, out, in, x.val.data, in, w.val.data, ldw, bias, n.y.val.data, out)
		},
		bwd: func(n *node) {
			dy := n.dy()
			if dx, add := n.grad(0); dx != nil {
				g.gemm(back, rows, in, out, dy, out, w.val.data, ldw, add, dx, in)
			}
			if dw, add := n.grad(1); dw != nil && outIn {
				g.gemm(kernel.TN, out, in, rows, dy, out, x.val.data, in, add, dw, in)
			} else if dw != nil {
				g.gemm(kernel.TN, in, out, rows, x.val.data, in, dy, out, add, dw, out)
			}
			if b != nil && b.needs {
				g.team.SumRows(n.zeroed(2), dy, rows, out)
			}
		}})
}
