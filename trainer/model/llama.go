package model

import (
	"fmt"

	"sluice/trainer/tensor"
)

// A llama is the body of Llama and SmolLM: rotary positions, RMSNorm before every branch, SwiGLU, grouped heads, no biases. (arXiv 2302.13971,
// 2305.13245)
type llama struct {
	tokens *tensor.Tensor
	layers []llamaLayer
	norm   *tensor.Tensor
}

type llamaLayer struct {
	before, query, key, value, out, between, gate, up, down *tensor.Tensor
}

func newLlama(c Config, w *weights) *llama {
	d, q, kv := c.Hidden, c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	l := &llama{tokens: w.table("embed_tokens.weight", c.Vocab, d)}
	for i := range c.Layers {
		at := fmt.Sprintf("layers.%d.", i)
		l.layers = append(l.layers, llamaLayer{
			before: w.gain(at+"input_layernorm.weight", d),
			query:  w.matrix(at+"self_attn.q_proj.weight", q, d), key: w.matrix(at+"self_attn.k_proj.weight", kv, d),
			value: w.matrix(at+"self_attn.v_proj.weight", kv, d), out: w.branch(at+"self_attn.o_proj.weight", d, q),
			between: w.gain(at+"post_attention_layernorm.weight", d),
			gate:    w.matrix(at+"mlp.gate_proj.weight", c.FFN, d), up: w.matrix(at+"mlp.up_proj.weight", c.FFN, d), down: w.branch(at+"mlp.down_proj.weight", d, c.FFN),
		})
	}
	l.norm = w.gain("norm.weight", d)
	return l
}

func (b *llama) embed(p *pass) *tensor.Tensor {
	last := p.in.Time
	for _, i := range p.pos {
		last = max(last, int(i)+1)
	}
	p.rope = p.m.ropeFor(last)
	return p.Embedding(b.tokens, p.in.IDs, p.in.Batch, p.in.Time)
}

func (b *llama) layer(p *pass, i int, x *tensor.Tensor) *tensor.Tensor {
	l, eps := &b.layers[i], float32(p.m.Config.Eps)
	h := p.RMSNorm(x, l.before, eps)
	q, k := p.Rope(p.Linear(h, l.query, nil), p.rope, p.pos), p.Rope(p.Linear(h, l.key, nil), p.rope, p.pos)
	x = p.residual(x, p.Linear(p.attention(i, q, k, p.Linear(h, l.value, nil)), l.out, nil))
	h = p.RMSNorm(x, l.between, eps)
	return p.residual(x, p.Linear(p.SwiGLU(p.Linear(h, l.gate, nil), p.Linear(h, l.up, nil)), l.down, nil))
}

func (b *llama) final(p *pass, x *tensor.Tensor) *tensor.Tensor {
	return p.RMSNorm(x, b.norm, float32(p.m.Config.Eps))
}
