package tensor

// Embedding gives the rows of w, [V, d], that ids name, in the shape [lead..., d]; lead must multiply to len(ids).
//
//	Ē[ids[i]] += ȳ[i], in the order of i
func (g *Graph) Embedding(w *Tensor, ids []int32, lead ...int) *Tensor {
	return g.pick("Embedding", w, ids, lead)
}

// Gather gives the rows of x that index names, [len(index), n]; a row may be named twice. It is Embedding on activations: the masked positions
// before a head, the last token of every sequence.
func (g *Graph) Gather(x *Tensor, index []int32) *Tensor {
	return g.pick("Gather", x, index, []int{len(index)})
}

func (g *Graph) pick(op string, w *Tensor, ids []int32, lead []int) *Tensor {
	vocab, d := w.rows()
	n := 1
	for _, l := range lead {
		n *= l
	}
	require(n == len(ids), op, "%d indices do not fill %v", len(ids), lead)
	for i, id := range ids {
		require(id >= 0 && int(id) < vocab, op, "index %d at %d is not in [0, %d) of %s %v", id, i, vocab, w.name, w.shape)
	}
	shape := append(append([]int{}, lead...), d)
	return g.run(&node{op: op, in: []*Tensor{w}, shape: shape,
		fwd: func(n *node) {
			g.eachRow(len(ids), d, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					copy(n.y.val.data[i*d:(i+1)*d], w.val.data[int(ids[i])*d:])
				}
			})
		},
		bwd: func(n *node) {
			dw, dy := n.zeroed(0), n.dy()
			for i, id := range ids { // in order: equal rows add up the same way every time
				row := dw[int(id)*d : (int(id)+1)*d]
				g.k.Add(row, row, dy[i*d:(i+1)*d])
			}
		}})
}
