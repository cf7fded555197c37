package model

import (
	"slices"
	"strings"

	"sluice/trainer/tensor"
)

// A Role says what a weight is to an optimiser.
type Role uint8

const (
	Matrix    Role = iota // of a layer: what Muon takes
	Embedding             // tables, and the head tied to them
	HeadMatrix
	Gain // of a norm
	Bias
)

// Decays tells whether weight decay is usual for the role: it is for matrices.
func (r Role) Decays() bool { return r == Matrix || r == HeadMatrix }

// A spec describes a weight before it exists.
type spec struct {
	name  string // without the body's prefix
	shape []int
	role  Role
	outer bool // lies outside of the body: its name never has the prefix
	last  bool // ends a residual branch of a decoder
}

// prefixes are what files of a model with a head put before the names of the body.
var prefixes = map[Family]string{BERT: "bert.", RoBERTa: "roberta.", GPT2: "transformer.", Llama: "model."}

// fileName is what files call the weight.
func (c Config) fileName(s spec) string {
	if s.outer || c.Head == Body {
		return s.name
	}
	return prefixes[c.Family] + s.name
}

// plainName undoes fileName: with and without the prefix, and with the names that the first BERT files have for gains and biases.
//
// Example: bert.embeddings.LayerNorm.gamma is embeddings.LayerNorm.weight.
func (c Config) plainName(file string) string {
	name := strings.TrimPrefix(file, prefixes[c.Family])
	if s, ok := strings.CutSuffix(name, ".gamma"); ok {
		return s + ".weight"
	}
	if s, ok := strings.CutSuffix(name, ".beta"); ok {
		return s + ".bias"
	}
	return name
}

// otherHeads are the beginnings of names that belong to heads. A head that is in a file and not in the model is no mistake.
var otherHeads = map[Family][]string{
	BERT:    {"cls.", "classifier.", "pooler.", "qa_outputs."},
	RoBERTa: {"lm_head.", "classifier.", "pooler.", "qa_outputs."},
	GPT2:    {"lm_head.", "score.", "classifier."},
	Llama:   {"lm_head.", "score."},
}

func (c Config) ofHead(name string) bool {
	return slices.ContainsFunc(otherHeads[c.Family], func(p string) bool { return strings.HasPrefix(name, p) })
}

// buffer tells whether a tensor is a table that the reference implementation stores and that is no weight.
func (c Config) buffer(name string) bool {
	switch c.Family {
	case GPT2:
		return strings.HasPrefix(name, "h.") && (strings.HasSuffix(name, ".attn.bias") || strings.HasSuffix(name, ".attn.masked_bias"))
	case Llama:
		return strings.HasSuffix(name, "rotary_emb.inv_freq")
	}
	return name == "embeddings.position_ids" || name == "embeddings.token_type_ids"
}

// A weights makes the tensors of a model, or only lists them: bodies and heads ask it for every weight by name and shape.
type weights struct {
	specs []spec
	make  func(spec) *tensor.Tensor // nil: list only, tensors are nil
}

func (w *weights) add(s spec) *tensor.Tensor {
	w.specs = append(w.specs, s)
	if w.make == nil {
		return nil
	}
	return w.make(s)
}

func (w *weights) matrix(name string, shape ...int) *tensor.Tensor {
	return w.add(spec{name: name, shape: shape, role: Matrix})
}

// branch is a matrix that ends a residual branch.
func (w *weights) branch(name string, shape ...int) *tensor.Tensor {
	return w.add(spec{name: name, shape: shape, role: Matrix, last: true})
}

func (w *weights) table(name string, rows, cols int) *tensor.Tensor {
	return w.add(spec{name: name, shape: []int{rows, cols}, role: Embedding})
}

func (w *weights) bias(name string, n int) *tensor.Tensor {
	return w.add(spec{name: name, shape: []int{n}, role: Bias})
}

func (w *weights) gain(name string, n int) *tensor.Tensor {
	return w.add(spec{name: name, shape: []int{n}, role: Gain})
}

// outer asks for a weight of a head, whose name has no prefix.
func (w *weights) outer(role Role, name string, shape ...int) *tensor.Tensor {
	return w.add(spec{name: name, shape: shape, role: role, outer: true})
}

// An affine is a matrix and a bias; a norm is a gain and a bias.
type affine struct{ w, b *tensor.Tensor }
type norm struct{ gain, bias *tensor.Tensor }

// linear is an affine map with its matrix stored [out, in].
func (w *weights) linear(name string, out, in int) affine {
	return affine{w.matrix(name+".weight", out, in), w.bias(name+".bias", out)}
}

func (w *weights) norm(name string, n int) norm {
	return norm{w.gain(name+".weight", n), w.bias(name+".bias", n)}
}

func (w *weights) outerLinear(name string, out, in int) affine {
	return affine{w.outer(HeadMatrix, name+".weight", out, in), w.outer(Bias, name+".bias", out)}
}

// build asks w for every weight of the model and gives the body and head that use them.
func (c Config) build(w *weights) (body, head) {
	var b body
	var table *tensor.Tensor
	switch c.Family {
	case GPT2:
		g := newGPT2(c, w)
		b, table = g, g.tokens
	case Llama:
		l := newLlama(c, w)
		b, table = l, l.tokens
	default:
		e := newBERT(c, w)
		b, table = e, e.tokens
	}
	return b, newHead(c, w, table)
}

// specs lists the weights of the model.
func (c Config) specs() []spec {
	var w weights
	c.build(&w)
	return w.specs
}
