package tensor

// Reshape sees the same values in another shape; one dimension may be -1 and is what remains.
func (g *Graph) Reshape(x *Tensor, shape ...int) *Tensor {
	shape = append([]int{}, shape...)
	open, n := -1, 1
	for i, d := range shape {
		if d < 0 {
			require(open < 0, "Reshape", "more than one dimension is open in %v", shape)
			open = i
			continue
		}
		n *= d
	}
	if open >= 0 && n > 0 {
		shape[open] = x.n / n
		n *= shape[open]
	}
	require(n == x.n, "Reshape", "%v does not hold the %d elements of %v", shape, x.n, x.shape)
	return g.run(&node{op: "Reshape", in: []*Tensor{x}, shape: shape, view: true, pass: true,
		bwd: func(n *node) {
			if n.passed < 0 {
				d, add := n.grad(0)
				g.accumulate(d, n.dy(), add)
			}
		}})
}

// Stop gives the values of x and lets no gradient through.
func (g *Graph) Stop(x *Tensor) *Tensor {
	x.uses++
	y := newTensor(x.shape)
	y.val.data, y.base = x.val.data, x
	return y
}

// blocksOf sees x as [outer, size, inner] around an axis; a negative axis counts from the last.
func blocksOf(op string, x *Tensor, axis int) (a, outer, size, inner int) {
	if axis < 0 {
		axis += len(x.shape)
	}
	require(axis >= 0 && axis < len(x.shape), op, "%v has no axis %d", x.shape, axis)
	outer, inner = 1, 1
	for i, d := range x.shape {
		switch {
		case i < axis:
			outer *= d
		case i > axis:
			inner *= d
		}
	}
	return axis, outer, x.shape[axis], inner
}

// Slice gives the part [lo, hi) of x along an axis; a negative axis counts from the last.
func (g *Graph) Slice(x *Tensor, axis, lo, hi int) *Tensor {
	axis, outer, size, inner := blocksOf("Slice", x, axis)
	require(0 <= lo && lo <= hi && hi <= size, "Slice", "[%d, %d) of %v along axis %d", lo, hi, x.shape, axis)
	shape := append([]int{}, x.shape...)
	shape[axis] = hi - lo
	part := (hi - lo) * inner
	return g.run(&node{op: "Slice", in: []*Tensor{x}, shape: shape,
		fwd: func(n *node) {
			g.eachRow(outer, part, func(first, last int) {
				for i := first; i < last; i++ {
					copy(n.y.val.data[i*part:(i+1)*part], x.val.data[(i*size+lo)*inner:])
				}
			})
		},
		bwd: func(n *node) {
			dx := n.zeroed(0)
			g.eachRow(outer, part, func(first, last int) {
				for i := first; i < last; i++ {
					d := dx[(i*size+lo)*inner:][:part]
					g.k.Add(d, d, n.dy()[i*part:(i+1)*part])
				}
			})
		}})
}

// Concat joins tensors along an axis; all other dimensions are equal.
func (g *Graph) Concat(axis int, xs ...*Tensor) *Tensor {
	require(len(xs) > 0, "Concat", "nothing to join")
	axis, outer, _, inner := blocksOf("Concat", xs[0], axis)
	shape := append([]int{}, xs[0].shape...)
	shape[axis] = 0
	for _, x := range xs {
		_, o, size, in := blocksOf("Concat", x, axis)
		require(o == outer && in == inner && len(x.shape) == len(shape), "Concat", "%v and %v differ outside axis %d", xs[0].shape, x.shape, axis)
		shape[axis] += size
	}
	whole := shape[axis] * inner
	return g.run(&node{op: "Concat", in: xs, shape: shape,
		fwd: func(n *node) {
			at := 0
			for _, x := range xs {
				part := x.shape[axis] * inner
				for i := range outer {
					copy(n.y.val.data[i*whole+at:][:part], x.val.data[i*part:])
				}
				at += part
			}
		},
		bwd: func(n *node) {
			at := 0
			for k, x := range xs {
				part := x.shape[axis] * inner
				if d := n.zeroed(k); d != nil {
					for i := range outer {
						g.k.Add(d[i*part:(i+1)*part], d[i*part:(i+1)*part], n.dy()[i*whole+at:][:part])
					}
				}
				at += part
			}
		}})
}

// Transpose swaps the last two dimensions.
func (g *Graph) Transpose(x *Tensor) *Tensor {
	require(len(x.shape) >= 2, "Transpose", "%v has no two dimensions", x.shape)
	shape := append([]int{}, x.shape...)
	l := len(shape)
	r, c := shape[l-2], shape[l-1]
	shape[l-2], shape[l-1] = c, r
	return g.run(&node{op: "Transpose", in: []*Tensor{x}, shape: shape,
		fwd: func(n *node) {
			for m := 0; m < x.n; m += r * c {
				turn(n.y.val.data[m:], x.val.data[m:], r, c, false)
			}
		},
		bwd: func(n *node) {
			dx := n.zeroed(0)
			for m := 0; m < x.n; m += r * c {
				turn(dx[m:], n.dy()[m:], c, r, true)
			}
		}})
}

// turn writes, or adds, the transpose of the r×c matrix src to dst, in squares that stay in cache.
func turn(dst, src []float32, r, c int, add bool) {
	const side = 16
	for i0 := 0; i0 < r; i0 += side {
		for j0 := 0; j0 < c; j0 += side {
			for i := i0; i < min(r, i0+side); i++ {
				for j := j0; j < min(c, j0+side); j++ {
					if add {
						dst[j*r+i] += src[i*c+j]
					} else {
						dst[j*r+i] = src[i*c+j]
					}
				}
			}
		}
	}
}
