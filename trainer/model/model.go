package model

import (
	"slices"
	"sync"

	"sluice/trainer/tensor"
)

// A Model is a body and a head with their weights. Steps of one model run one at a time.
type Model struct {
	Config    Config
	Recompute Recompute // in training
	Unused    []string  // Load: tensors of other heads that were left in the files
	Fresh     []string  // Load: weights that the files did not have

	params []Param
	byName map[string]*tensor.Tensor
	body   body
	head   head

	ropeLock sync.Mutex
	rope     *tensor.Rope
}

// Recompute says what backward computes again instead of keeping it.
type Recompute uint8

const (
	KeepAll            Recompute = iota
	RecomputeAttention           // the weights of attention
	RecomputeLayers              // everything but the input of each layer
)

// A Param is a weight and its role.
type Param struct {
	*tensor.Tensor
	Role Role
}

// assemble makes all weights and binds body and head to them.
func (m *Model) assemble(fill func(s spec, t *tensor.Tensor)) {
	m.byName = map[string]*tensor.Tensor{}
	m.body, m.head = m.Config.build(&weights{make: func(s spec) *tensor.Tensor {
		t := tensor.NewParam(m.Config.fileName(s), s.shape...)
		fill(s, t)
		m.params = append(m.params, Param{t, s.role})
		m.byName[t.Name()] = t
		return t
	}})
}

// Params lists the weights in the order of the forward pass. A tied matrix is there once.
func (m *Model) Params() []Param { return slices.Clone(m.params) }

// Tensors lists the weights without their roles.
func (m *Model) Tensors() []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(m.params))
	for i, p := range m.params {
		out[i] = p.Tensor
	}
	return out
}

// Param gives a weight by its Hugging Face name, nil when there is none.
func (m *Model) Param(name string) *tensor.Tensor { return m.byName[name] }

// Clone gives a model of the same weights, copied: two models can run at the same time.
func (m *Model) Clone() *Model {
	c := &Model{Config: m.Config, Recompute: m.Recompute}
	c.assemble(func(_ spec, t *tensor.Tensor) { copy(t.Value(), m.byName[t.Name()].Value()) })
	return c
}

// Size is the number of weights.
func (m *Model) Size() int {
	n := 0
	for _, p := range m.params {
		n += p.Len()
	}
	return n
}
