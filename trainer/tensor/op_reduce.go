package tensor

// MaskedMean gives Σ m·x/Σ m over time: x is [B, T, d], mask has B·T entries, the result is [B, d]. A sequence of zero mask gives zeros.
//
//	x̄ = ȳ·m/Σ m
func (g *Graph) MaskedMean(x *Tensor, mask []float32) *Tensor {
	require(len(x.shape) == 3 && len(mask) == x.n/max(1, x.shape[2]), "MaskedMean", "%d mask entries for %v", len(mask), x.shape)
	batch, time, d := x.shape[0], x.shape[1], x.shape[2]
	share := func(b int) float32 {
		sum := float32(0)
		for _, m := range mask[b*time : (b+1)*time] {
			sum += m
		}
		if sum == 0 {
			return 0
		}
		return 1 / sum
	}
	return g.run(&node{op: "MaskedMean", in: []*Tensor{x}, shape: []int{batch, d},
		fwd: func(n *node) {
			g.eachRow(batch, time*d, func(lo, hi int) {
				for b := lo; b < hi; b++ {
					y, s := row(n.y.val.data, b, d), share(b)
					clear(y)
					for t := range time {
						if m := mask[b*time+t]; m != 0 {
							g.k.Axpy(y, row(x.val.data, b*time+t, d), m*s)
						}
					}
				}
			})
		},
		bwd: func(n *node) {
			dx := n.zeroed(0)
			g.eachRow(batch, time*d, func(lo, hi int) {
				for b := lo; b < hi; b++ {
					s := share(b)
					for t := range time {
						if m := mask[b*time+t]; m != 0 {
							g.k.Axpy(row(dx, b*time+t, d), row(n.dy(), b, d), m*s)
						}
					}
				}
			})
		}})
}

// SumRows gives the sum of every row, [rows]: of log-probabilities of tokens, of losses.
func (g *Graph) SumRows(x *Tensor) *Tensor {
	rows, cols := x.rows()
	return g.run(&node{op: "SumRows", in: []*Tensor{x}, shape: []int{rows},
		fwd: func(n *node) {
			for i := range rows {
				n.y.val.data[i] = g.k.Sum(row(x.val.data, i, cols))
			}
		},
		bwd: func(n *node) {
			dx := n.zeroed(0)
			for i := range rows {
				for j := range cols {
					dx[i*cols+j] += n.dy()[i]
				}
			}
		}})
}

// Mean gives the mean of all elements, one number.
func (g *Graph) Mean(x *Tensor) *Tensor {
	return g.run(&node{op: "Mean", in: []*Tensor{x}, shape: []int{1},
		fwd: func(n *node) {
			sum := 0.0
			for _, v := range x.val.data {
				sum += float64(v)
			}
			n.y.val.data[0] = float32(sum / float64(x.n))
		},
		bwd: func(n *node) {
			dx, c := n.zeroed(0), n.dy()[0]/float32(x.n)
			for i := range dx {
				dx[i] += c
			}
		}})
}
