package model

import (
	"fmt"

	"sluice/trainer/tensor"
)

// A gpt2 is the body of GPT-2: learned positions, norms before every branch, matrices stored [in, out]. (Radford et al.: Language Models are
// Unsupervised Multitask Learners, 2019)
type gpt2 struct {
	tokens, places *tensor.Tensor
	layers         []gpt2Layer
	norm           norm
}

type gpt2Layer struct {
	before, between    norm
	qkv, out, up, down affine
}

func newGPT2(c Config, w *weights) *gpt2 {
	d := c.Hidden
	g := &gpt2{tokens: w.table("wte.weight", c.Vocab, d), places: w.table("wpe.weight", c.Positions, d)}
	for i := range c.Layers {
		at := fmt.Sprintf("h.%d.", i)
		g.layers = append(g.layers, gpt2Layer{
			before:  w.norm(at+"ln_1", d),
			qkv:     affine{w.matrix(at+"attn.c_attn.weight", d, 3*d), w.bias(at+"attn.c_attn.bias", 3*d)},
			out:     affine{w.branch(at+"attn.c_proj.weight", d, d), w.bias(at+"attn.c_proj.bias", d)},
			between: w.norm(at+"ln_2", d),
			up:      affine{w.matrix(at+"mlp.c_fc.weight", d, c.FFN), w.bias(at+"mlp.c_fc.bias", c.FFN)},
			down:    affine{w.branch(at+"mlp.c_proj.weight", c.FFN, d), w.bias(at+"mlp.c_proj.bias", d)},
		})
	}
	g.norm = w.norm("ln_f", d)
	return g
}

func (b *gpt2) embed(p *pass) *tensor.Tensor {
	rows, time := p.in.Batch, p.in.Time
	return p.Add(p.Embedding(b.tokens, p.in.IDs, rows, time), p.Embedding(b.places, p.positions(), rows, time))
}

func (b *gpt2) layer(p *pass, i int, x *tensor.Tensor) *tensor.Tensor {
	l := &b.layers[i]
	io := func(x *tensor.Tensor, a affine) *tensor.Tensor { return p.LinearIO(x, a.w, a.b) }
	qkv := io(p.layerNorm(x, l.before), l.qkv)
	var a *tensor.Tensor
	if p.cache == nil {
		a = p.AttentionQKV(qkv, p.attn)
	} else {
		d := p.m.Config.Hidden
		a = p.attention(i, p.Slice(qkv, 2, 0, d), p.Slice(qkv, 2, d, 2*d), p.Slice(qkv, 2, 2*d, 3*d))
	}
	x = p.residual(x, io(a, l.out))
	return p.residual(x, io(p.act(io(p.layerNorm(x, l.between), l.up)), l.down))
}

func (b *gpt2) final(p *pass, x *tensor.Tensor) *tensor.Tensor { return p.layerNorm(x, b.norm) }
