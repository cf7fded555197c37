package tensor

import (
	"fmt"
	"slices"

	"sluice/trainer/kernel"
)

// A Tensor is a parameter, an input, or the result of an operation: a shape and, once computed, values in row-major order.
type Tensor struct {
	name  string
	shape []int
	n     int // number of elements
	val   block
	grad  block

	param  bool    // values and gradient outlive the step
	frozen bool    // a parameter that wants no gradient
	needs  bool    // a gradient must reach this tensor
	kept   bool    // the operation that made it needs its values in backward
	uses   int     // operations that read it
	base   *Tensor // a view: the tensor whose values these are
}

// NewParam makes a parameter with zero values. Its name is the one in checkpoints and errors.
func NewParam(name string, shape ...int) *Tensor {
	t := newTensor(shape)
	t.name, t.param, t.needs = name, true, true
	t.val = block{data: kernel.Floats(t.n), n: t.n}
	return t
}

// ParamOf makes a parameter of existing values, which it does not copy (they may be a mapped file as long as nothing trains it).
func ParamOf(name string, values []float32, shape ...int) (*Tensor, error) {
	t := newTensor(shape)
	if len(values) != t.n {
		return nil, fmt.Errorf("tensor %s: shape %v wants %d values, got %d", name, shape, t.n, len(values))
	}
	t.name, t.param, t.needs = name, true, true
	t.val = block{data: values, n: t.n}
	return t, nil
}

func newTensor(shape []int) *Tensor {
	t := &Tensor{shape: slices.Clone(shape), n: 1}
	for _, d := range shape {
		t.n *= d
	}
	return t
}

// Name is the parameter's name; of other tensors, empty.
func (t *Tensor) Name() string { return t.name }

// Shape gives the sizes of the dimensions; the caller must not change it.
func (t *Tensor) Shape() []int { return t.shape }

// Dim is the size of dimension i; negative i counts from the last.
func (t *Tensor) Dim(i int) int {
	if i < 0 {
		i += len(t.shape)
	}
	return t.shape[i]
}

// Len is the number of elements.
func (t *Tensor) Len() int { return t.n }

// Value gives the values themselves, not a copy. In a plan it is nil.
func (t *Tensor) Value() []float32 { return t.val.data }

// Grad gives a parameter's gradient, nil before the first backward pass. Steps add to it; [ZeroGrads] clears it.
func (t *Tensor) Grad() []float32 { return t.grad.data }

// Freeze says whether the parameter is left alone: no gradient is computed for it. Frozen parameters give up their gradient's memory.
func (t *Tensor) Freeze(frozen bool) {
	t.frozen, t.needs = frozen, !frozen
	if frozen {
		t.grad = block{}
	}
}

// Frozen tells what Freeze said.
func (t *Tensor) Frozen() bool { return t.frozen }

// EnsureGrad gives the gradient, made of zeros when there is none yet; nil for frozen parameters.
func (t *Tensor) EnsureGrad() []float32 {
	if t.param && !t.frozen && t.grad.data == nil {
		t.grad = block{data: kernel.Floats(t.n), n: t.n}
	}
	return t.grad.data
}

// ZeroGrads clears the gradients of parameters.
func ZeroGrads(params []*Tensor) {
	for _, p := range params {
		clear(p.grad.data)
	}
}

// rows sees the tensor as a matrix: the number of rows and their length.
func (t *Tensor) rows() (rows, cols int) {
	cols = 1
	if len(t.shape) > 0 {
		cols = t.shape[len(t.shape)-1]
	}
	if cols == 0 {
		return 0, 0
	}
	return t.n / cols, cols
}
