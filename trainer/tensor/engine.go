package tensor

import (
	"fmt"

	"sluice/trainer/kernel"
)

// A Key makes a step's random bits: equal keys drop equal elements. A run that cuts a batch into F pieces gives piece f of step s the Step s·F+f.
type Key struct{ Seed, Step uint64 }

// An Engine runs functions on graphs. CPU is the engine of this package; a program that wants another one depends on this interface.
type Engine interface {
	// Step runs f forward, then backward from the scalar that f returns, adding to the gradients of parameters; it gives the scalar's value.
	Step(key Key, f func(*Graph) *Tensor) (float64, error)
	// Infer runs f forward; nothing drops and nothing is kept for backward.
	Infer(f func(*Graph)) error
	// Plan runs f without computing and tells what Step would need. Values are nil meanwhile.
	Plan(f func(*Graph) *Tensor) (Plan, error)
}

// Options are an engine's settings.
type Options struct {
	Set     kernel.Set // instruction set
	Threads int        // below 1: 1
	BF16    bool       // matrix products of Linear on operands rounded to bfloat16
	Check   bool       // stop at the first result that is not finite, with a NaNError; costs a pass over every result
}

// CPU is the engine on the kernels of package kernel. One step at a time.
type CPU struct {
	opt  Options
	team *kernel.Team
	mem  arena
}

// NewCPU makes an engine.
func NewCPU(o Options) *CPU {
	c := &CPU{opt: o, team: kernel.NewTeam(o.Set, o.Threads)}
	c.mem.reset()
	return c
}

// DefaultCPU makes an engine on the set that the environment names or the CPU likes best.
func DefaultCPU(threads int) (*CPU, error) {
	s, err := kernel.Default()
	if err != nil {
		return nil, err
	}
	return NewCPU(Options{Set: s, Threads: threads}), nil
}

// Set gives the instruction set, which checkpoints name: other sets give other bits.
func (c *CPU) Set() kernel.Set { return c.opt.Set }

// Team gives the threads and kernels, for work outside of graphs such as an optimiser's. Not during a step.
func (c *CPU) Team() *kernel.Team { return c.team }

// SetCheck switches Options.Check, for instance to run a step again whose loss was NaN.
func (c *CPU) SetCheck(on bool) { c.opt.Check = on }

// Reserve asks for the memory that a plan found, in one piece.
func (c *CPU) Reserve(p Plan) { c.mem.reserve(int(p.Arena / 4)) }

// Step implements Engine.
func (c *CPU) Step(key Key, f func(*Graph) *Tensor) (loss float64, err error) {
	g := c.graph(key)
	g.train = true
	defer caught(&err)
	defer c.mem.reset()
	y := f(g)
	if y == nil {
		return 0, fmt.Errorf("tensor: step %d: the function returned no loss", key.Step)
	}
	require(y.n == 1, "Step", "a loss is one number, this is %v", y.shape)
	loss = float64(y.val.data[0])
	g.Backward(y)
	return loss, nil
}

// Infer implements Engine.
func (c *CPU) Infer(f func(*Graph)) (err error) {
	defer caught(&err)
	defer c.mem.reset()
	f(c.graph(Key{}))
	return nil
}

func (c *CPU) graph(key Key) *Graph {
	return &Graph{team: c.team, k: c.opt.Set, mem: &c.mem, key: key, bf16: c.opt.BF16, check: c.opt.Check}
}

// Backward runs the tape from loss, a scalar that this graph made. Step calls it; a function run by Infer must not.
func (g *Graph) Backward(loss *Tensor) {
	if !loss.needs {
		return // nothing wants a gradient
	}
	loss.grad = g.mem.alloc(loss.n)
	for i := range loss.grad.data {
		loss.grad.data[i] = 1
	}
	g.backward(0)
}

// caught turns the panic of a misused operation into an error.
func caught(err *error) {
	switch e := recover().(type) {
	case nil:
	case *ShapeError:
		*err = e
	case *NaNError:
		*err = e
	default:
		panic(e)
	}
}
