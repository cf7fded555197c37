// Package optim turns gradients into steps: AdamW, Muon and schedule-free AdamW, learning-rate schedules, clipping by the global norm, a moving average
// of weights, and the search for a learning rate. It works on the parameters of package tensor and knows nothing of models, data or files; what an
// optimiser remembers is a list of named slices and numbers that a checkpoint can keep.
//
// Every result has the same bits for any number of threads: threads share elements or rows, never sums.
//
//	optim.go   what an optimiser is; what a parameter is      adamw.go muon.go schedulefree.go   one optimiser each
//	clip.go    the global norm                                   schedule.go   factors of the learning rate
//	ema.go     moving average of weights                         lrfinder.go   the learning rate's upper end
package optim

import (
	"fmt"

	"sluice/trainer/kernel"
	"sluice/trainer/tensor"
)

// An Optimizer changes parameters by their gradients.
type Optimizer interface {
	// Step makes one step by scale times the gradients. Factor is the schedule's, and multiplies every learning rate.
	Step(team *kernel.Team, factor, scale float64)
	// State gives what the optimiser remembers, always in the same order; filling it restores an optimiser.
	State() State
}

// An Averager trains other weights than it is judged by. Average puts the averaged weights into the parameters and returns what puts the others back,
// to the bit.
type Averager interface {
	Average(team *kernel.Team) (restore func())
}

// State is what an optimiser remembers: buffers as long as their parameters, and numbers.
type State struct {
	Slices  []Slice
	Numbers []Number
}

// A Slice is one buffer.
type Slice struct {
	Name   string // the parameter's and what it holds: model.norm.weight/m
	Shape  []int
	Values []float32
}

// A Number is one number, such as the count of steps.
type Number struct {
	Name  string
	Value *float64
}

// A Param is a parameter and how it is to be treated.
type Param struct {
	*tensor.Tensor
	Decay  bool // weight decay: matrices, but not embeddings (arXiv 2005.14165 and common practice)
	Hidden bool // a matrix between hidden states: what Muon is for
	InOut  bool // a hidden matrix is stored [in, out], not [out, in]
}

// Config says which optimiser to make.
type Config struct {
	Name   string  // adamw, muon or schedulefree
	LR     float64 // of AdamW; with Muon, of the parameters that are no hidden matrices
	MuonLR float64 // of hidden matrices
	Beta1  float64
	Beta2  float64
	Eps    float64
	Decay  float64
}

// New makes an optimiser for parameters.
func New(c Config, params []Param) (Optimizer, error) {
	switch c.Name {
	case "adamw":
		return NewAdamW(c, params), nil
	case "muon":
		return NewMuon(c, params), nil
	case "schedulefree":
		return NewScheduleFree(c, params), nil
	}
	return nil, fmt.Errorf("unknown optimizer %q: want adamw, muon or schedulefree", c.Name)
}

// BytesPer is the memory an optimiser needs for a parameter beside weight and gradient.
func BytesPer(name string, p Param) int64 {
	if name == "muon" && p.Hidden {
		return 4 * int64(p.Len())
	}
	return 8 * int64(p.Len())
}

// grain is the number of elements one thread takes at a time.
const grain = 1 << 14

// copied gives the parameter's weights as they are now.
func copied(p Param) []float32 {
	x := kernel.Floats(p.Len())
	copy(x, p.Value())
	return x
}
