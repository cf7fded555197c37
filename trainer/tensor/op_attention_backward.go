package tensor

import "sluice/trainer/kernel"

// backward runs one key head of one sequence per piece of work: the heads that share it add to its gradients in order.
func (a *attention) backward(n *node) {
	var to [3][]float32
	for i := range n.in {
		to[i] = n.zeroed(i)
	}
	a.g.team.Each(a.batch*a.o.KVHeads, func(w *kernel.Worker, unit int) {
		b, kv := unit/a.o.KVHeads, unit%a.o.KVHeads
		group := a.o.Heads / a.o.KVHeads
		for h := kv * group; h < (kv+1)*group; h++ {
			for i0 := 0; i0 < a.tq; i0 += rowsPerBlock {
				if s := a.stretch(b, i0); s.lo < s.hi {
					a.backBlock(n, w, to, b, h, kv, s)
				}
			}
		}
	})
}

// backBlock handles one block of queries of head h.
func (a *attention) backBlock(n *node, w *kernel.Worker, to [3][]float32, b, h, kv int, s stretch) {
	q, k, v := n.in[a.q.input].val.data, n.in[a.k.input].val.data, n.in[a.v.input].val.data
	dq, dk, dv := to[a.q.input], to[a.k.input], to[a.v.input]
	r, cols, ldy, d := s.i1-s.i0, s.hi-s.lo, a.o.Heads*a.d, a.d
	p, ds := a.buffers(n, w)
	first := (b*a.o.Heads+h)*a.tq + s.i0 // the block's first query among all
	dout := n.dy()[(b*a.tq+s.i0)*ldy+h*d:]

	a.weights(n, w, p, b, h, kv, s)
	if dv != nil {
		from := p
		if a.drop {
			from = ds
			for i := range r {
				a.dice.multiply(ds[i*a.ldp:i*a.ldp+cols], p[i*a.ldp:i*a.ldp+cols], (first+i)*a.tk+s.lo)
			}
		}
		w.Gemm(kernel.TN, cols, d, r, from, a.ldp, dout, ldy, true, a.at(dv, a.v, a.tk, b, s.lo, kv), a.v.ld)
	}
	if dq == nil && dk == nil {
		return
	}
	w.Gemm(kernel.NT, r, cols, d, dout, ldy, a.at(v, a.v, a.tk, b, s.lo, kv), a.v.ld, false, ds, a.ldp)
	for i := range r {
		row, weight := ds[i*a.ldp:i*a.ldp+cols], p[i*a.ldp:i*a.ldp+cols]
		if a.drop {
			a.dice.multiply(row, row, (first+i)*a.tk+s.lo)
		}
		w.SoftmaxBwd(row, row, weight, a.o.Scale) // weights of unseen keys are zero, and so is their gradient
	}
	if dq != nil {
		w.Gemm(kernel.NN, r, d, cols, ds, a.ldp, a.at(k, a.k, a.tk, b, s.lo, kv), a.k.ld, true, a.at(dq, a.q, a.tq, b, s.i0, h), a.q.ld)
	}
	if dk != nil {
		w.Gemm(kernel.TN, cols, d, r, ds, a.ldp, a.at(q, a.q, a.tq, b, s.i0, h), a.q.ld, true, a.at(dk, a.k, a.tk, b, s.lo, kv), a.k.ld)
	}
}

// weights brings the block's weights back, before dropout: from memory, or from products and the saved logarithms.
func (a *attention) weights(n *node, w *kernel.Worker, p []float32, b, h, kv int, s stretch) {
	q, k := n.in[a.q.input].val.data, n.in[a.k.input].val.data
	lse, stored := a.saved(n)
	r, cols := s.i1-s.i0, s.hi-s.lo
	first := (b*a.o.Heads+h)*a.tq + s.i0
	if stored == nil {
		w.Gemm(kernel.NT, r, cols, a.d, a.at(q, a.q, a.tq, b, s.i0, h), a.q.ld, a.at(k, a.k, a.tk, b, s.lo, kv), a.k.ld, false, p, a.ldp)
	}
	for i := range r {
		row := p[i*a.ldp : i*a.ldp+cols]
		lo, hi := a.sees(b, s.i0+i)
		if lo, hi = lo-s.lo, hi-s.lo; lo >= hi {
			clear(row)
			continue
		}
		if stored != nil {
			copy(row[lo:hi], stored[(first+i)*a.tk+s.lo+lo:])
		} else {
			w.ExpShift(row[lo:hi], row[lo:hi], a.o.Scale, lse[first+i])
		}
		clear(row[:lo])
		clear(row[hi:])
	}
}
