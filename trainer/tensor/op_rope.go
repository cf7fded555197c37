package tensor

import "math"

// A Rope holds the angles of rotary positions (arXiv 2104.09864) for heads of one size: cosines and sines of position·frequency. It never changes.
type Rope struct {
	dim, positions int
	cos, sin, neg  []float32 // [positions, dim/2]; neg is -sin, to turn back
}

// NewRope makes the tables for heads of size dim and positions below n with the frequencies theta^(-2j/dim).
func NewRope(dim int, theta float64, n int) *Rope {
	f := make([]float64, dim/2)
	for j := range f {
		f[j] = math.Pow(theta, -2*float64(j)/float64(dim))
	}
	return NewRopeOf(f, n)
}

// NewRopeOf is NewRope for frequencies of the caller's, for instance scaled ones: heads have twice as many elements.
func NewRopeOf(frequencies []float64, n int) *Rope {
	h := len(frequencies)
	r := &Rope{dim: 2 * h, positions: n, cos: make([]float32, n*h), sin: make([]float32, n*h), neg: make([]float32, n*h)}
	for p := range n {
		for j, f := range frequencies {
			sin, cos := math.Sincos(float64(p) * f)
			r.cos[p*h+j], r.sin[p*h+j], r.neg[p*h+j] = float32(cos), float32(sin), -float32(sin)
		}
	}
	return r
}

// Positions is the number of positions in the tables.
func (r *Rope) Positions() int { return r.positions }

// Rope turns every head of x, [B, T, heads·dim], by its row's position: pos has B·T entries; nil means 0, 1, … T-1 in every sequence.
// The pairs are (j, j+dim/2). Backward turns by the negative angle.
func (g *Graph) Rope(x *Tensor, r *Rope, pos []int32) *Tensor {
	rows, cols := x.rows()
	require(len(x.shape) >= 2 && cols%r.dim == 0, "Rope", "rows of %v are not whole heads of %d", x.shape, r.dim)
	require(pos == nil || len(pos) == rows, "Rope", "%d positions for %d rows", len(pos), rows)
	t := x.shape[len(x.shape)-2]
	at := func(i int) int {
		if pos == nil {
			return i % t
		}
		return int(pos[i])
	}
	if pos == nil {
		require(t <= r.positions, "Rope", "%d positions, tables for %d", t, r.positions)
	}
	for i := range pos {
		require(pos[i] >= 0 && int(pos[i]) < r.positions, "Rope", "position %d at row %d, tables for %d", pos[i], i, r.positions)
	}
	h := r.dim / 2
	turn := func(dst, src, sin []float32, i int) {
		p := at(i) * h
		for j := i * cols; j < (i+1)*cols; j += r.dim {
			g.k.Rope(dst[j-i*cols:][:r.dim], src[j:j+r.dim], r.cos[p:p+h], sin[p:p+h])
		}
	}
	return g.run(&node{op: "Rope", in: []*Tensor{x}, shape: x.shape,
		fwd: func(n *node) {
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					turn(row(n.y.val.data, i, cols), x.val.data, r.sin, i)
				}
			})
		},
		bwd: func(n *node) {
			dx, add := n.grad(0)
			g.eachRow(rows, cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					d := row(dx, i, cols)
					if !add {
						turn(d, n.dy(), r.neg, i)
						continue
					}
					turn(row(n.dy(), i, cols), n.dy(), r.neg, i) // ȳ is not needed any more
					g.k.Add(d, d, row(n.dy(), i, cols))
				}
			})
		}})
}
