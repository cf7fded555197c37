package tensor

import "sluice/trainer/kernel"

// CE are the options of SoftmaxCE.
type CE struct {
	Weights   []float32 // per row; nil: 1
	Smoothing float32   // ε of label smoothing
	Divisor   float64   // what the sum is divided by; 0: the sum of the weights. Pieces of a batch share the batch's
	RowLoss   []float32 // when not nil, receives the loss of every row before weighting, 0 for rows without a target
}

// SoftmaxCE gives the mean cross-entropy of logits, [..., V], against one target per row. A negative target (-100) is no target: the row counts
// neither for the loss nor for the mean.
//
//	Σ w_i[(1-ε)(lse z - z_t) + ε(lse z - mean z)] / Σ w;  z̄ = w/Σw·(softmax z - (1-ε)·onehot(t) - ε/V)
func (g *Graph) SoftmaxCE(logits *Tensor, targets []int32, o CE) *Tensor {
	rows, cols := logits.rows()
	g.targets("SoftmaxCE", logits, targets)
	require(o.Weights == nil || len(o.Weights) == rows, "SoftmaxCE", "%d weights for %d rows", len(o.Weights), rows)
	require(o.RowLoss == nil || len(o.RowLoss) == rows, "SoftmaxCE", "room for %d losses of %d rows", len(o.RowLoss), rows)
	weight := func(i int) float64 {
		switch {
		case targets[i] < 0:
			return 0
		case o.Weights == nil:
			return 1
		}
		return float64(o.Weights[i])
	}
	divisor := o.Divisor
	if divisor == 0 {
		for i := range rows {
			divisor += weight(i)
		}
	}
	if divisor == 0 {
		divisor = 1 // no target at all: the loss is 0
	}
	return g.run(&node{op: "SoftmaxCE", in: []*Tensor{logits}, shape: []int{1}, saved: 2 * rows, scratch: g.team.Threads() * cols, inPlace: true,
		fwd: func(n *node) {
			lse, loss := n.keep.data[:rows], n.keep.data[rows:]
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					lse[i], loss[i] = 0, 0
					if targets[i] >= 0 {
						loss[i], lse[i] = g.k.CrossEntropy(row(logits.val.data, i, cols), int(targets[i]), o.Smoothing)
					}
				}
			})
			copy(o.RowLoss, loss)
			sum := 0.0
			for i, l := range loss {
				sum += weight(i) * float64(l)
			}
			n.y.val.data[0] = float32(sum / divisor)
		},
		bwd: func(n *node) {
			lse, up := n.keep.data[:rows], float64(n.dy()[0])/divisor
			g.logitsGrad(n, targets, lse, o.Smoothing, func(i int) float32 { return float32(weight(i) * up) })
		}})
}

// TokenLogProb gives log softmax(logits)[target] for every row, [rows]; 0 where the target is negative.
//
//	l = z_t - lse z;  z̄ = l̄(onehot(t) - softmax z)
func (g *Graph) TokenLogProb(logits *Tensor, targets []int32) *Tensor {
	rows, cols := logits.rows()
	g.targets("TokenLogProb", logits, targets)
	return g.run(&node{op: "TokenLogProb", in: []*Tensor{logits}, shape: []int{rows}, saved: rows, scratch: g.team.Threads() * cols, inPlace: true,
		fwd: func(n *node) {
			y := n.y.val.data
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					y[i], n.keep.data[i] = 0, 0
					if t := targets[i]; t >= 0 {
						z := row(logits.val.data, i, cols)
						n.keep.data[i] = g.k.LogSumExp(z)
						y[i] = z[t] - n.keep.data[i]
					}
				}
			})
		},
		bwd: func(n *node) {
			g.logitsGrad(n, targets, n.keep.data, 0, func(i int) float32 { return -n.dy()[i] })
		}})
}

func (g *Graph) targets(op string, logits *Tensor, targets []int32) {
	rows, cols := logits.rows()
	require(len(targets) == rows, op, "%d targets for %d rows of %v", len(targets), rows, logits.shape)
	for i, t := range targets {
		require(int(t) < cols, op, "target %d at row %d, but there are %d logits", t, i, cols)
	}
}

// logitsGrad writes (or adds) weight(i) times the gradient of row i's cross-entropy; the gradient may be the logits' own memory.
func (g *Graph) logitsGrad(n *node, targets []int32, lse []float32, smoothing float32, weight func(i int) float32) {
	z := n.in[0].val.data
	rows, cols := n.in[0].rows()
	dz, add := n.grad(0)
	per := max(1, piece/cols)
	g.team.Each((rows+per-1)/per, func(w *kernel.Worker, part int) {
		tmp := n.tmp[w.Index()*cols:][:cols]
		for i := part * per; i < min(rows, (part+1)*per); i++ {
			d, c := row(dz, i, cols), weight(i)
			switch {
			case targets[i] < 0 || c == 0:
				if !add {
					clear(d)
				}
			case add:
				g.k.CrossEntropyBwd(tmp, row(z, i, cols), int(targets[i]), smoothing, lse[i], c)
				g.k.Add(d, d, tmp)
			default:
				g.k.CrossEntropyBwd(d, row(z, i, cols), int(targets[i]), smoothing, lse[i], c)
			}
		}
	})
}
