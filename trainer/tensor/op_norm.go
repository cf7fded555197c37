package tensor

// LayerNorm gives y = g·(x-μ)/√(variance + eps) + b on rows, with gain and bias of the rows' length. (arXiv 1607.06450)
//
//	h = ȳ·g;  x̄ = r(h - mean h - x̂·mean(h·x̂));  ḡ = Σ ȳ·x̂;  b̄ = Σ ȳ
func (g *Graph) LayerNorm(x, gain, bias *Tensor, eps float32) *Tensor {
	rows, cols := x.rows()
	require(gain.n == cols && bias.n == cols, "LayerNorm", "gain %s %v and bias %s %v do not fit %v", gain.name, gain.shape, bias.name, bias.shape, x.shape)
	return g.run(&node{op: "LayerNorm", in: []*Tensor{x, gain, bias}, shape: x.shape, saved: 2 * rows, scratch: 2 * cols,
		fwd: func(n *node) {
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					n.keep.data[2*i], n.keep.data[2*i+1] = g.k.LayerNorm(row(n.y.val.data, i, cols), row(x.val.data, i, cols), gain.val.data, bias.val.data, eps)
				}
			})
		},
		bwd: func(n *node) {
			dx, add := n.grad(0)
			sums := n.tmp[:2*cols]
			clear(sums)

			g.team.Reduce(rows, 2*cols, sums, func(part []float32, lo, hi int) {
				for i := lo; i < hi; i++ {
					mu, r := n.keep.data[2*i], n.keep.data[2*i+1]
					if dx == nil {
						g.k.LayerNormGrads(row(n.dy(), i, cols), row(x.val.data, i, cols), gain.val.data, part[:cols], part[cols:], mu, r)
						continue
					}
					g.k.LayerNormBwd(row(dx, i, cols), row(n.dy(), i, cols), row(x.val.data, i, cols), gain.val.data, part[:cols], part[cols:], mu, r, add)
				}
			})
			g.addTo(n, 1, sums[:cols])
			g.addTo(n, 2, sums[cols:])
		}})
}

// RMSNorm gives y = g·x/√(mean x² + eps) on rows. (arXiv 1910.07467)
//
//	h = ȳ·g;  x̄ = r·h - x·r³·mean(h·x);  ḡ = Σ ȳ·x·r
func (g *Graph) RMSNorm(x, gain *Tensor, eps float32) *Tensor {
	rows, cols := x.rows()
	require(gain.n == cols, "RMSNorm", "gain %s %v does not fit %v", gain.name, gain.shape, x.shape)
	return g.run(&node{op: "RMSNorm", in: []*Tensor{x, gain}, shape: x.shape, saved: rows, scratch: cols,
		fwd: func(n *node) {
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					n.keep.data[i] = g.k.RMSNorm(row(n.y.val.data, i, cols), row(x.val.data, i, cols), gain.val.data, eps)
				}
			})
		},
		bwd: func(n *node) {
			dx, add := n.grad(0)
			sums := n.tmp[:cols]
			clear(sums)
			g.team.Reduce(rows, cols, sums, func(part []float32, lo, hi int) {
				for i := lo; i < hi; i++ {
					if dx == nil {
						g.k.RMSNormGrads(row(n.dy(), i, cols), row(x.val.data, i, cols), gain.val.data, part, n.keep.data[i])
						continue
					}
					g.k.RMSNormBwd(row(dx, i, cols), row(n.dy(), i, cols), row(x.val.data, i, cols), gain.val.data, part, n.keep.data[i], add)
				}
			})
			g.addTo(n, 1, sums)
		}})
}

// row is row i of a matrix.
func row(x []float32, i, cols int) []float32 { return x[i*cols : (i+1)*cols : (i+1)*cols] }

// addTo adds a sum to the gradient of input i, if one is wanted.
func (g *Graph) addTo(n *node, i int, sum []float32) {
	if d := n.zeroed(i); d != nil {
		g.k.Add(d, d, sum)
	}
}
