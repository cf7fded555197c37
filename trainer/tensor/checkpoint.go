package tensor

// Checkpoint runs f on x and keeps nothing but x and the result; backward runs f once more to get what it needs (arXiv 1604.06174). f must be a
// function of x and of parameters alone and must return a tensor that it made. The second run has the dropout bits of the first: gradients are equal bits
// with and without Checkpoint. Without training it frees f's intermediate results early.
func (g *Graph) Checkpoint(x *Tensor, f func(x *Tensor) *Tensor) *Tensor {
	draws, outer := g.draws, g.made
	var made []*node
	g.made = &made
	tape := len(g.tape)
	leaf := &Tensor{shape: x.shape, n: x.n, val: block{data: x.val.data}, needs: x.needs}
	y := f(leaf)
	require(y != leaf, "Checkpoint", "the function returned its input")
	g.made = outer
	clear(g.tape[tape:])
	g.tape = g.tape[:tape]
	root := y
	for root.base != nil {
		root = root.base
	}
	require(root != leaf && !root.param, "Checkpoint", "the function returned a view of its input")
	value := root.val
	for _, n := range made {
		g.mem.release(n.keep)
		n.keep = block{}
		if !n.view && n.y != root {
			g.mem.release(n.y.val)
			n.y.val = block{}
		}
	}
	// The result as a tensor of the outer graph that owns the values.
	out := &Tensor{shape: y.shape, n: y.n, needs: y.needs, val: value}
	x.uses++
	n := &node{op: "Checkpoint", in: []*Tensor{x}, shape: y.shape, y: out, nested: true}
	if out.needs {
		g.tape = append(g.tape, n)
		n.bwd = func(n *node) { g.rerun(n, draws, f) }
	}
	if outer != nil {
		*outer = append(*outer, n)
	}
	return out
}

// rerun is the backward pass of Checkpoint: f again, noted this time, then backward through it. The gradient of x is added up in place.
func (g *Graph) rerun(n *node, draws uint32, f func(x *Tensor) *Tensor) {
	x := n.in[0]
	leaf := &Tensor{shape: x.shape, n: x.n, val: block{data: x.val.data}, needs: x.needs}
	if x.needs {
		n.zeroed(0)
		leaf.grad = x.grad
	}
	now, made := g.draws, g.made
	g.draws, g.made = draws, nil
	end := len(g.tape)
	y := f(leaf)
	g.draws, g.made = now, made
	y.grad, n.y.grad = n.y.grad, block{}
	g.backward(end)
}
