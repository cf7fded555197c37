package tensor

// A Plan says what a step needs, in bytes, before any step runs.
type Plan struct {
	Arena   int64 // activations, their gradients and scratch: the size of the arena
	Kernels int64 // packing buffers of the threads
	Ops     int   // operations on the tape
}

// Plan implements Engine. The arena's figure is exact for steps of the same shapes: the same requests are made in the same order, without memory.
func (c *CPU) Plan(f func(*Graph) *Tensor) (p Plan, err error) {
	g := c.graph(Key{})
	g.mem = &arena{dry: true}
	g.mem.reset()
	g.train = true
	defer caught(&err)
	y := f(g)
	p.Ops = len(g.tape)
	if y != nil {
		require(y.n == 1, "Plan", "a loss is one number, this is %v", y.shape)
		g.Backward(y)
	}
	p.Arena = int64(g.mem.peak) * 4
	p.Kernels = int64(c.team.Bytes())
	return p, nil
}

// PlanInfer is Plan for Infer.
func (c *CPU) PlanInfer(f func(*Graph)) (p Plan, err error) {
	g := c.graph(Key{})
	g.mem = &arena{dry: true}
	g.mem.reset()
	defer caught(&err)
	f(g)
	return Plan{Arena: int64(g.mem.peak) * 4, Kernels: int64(c.team.Bytes())}, nil
}
