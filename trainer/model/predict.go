package model

import (
	"fmt"
	"slices"

	"sluice/trainer/tensor"
)

// Predict gives the outputs of a Classify head for every row of token ids, at most batch at a time (0: 32): probabilities that sum to 1, or one for each
// label by itself, or numbers, as Config.Problem says. Rows are cut to the model's positions.
func (m *Model) Predict(e tensor.Engine, ids [][]int32, batch int) ([][]float32, error) {
	if m.Config.Head != Classify {
		return nil, fmt.Errorf("a %s head predicts no labels of sequences", m.Config.Head)
	}
	out, n := make([][]float32, len(ids)), len(m.Config.Labels)
	err := m.eachBatch(e, ids, batch, 0, func(g *tensor.Graph, in Input, order []int) {
		y := m.Logits(g, in)
		switch m.Config.Problem {
		case SingleLabel:
			y = g.Softmax(y)
		case MultiLabel:
			y = g.Sigmoid(y)
		}
		for b, i := range order {
			out[i] = slices.Clone(y.Value()[b*n : (b+1)*n])
		}
	})
	return out, err
}

// LogLikelihood gives, for every row of token ids, the sum of the natural log-probabilities of its tokens from the second on under a causal model, and
// their number: exp(-sum/number) is the perplexity. Rows are cut to the model's positions.
func (m *Model) LogLikelihood(e tensor.Engine, ids [][]int32, batch int) (sums []float64, tokens []int, err error) {
	if m.Config.Head != CausalLM {
		return nil, nil, fmt.Errorf("a %s head has no likelihood of texts", m.Config.Head)
	}
	sums, tokens = make([]float64, len(ids)), make([]int, len(ids))
	err = m.eachBatch(e, ids, batch, 0, func(g *tensor.Graph, in Input, order []int) {
		l := m.TokenLogProbs(g, in, in.IDs).Value()
		for b, i := range order {
			tokens[i] = int(in.Lengths[b]) - 1
			for _, v := range l[b*in.Time : b*in.Time+tokens[i]] {
				sums[i] += float64(v)
			}
		}
	})
	return sums, tokens, err
}
