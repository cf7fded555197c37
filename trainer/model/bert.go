package model

import (
	"fmt"

	"sluice/trainer/tensor"
)

// A bert is the body of BERT, MiniLM and RoBERTa: learned positions, norms behind every sum, everything sees everything. (arXiv 1810.04805, 1907.11692)
type bert struct {
	tokens, places, types *tensor.Tensor
	norm                  norm
	layers                []bertLayer
}

type bertLayer struct {
	query, key, value, out affine
	attended               norm
	up, down               affine
	done                   norm
}

func newBERT(c Config, w *weights) *bert {
	d := c.Hidden
	b := &bert{
		tokens: w.table("embeddings.word_embeddings.weight", c.Vocab, d),
		places: w.table("embeddings.position_embeddings.weight", c.Positions, d),
		types:  w.table("embeddings.token_type_embeddings.weight", c.Types, d),
		norm:   w.norm("embeddings.LayerNorm", d),
	}
	for i := range c.Layers {
		at := fmt.Sprintf("encoder.layer.%d.", i)
		b.layers = append(b.layers, bertLayer{
			query: w.linear(at+"attention.self.query", d, d), key: w.linear(at+"attention.self.key", d, d), value: w.linear(at+"attention.self.value", d, d),
			out: w.linear(at+"attention.output.dense", d, d), attended: w.norm(at+"attention.output.LayerNorm", d),
			up: w.linear(at+"intermediate.dense", c.FFN, d), down: w.linear(at+"output.dense", d, c.FFN), done: w.norm(at+"output.LayerNorm", d),
		})
	}
	return b
}

func (b *bert) embed(p *pass) *tensor.Tensor {
	rows, time := p.in.Batch, p.in.Time
	types := p.in.Types
	if types == nil {
		types = make([]int32, rows*time)
	}
	x := p.Add(p.Embedding(b.tokens, p.in.IDs, rows, time), p.Embedding(b.places, p.positions(), rows, time))
	return p.layerNorm(p.Add(x, p.Embedding(b.types, types, rows, time)), b.norm)
}

func (b *bert) layer(p *pass, i int, x *tensor.Tensor) *tensor.Tensor {
	l := &b.layers[i]
	a := p.attention(i, p.affine(x, l.query), p.affine(x, l.key), p.affine(x, l.value))
	x = p.layerNorm(p.residual(x, p.affine(a, l.out)), l.attended)
	return p.layerNorm(p.residual(x, p.affine(p.act(p.affine(x, l.up)), l.down)), l.done)
}

func (b *bert) final(_ *pass, x *tensor.Tensor) *tensor.Tensor { return x }
