package tensor

import (
	"fmt"
	"math"

	"sluice/trainer/kernel"
)

// A Graph is one step in the making: its methods are the operations, each run at once and noted on the tape. It belongs to one goroutine.
type Graph struct {
	team  *kernel.Team
	k     kernel.Set
	mem   *arena
	key   Key
	bf16  bool
	train bool // note operations for backward
	check bool // look for NaN and infinity after every operation
	draws uint32
	tape  []*node
	made  *[]*node // inside Checkpoint's forward pass: everything run so far
}

// A node is one operation on the tape. Backward finds the gradients of its inputs by grad.
type node struct {
	op      string
	in      []*Tensor
	shape   []int
	y       *Tensor
	fwd     func(n *node)
	bwd     func(n *node)
	saved   int  // floats that forward leaves for backward
	scratch int  // floats that forward and backward each need while they run
	view    bool // y has the values of in[0]
	pass    bool // an input's gradient may take over y's, when it is the first
	inPlace bool // the gradient of in[0] may overwrite the values of in[0]
	needsY  bool // backward reads y's values
	nested  bool // bwd runs operations itself, so that a plan must run it too

	keep   block
	tmp    []float32
	add    []bool // the input's gradient holds something already
	passed int    // the input that took over y's gradient, or -1
}

// A ShapeError is a misuse of an operation; Step, Infer and Plan return it.
type ShapeError struct{ Op, Problem string }

func (e *ShapeError) Error() string { return "tensor: " + e.Op + ": " + e.Problem }

// A NaNError names the first operation whose result is not finite.
type NaNError struct {
	Op     string
	Number int // of the operation in the step, from 0
	Shape  []int
	Index  int    // of the element
	Near   string // the parameter among the operation's inputs, if any
}

func (e *NaNError) Error() string {
	s := fmt.Sprintf("tensor: %s (operation %d of the step, result %v) is not finite at element %d", e.Op, e.Number, e.Shape, e.Index)
	if e.Near != "" {
		s += "; parameter " + e.Near
	}
	return s
}

// require ends the step with a ShapeError unless ok.
func require(ok bool, op, format string, args ...any) {
	if !ok {
		panic(&ShapeError{op, fmt.Sprintf(format, args...)})
	}
}

// Input makes a constant of the caller's values, which are not copied and must stay until the step is over.
func (g *Graph) Input(values []float32, shape ...int) *Tensor {
	t := newTensor(shape)
	require(len(values) == t.n || g.mem.dry, "Input", "shape %v wants %d values, got %d", shape, t.n, len(values))
	t.val = block{data: values}
	return t
}

// Variable is Input with a gradient, which Backward leaves in Grad: for tests and for sensitivity to inputs.
func (g *Graph) Variable(values []float32, shape ...int) *Tensor {
	t := g.Input(values, shape...)
	t.param, t.needs = true, true
	return t
}

// Training tells whether the step will go backward; dropout does nothing otherwise.
func (g *Graph) Training() bool { return g.train }

// Key gives the step's key.
func (g *Graph) Key() Key { return g.key }

// run performs the operation n and gives its result.
func (g *Graph) run(n *node) *Tensor {
	y := newTensor(n.shape)
	n.y = y
	for _, x := range n.in {
		y.needs = y.needs || (g.train && x.needs)
		x.uses++
	}
	if n.view {
		y.val.data, y.base = n.in[0].val.data, n.in[0]
	} else {
		y.val = g.mem.alloc(y.n)
	}
	y.kept = n.needsY
	n.keep = g.mem.alloc(n.saved)
	if !g.mem.dry {
		tmp := g.mem.alloc(n.scratch)
		n.tmp = tmp.data
		if n.fwd != nil {
			n.fwd(n)
		}
		g.mem.release(tmp)
		n.tmp = nil
		if g.check {
			n.checkFinite(len(g.tape))
		}
	} else {
		g.mem.release(g.mem.alloc(n.scratch))
	}
	if y.needs {
		g.tape = append(g.tape, n)
	} else {
		g.mem.release(n.keep)
		n.keep = block{}
	}
	if g.made != nil {
		*g.made = append(*g.made, n)
	}
	return y
}

func (n *node) checkFinite(number int) {
	for i, v := range n.y.val.data {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			e := &NaNError{Op: n.op, Number: number, Shape: n.y.shape, Index: i}
			for _, x := range n.in {
				if x.name != "" {
					e.Near = x.name
				}
			}
			panic(e)
		}
	}
}

// grad gives the buffer for the gradient of input i, nil when none is wanted. With add, it holds a sum that must be kept; else anything.
func (n *node) grad(i int) (dx []float32, add bool) {
	if i >= len(n.in) || !n.in[i].needs {
		return nil, false
	}
	return n.in[i].grad.data, n.add[i]
}

// zeroed is grad for operations that only know how to add.
func (n *node) zeroed(i int) []float32 {
	dx, add := n.grad(i)
	if dx != nil && !add {
		clear(dx)
		n.add[i] = true
	}
	return dx
}

// dy is the gradient of the result.
func (n *node) dy() []float32 { return n.y.grad.data }

// backward walks the tape down to length end. The gradient of the last result is already there.
func (g *Graph) backward(end int) {
	for len(g.tape) > end {
		n := g.tape[len(g.tape)-1]
		g.tape[len(g.tape)-1] = nil
		g.tape = g.tape[:len(g.tape)-1]
		if n.y.grad.n > 0 {
			g.back(n)
		}
		g.mem.release(n.keep)
		g.mem.release(n.y.grad)
		if !n.view {
			g.mem.release(n.y.val)
		}
		n.y.val, n.y.grad = block{}, block{}
	}
}

// back runs one node backward: it finds a place for every input's gradient, then calls bwd.
func (g *Graph) back(n *node) {
	n.passed, n.add = -1, make([]bool, len(n.in))
	for i, x := range n.in {
		if !x.needs {
			continue
		}
		n.add[i] = true
		switch {
		case x.param:
			if !g.mem.dry {
				x.EnsureGrad()
			}
		case x.grad.n > 0:
		case n.pass && n.passed < 0:
			n.passed = i
			x.grad, n.y.grad = n.y.grad, block{data: n.y.grad.data} // the data is still readable as dy; the block has a new owner
		case i == 0 && n.inPlace && x.overwritable():
			n.add[i] = false
			x.grad, x.val = x.val, block{data: x.val.data}
		default:
			n.add[i] = false
			x.grad = g.mem.alloc(x.n)
		}
	}
	tmp := g.mem.alloc(n.scratch)
	if n.bwd != nil && (n.nested || !g.mem.dry) {
		n.tmp = tmp.data
		n.bwd(n)
		n.tmp = nil
	}
	g.mem.release(tmp)
}

// overwritable tells whether nothing will read the values any more once the only reader has made the gradient from them.
func (t *Tensor) overwritable() bool {
	return !t.param && t.uses == 1 && !t.kept && t.base == nil && t.val.n > 0
}
