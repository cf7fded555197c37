package tensor

import "math"

// tiny keeps norms from zero, as torch.nn.functional.normalize does.
const tiny = 1e-12

// L2Norm gives x/‖x‖ on rows; x̄ = (ȳ - y(y·ȳ))/‖x‖.
func (g *Graph) L2Norm(x *Tensor) *Tensor {
	rows, cols := x.rows()
	return g.run(&node{op: "L2Norm", in: []*Tensor{x}, shape: x.shape, saved: rows, needsY: true,
		fwd: func(n *node) {
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					v := row(x.val.data, i, cols)
					n.keep.data[i] = 1 / norm(g.k.Dot(v, v))
					g.k.Scale(row(n.y.val.data, i, cols), v, n.keep.data[i])
				}
			})
		},
		bwd: func(n *node) {
			dx := n.zeroed(0)
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					y, dy, r := row(n.y.val.data, i, cols), row(n.dy(), i, cols), n.keep.data[i]
					g.k.Axpy(row(dx, i, cols), dy, r)
					g.k.Axpy(row(dx, i, cols), y, -r*g.k.Dot(y, dy))
				}
			})
		}})
}

// Cosine gives c = a·b/(‖a‖‖b‖) for every row, [rows]; ā = c̄(b/(‖a‖‖b‖) - c·a/‖a‖²).
func (g *Graph) Cosine(a, b *Tensor) *Tensor {
	rows, cols := a.rows()
	require(a.n == b.n, "Cosine", "%v and %v differ", a.shape, b.shape)
	return g.run(&node{op: "Cosine", in: []*Tensor{a, b}, shape: []int{rows}, saved: 2 * rows, needsY: true,
		fwd: func(n *node) {
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					u, v := row(a.val.data, i, cols), row(b.val.data, i, cols)
					ru, rv := 1/norm(g.k.Dot(u, u)), 1/norm(g.k.Dot(v, v))
					n.keep.data[2*i], n.keep.data[2*i+1] = ru, rv
					n.y.val.data[i] = g.k.Dot(u, v) * ru * rv
				}
			})
		},
		bwd: func(n *node) {
			da, db := n.zeroed(0), n.zeroed(1)
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					u, v := row(a.val.data, i, cols), row(b.val.data, i, cols)
					ru, rv, c, d := n.keep.data[2*i], n.keep.data[2*i+1], n.y.val.data[i], n.dy()[i]
					if da != nil {
						g.k.Axpy(row(da, i, cols), v, d*ru*rv)
						g.k.Axpy(row(da, i, cols), u, -d*c*ru*ru)
					}
					if db != nil {
						g.k.Axpy(row(db, i, cols), u, d*ru*rv)
						g.k.Axpy(row(db, i, cols), v, -d*c*rv*rv)
					}
				}
			})
		}})
}

func norm(squares float32) float32 { return max(float32(math.Sqrt(float64(squares))), tiny) }
