package model

import (
	"fmt"

	"sluice/trainer/tensor"
)

// An Input is a batch of Batch rows of Time tokens.
type Input struct {
	IDs         []int32 // Batch·Time
	Batch, Time int
	Lengths     []int32 // per row: tokens from here on are padding; nil: none
	Types       []int32 // BERT's segments, Batch·Time; nil: 0
	Docs        []int32 // packed rows: a number per token, equal for neighbours of one document; nil: a row is a document
}

// A body makes hidden states of tokens.
type body interface {
	embed(p *pass) *tensor.Tensor
	layer(p *pass, i int, x *tensor.Tensor) *tensor.Tensor
	final(p *pass, x *tensor.Tensor) *tensor.Tensor
}

// A pass is one run of a body over a batch.
type pass struct {
	*tensor.Graph
	m     *Model
	in    Input
	attn  tensor.Attn
	pos   []int32 // of every token in its document; nil: its place in the row
	cache *cache  // generation: keys and values of earlier tokens
	rope  *tensor.Rope
}

// misuse ends a step with an error about the caller's input.
func misuse(format string, args ...any) {
	panic(&tensor.ShapeError{Op: "model", Problem: fmt.Sprintf(format, args...)})
}

func (m *Model) pass(g *tensor.Graph, in Input) *pass {
	n := in.Batch * in.Time
	switch {
	case in.Batch < 1 || in.Time < 1 || len(in.IDs) != n:
		misuse("%d ids are no batch of %d rows of %d tokens", len(in.IDs), in.Batch, in.Time)
	case in.Lengths != nil && len(in.Lengths) != in.Batch:
		misuse("%d lengths for %d rows", len(in.Lengths), in.Batch)
	case in.Types != nil && len(in.Types) != n, in.Docs != nil && len(in.Docs) != n:
		misuse("%d types and %d documents for %d tokens", len(in.Types), len(in.Docs), n)
	case in.Types != nil && m.Config.Family.Decoder():
		misuse("a %s has no token types", m.Config.Family)
	}
	for b, l := range in.Lengths {
		if l < 1 || int(l) > in.Time {
			misuse("row %d has %d tokens, want 1 to %d", b, l, in.Time)
		}
	}
	c := m.Config
	p := &pass{Graph: g, m: m, in: in, attn: tensor.Attn{Heads: c.Heads, KVHeads: c.KVHeads, Causal: c.Family.Decoder(), Lengths: in.Lengths,
		Dropout: c.Drop.Attention, Recompute: m.Recompute == RecomputeAttention}}
	longest := in.Time
	if in.Docs != nil {
		longest = p.documents()
	}
	if longest > c.MaxTokens() {
		misuse("%d tokens in a row, the model has positions for %d", longest, c.MaxTokens())
	}
	return p
}

// documents sets the borders of attention and the positions of packed rows, and gives the length of the longest document.
//
// Example: documents 5 5 9 9 9 have starts 0 0 2 2 2, ends 2 2 5 5 5 and positions 0 1 0 1 2.
func (p *pass) documents() (longest int) {
	n, t := p.in.Batch*p.in.Time, p.in.Time
	p.attn.Starts, p.pos = make([]int32, n), make([]int32, n)
	for i := range n {
		if i%t != 0 && p.in.Docs[i] == p.in.Docs[i-1] {
			p.attn.Starts[i], p.pos[i] = p.attn.Starts[i-1], p.pos[i-1]+1
		} else {
			p.attn.Starts[i] = int32(i % t)
		}
		longest = max(longest, int(p.pos[i])+1)
	}
	if p.attn.Causal {
		return longest
	}
	p.attn.Ends = make([]int32, n)
	for i := n - 1; i >= 0; i-- {
		if i%t != t-1 && p.in.Docs[i] == p.in.Docs[i+1] {
			p.attn.Ends[i] = p.attn.Ends[i+1]
		} else {
			p.attn.Ends[i] = int32(i%t) + 1
		}
	}
	return longest
}

// positions gives the row of a table of learned positions for every token.
func (p *pass) positions() []int32 {
	first := int32(p.m.Config.firstPosition())
	out := make([]int32, p.in.Batch*p.in.Time)
	for i := range out {
		if p.pos != nil {
			out[i] = first + p.pos[i]
		} else {
			out[i] = first + int32(i%p.in.Time)
		}
	}
	return out
}

// Hidden runs the body and gives its last hidden states, [Batch, Time, Hidden], behind the final norm if the family has one. When see is not nil, it
// is shown the state before the first layer (number 0) and behind each layer (from 1).
func (m *Model) Hidden(g *tensor.Graph, in Input, see func(layer int, x *tensor.Tensor)) *tensor.Tensor {
	return m.pass(g, in).run(see)
}

func (p *pass) run(see func(layer int, x *tensor.Tensor)) *tensor.Tensor {
	x := p.Dropout(p.m.body.embed(p), p.m.Config.Drop.Embedding)
	for i := range p.m.Config.Layers {
		if see != nil {
			see(i, x)
		}
		if p.skips(i) {
			continue
		}
		layer := func(x *tensor.Tensor) *tensor.Tensor { return p.m.body.layer(p, i, x) }
		if !p.Training() || p.m.Recompute == RecomputeLayers {
			x = p.Checkpoint(x, layer) // in inference this frees what the layer made
		} else {
			x = layer(x)
		}
	}
	if see != nil {
		see(p.m.Config.Layers, x)
	}
	return p.m.body.final(p, x)
}

// skips throws for LayerDrop: a function of the step's key and the layer.
func (p *pass) skips(layer int) bool {
	q := p.m.Config.Drop.Layer
	if !p.Training() || q == 0 {
		return false
	}
	k := p.Key()
	return unit(mix(mix(mix(k.Seed)+k.Step)+uint64(layer))) < float64(q)
}

// attention is attention on this batch, and on what the cache holds of it.
func (p *pass) attention(layer int, q, k, v *tensor.Tensor) *tensor.Tensor {
	if p.cache == nil {
		return p.Attention(q, k, v, p.attn)
	}
	k, v = p.cache.extend(p.Graph, layer, p.in, k, v)
	return p.Attention(q, k, v, p.attn)
}

// affine applies a matrix stored [out, in] and its bias.
func (p *pass) affine(x *tensor.Tensor, a affine) *tensor.Tensor { return p.Linear(x, a.w, a.b) }

func (p *pass) layerNorm(x *tensor.Tensor, n norm) *tensor.Tensor {
	return p.LayerNorm(x, n.gain, n.bias, float32(p.m.Config.Eps))
}

// residual gives a + drop(b).
func (p *pass) residual(a, b *tensor.Tensor) *tensor.Tensor {
	return p.Add(a, p.Dropout(b, p.m.Config.Drop.Hidden))
}

// act is the activation of the feed-forward part.
func (p *pass) act(x *tensor.Tensor) *tensor.Tensor {
	switch p.m.Config.Activation {
	case "gelu":
		return p.GeluErf(x)
	case "relu2":
		return p.ReLU2(x)
	}
	return p.GeluTanh(x)
}
