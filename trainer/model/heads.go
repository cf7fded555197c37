package model

import "sluice/trainer/tensor"

// A head makes logits: of the rows of hidden states that it is given, [n, Hidden] to [n, outputs].
type head interface {
	logits(p *pass, rows *tensor.Tensor) *tensor.Tensor
}

func newHead(c Config, w *weights, table *tensor.Tensor) head {
	d, n := c.Hidden, len(c.Labels)
	switch c.Head {
	case MaskedLM:
		h := &maskedHead{out: affine{w: table}}
		dense, normed, bias, decoder := "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.bias", "cls.predictions.decoder.weight"
		if c.Family == RoBERTa {
			dense, normed, bias, decoder = "lm_head.dense", "lm_head.layer_norm", "lm_head.bias", "lm_head.decoder.weight"
		}
		h.dense = w.outerLinear(dense, d, d)
		h.norm = norm{w.outer(Gain, normed+".weight", d), w.outer(Bias, normed+".bias", d)}
		if c.Untied {
			h.out.w = w.outer(HeadMatrix, decoder, c.Vocab, d)
		}
		h.out.b = w.outer(Bias, bias, c.Vocab)
		return h
	case CausalLM:
		if c.Untied {
			table = w.outer(HeadMatrix, "lm_head.weight", c.Vocab, d)
		}
		return plainHead{affine{w: table}}
	case Classify:
		switch c.Family {
		case BERT:
			return &pooledHead{pool: w.linear("pooler.dense", d, d), out: w.outerLinear("classifier", n, d)}
		case RoBERTa:
			return &pooledHead{pool: w.outerLinear("classifier.dense", d, d), out: w.outerLinear("classifier.out_proj", n, d), first: true}
		}
		return plainHead{affine{w: w.outer(HeadMatrix, "score.weight", n, d)}}
	case Tag:
		if c.Family == Llama {
			return plainHead{w.outerLinear("score", n, d)}
		}
		return plainHead{w.outerLinear("classifier", n, d)}
	}
	if c.Pooler {
		w.linear("pooler.dense", d, d) // kept for the files alone
	}
	return nil
}

// A maskedHead is dense, activation, norm, and the table of tokens as a matrix.
type maskedHead struct {
	dense, out affine
	norm       norm
}

func (h *maskedHead) logits(p *pass, x *tensor.Tensor) *tensor.Tensor {
	return p.affine(p.layerNorm(p.act(p.affine(x, h.dense)), h.norm), h.out)
}

// A plainHead is a matrix, with or without bias.
type plainHead struct{ out affine }

func (h plainHead) logits(p *pass, x *tensor.Tensor) *tensor.Tensor {
	if p.m.Config.Head == Tag {
		x = p.Dropout(x, p.m.Config.Drop.Classifier)
	}
	return p.affine(x, h.out)
}

// A pooledHead is tanh of a dense layer, then a matrix; RoBERTa drops out before both.
type pooledHead struct {
	pool, out affine
	first     bool
}

func (h *pooledHead) logits(p *pass, x *tensor.Tensor) *tensor.Tensor {
	drop := p.m.Config.Drop.Classifier
	if h.first {
		x = p.Dropout(x, drop)
	}
	return p.affine(p.Dropout(p.Tanh(p.affine(x, h.pool)), drop), h.out)
}

// readRows gives the row of hidden states that a sequence's outputs are read from: the first token of an encoder, the last real one of a decoder.
func (p *pass) readRows() []int32 {
	rows := make([]int32, p.in.Batch)
	for b := range rows {
		rows[b] = int32(b * p.in.Time)
		if p.attn.Causal {
			rows[b] += int32(p.in.Time) - 1
			if p.in.Lengths != nil {
				rows[b] += p.in.Lengths[b] - int32(p.in.Time)
			}
		}
	}
	return rows
}

// headOn applies the head to some rows of hidden states; nil: to all.
func (p *pass) headOn(h *tensor.Tensor, rows []int32) *tensor.Tensor {
	if p.m.head == nil {
		misuse("the model has no head")
	}
	h = p.Reshape(h, -1, p.m.Config.Hidden)
	if rows != nil {
		h = p.Gather(h, rows)
	}
	return p.m.head.logits(p, h)
}

// Logits runs body and head: [Batch, labels] for Classify, else [Batch, Time, outputs].
func (m *Model) Logits(g *tensor.Graph, in Input) *tensor.Tensor {
	p := m.pass(g, in)
	h := p.run(nil)
	if m.Config.Head == Classify {
		return p.headOn(h, p.readRows())
	}
	y := p.headOn(h, nil)
	return p.Reshape(y, in.Batch, in.Time, y.Dim(-1))
}

// LogitsAt is Logits of a MaskedLM, CausalLM or Tag head at some tokens alone, [len(at), outputs]; at are places in in.IDs.
func (m *Model) LogitsAt(g *tensor.Graph, in Input, at []int32) *tensor.Tensor {
	p := m.pass(g, in)
	return p.headOn(p.run(nil), at)
}
