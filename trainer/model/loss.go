package model

import "sluice/trainer/tensor"

// Targets are what a loss compares with. Which fields count depends on the head.
type Targets struct {
	// MaskedLM, Tag: the right output at every position, Batch·Time. CausalLM: the tokens themselves, which the positions before them predict. Classify
	// with a single label: the class of every row, Batch. Negative: no target.
	Tokens []int32
	// Classify, MultiLabel: 0 to 1 for each label; Regression: the numbers. Batch·labels.
	Values []float32
	// What a target counts, beside Tokens or Values; nil: 1. Those of tokens without a target are not read.
	Weights []float32
	// Label smoothing, for losses over classes.
	Smoothing float32
	// What the weighted sum is divided by; 0: the sum of the weights. Pieces of a batch share the batch's.
	Divisor float64
	// For losses over classes: when not nil, receives the unweighted loss of each of Tokens, 0 where there is no target.
	RowLoss []float32
}

// Loss runs body and head and gives the mean loss: cross-entropy, or binary cross-entropy for MultiLabel, or the squared error for Regression.
// The head runs only on positions with a target when these are few.
func (m *Model) Loss(g *tensor.Graph, in Input, t Targets) *tensor.Tensor {
	p := m.pass(g, in)
	h := p.run(nil)
	if m.Config.Head == Classify {
		return p.sequenceLoss(p.headOn(h, p.readRows()), t)
	}
	k := p.picks(t)
	if k.all {
		return p.crossEntropy(p.headOn(h, nil), k, t)
	}
	return p.crossEntropy(p.headOn(h, k.rows), k, t)
}

// A picks is the rows of hidden states with a target.
type picks struct {
	all     bool    // every row of the batch is in rows, in order
	rows    []int32 // of hidden states
	at      []int32 // where the target stands in Targets.Tokens; -1: nowhere
	targets []int32
}

// few is the share of positions with a target up to which they are gathered first.
const few = .75

// picks finds the positions that have a target. For a causal model the target of a position is the next token of the same document.
func (p *pass) picks(t Targets) picks {
	in, n := p.in, p.in.Batch*p.in.Time
	if len(t.Tokens) != n {
		misuse("%d targets for %d tokens", len(t.Tokens), n)
	}
	at := make([]int32, n)
	count := 0
	for i := range at {
		j, b := i, i/in.Time
		if p.m.Config.Head == CausalLM {
			j++
		}
		end := (b + 1) * in.Time
		if in.Lengths != nil {
			end = b*in.Time + int(in.Lengths[b])
		}
		if at[i] = -1; j < end && t.Tokens[j] >= 0 && (in.Docs == nil || in.Docs[i] == in.Docs[j]) {
			at[i] = int32(j)
			count++
		}
	}
	k := picks{all: count == 0 || float64(count) > few*float64(n)}
	for i, j := range at {
		switch {
		case j >= 0:
			k.rows, k.at, k.targets = append(k.rows, int32(i)), append(k.at, j), append(k.targets, t.Tokens[j])
		case k.all:
			k.rows, k.at, k.targets = append(k.rows, int32(i)), append(k.at, -1), append(k.targets, -100)
		}
	}
	return k
}

func (p *pass) crossEntropy(logits *tensor.Tensor, k picks, t Targets) *tensor.Tensor {
	o := tensor.CE{Smoothing: t.Smoothing, Divisor: t.Divisor}
	if t.Weights != nil {
		if len(t.Weights) != len(t.Tokens) {
			misuse("%d weights for %d targets", len(t.Weights), len(t.Tokens))
		}
		o.Weights = make([]float32, len(k.at))
		for i, j := range k.at {
			if j >= 0 {
				o.Weights[i] = t.Weights[j]
			}
		}
	}
	if t.RowLoss != nil {
		if len(t.RowLoss) != len(t.Tokens) {
			misuse("room for %d losses of %d targets", len(t.RowLoss), len(t.Tokens))
		}
		o.RowLoss = make([]float32, len(k.at))
	}
	loss := p.SoftmaxCE(logits, k.targets, o)
	if t.RowLoss != nil {
		clear(t.RowLoss)
		for i, j := range k.at {
			if j >= 0 {
				t.RowLoss[j] = o.RowLoss[i]
			}
		}
	}
	return loss
}

// sequenceLoss is the loss of a Classify head's logits, [Batch, labels].
func (p *pass) sequenceLoss(logits *tensor.Tensor, t Targets) *tensor.Tensor {
	if p.m.Config.Problem == SingleLabel {
		if len(t.Tokens) != p.in.Batch {
			misuse("%d classes for %d rows", len(t.Tokens), p.in.Batch)
		}
		return p.SoftmaxCE(logits, t.Tokens, tensor.CE{Weights: t.Weights, Smoothing: t.Smoothing, Divisor: t.Divisor, RowLoss: t.RowLoss})
	}
	if len(t.Values) != logits.Len() || t.Weights != nil && len(t.Weights) != logits.Len() {
		misuse("%d values and %d weights for the outputs %v", len(t.Values), len(t.Weights), logits.Shape())
	}
	sum := float64(len(t.Values))
	if t.Weights != nil {
		sum = 0
		for _, w := range t.Weights {
			sum += float64(w)
		}
	}
	divisor := t.Divisor
	if divisor == 0 {
		divisor = max(sum, 1e-30)
	}
	if p.m.Config.Problem == MultiLabel {
		return p.Scale(p.BCE(logits, t.Values, t.Weights), float32(sum/divisor))
	}
	minus := make([]float32, len(t.Values))
	for i, v := range t.Values {
		minus[i] = -v
	}
	d := p.Add(logits, p.Input(minus, logits.Shape()...))
	square := p.Mul(d, d)
	if t.Weights != nil {
		square = p.Mul(square, p.Input(t.Weights, logits.Shape()...))
	}
	return p.Scale(p.Mean(square), float32(float64(len(t.Values))/divisor))
}

// TokenLogProbs gives the log-probability of every target of a language model, [Batch, Time], at the position that predicts it; 0 where there is
// no target. SumRows makes sequences of them.
func (m *Model) TokenLogProbs(g *tensor.Graph, in Input, tokens []int32) *tensor.Tensor {
	p := m.pass(g, in)
	targets := make([]int32, in.Batch*in.Time)
	for i := range targets {
		targets[i] = -100
	}
	k := p.picks(Targets{Tokens: tokens})
	for i, row := range k.rows {
		targets[row] = k.targets[i]
	}
	return p.Reshape(p.TokenLogProb(p.headOn(p.run(nil), nil), targets), in.Batch, in.Time)
}
