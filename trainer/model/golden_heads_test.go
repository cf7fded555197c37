package model

import (
	"math"
	"path/filepath"
	"testing"

	"sluice/trainer/model/safetensors"
	"sluice/trainer/tensor"
)

// TestGoldenClassify: BERT's pooler and classifier.
func TestGoldenClassify(t *testing.T) {
	g, e := loadGolden(t, "bert"), cpu(t, 2)
	m := g.model(t, LoadOptions{Head: Classify})
	want := g.want.Losses["sequence_classification"]
	loss, err := e.Step(tensor.Key{}, func(gr *tensor.Graph) *tensor.Tensor {
		z := m.Logits(gr, g.in)
		for b, row := range want.Logits {
			compare(t, "logits", z.Value()[b*5:(b+1)*5], row, nil, 5e-6)
		}
		return m.Loss(gr, g.in, Targets{Tokens: want.Labels})
	})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "loss", loss, want.Loss, 2e-6)
	summarised(t, "classification", m, want.Grads)
}

// TestGoldenContrastive: mean pooling, unit vectors, and the in-batch ranking loss of sentence-transformers with scale 20.
func TestGoldenContrastive(t *testing.T) {
	g, e := loadGolden(t, "bert"), cpu(t, 2)
	m := g.model(t, LoadOptions{})
	other := g.in
	other.IDs = ints(g.io["input_ids_positive"])
	want := g.want.Losses["multiple_negatives_ranking_scale_20"]
	loss, err := e.Step(tensor.Key{}, func(gr *tensor.Graph) *tensor.Tensor {
		a, b := gr.L2Norm(m.Pool(gr, g.in, PoolMean)), gr.L2Norm(m.Pool(gr, other, PoolMean))
		compare(t, "embeddings", a.Value(), g.io["embedding_mean_pooled_unit"], nil, 1e-6)
		return gr.SoftmaxCE(gr.Scale(gr.Linear(a, b, nil), 20), []int32{0, 1, 2}, tensor.CE{})
	})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "loss", loss, want.Loss, 5e-6)
	summarised(t, "contrastive", m, want.Grads)
}

// preference is what the four runs of a preference loss share: the policy's difference of log-probabilities beyond the reference's.
func (g *golden) preference(t *testing.T, gr *tensor.Graph, policy, frozen *Model) *tensor.Tensor {
	w := g.want.Losses["preference"]
	rejected := g.in
	rejected.IDs = ints(g.io["rejected_ids"])
	logps := func(m *Model, in Input, want []float64) *tensor.Tensor {
		tokens := make([]int32, len(in.IDs))
		for i, l := range g.labels() {
			if tokens[i] = -100; l != -100 {
				tokens[i] = in.IDs[i]
			}
		}
		l := gr.SumRows(m.TokenLogProbs(gr, in, tokens))
		for i, v := range want {
			near(t, "log-probability", float64(l.Value()[i]), v, 3e-5)
		}
		return l
	}
	pc, pr := logps(policy, g.in, w.PolicyChosen), logps(policy, rejected, w.PolicyRejected)
	rc, rr := logps(frozen, g.in, w.ReferenceChosen), logps(frozen, rejected, w.ReferenceRejected)
	return gr.Add(gr.Add(pc, gr.Scale(pr, -1)), gr.Stop(gr.Add(gr.Scale(rc, -1), rr)))
}

// TestGoldenPreference: DPO, DPO with smoothed labels, IPO.
func TestGoldenPreference(t *testing.T) {
	g, e := loadGolden(t, "llama"), cpu(t, 2)
	frozen := g.model(t, LoadOptions{})
	f, err := safetensors.Open(filepath.Join(g.dir, "reference.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range frozen.Params() {
		if err := f.Read(p.Name(), p.Value()); err != nil {
			t.Fatal(err)
		}
		p.Freeze(true)
	}
	w := g.want.Losses["preference"]
	for name, c := range map[string]struct {
		want lossSummary
		loss func(gr *tensor.Graph, h *tensor.Tensor) *tensor.Tensor
	}{
		"DPO": {w.DPO, func(gr *tensor.Graph, h *tensor.Tensor) *tensor.Tensor {
			return gr.Scale(gr.Mean(gr.LogSigmoid(gr.Scale(h, .1))), -1)
		}},
		"smoothed DPO": {w.DPOSmooth, func(gr *tensor.Graph, h *tensor.Tensor) *tensor.Tensor {
			return gr.Add(gr.Scale(gr.Mean(gr.LogSigmoid(gr.Scale(h, .1))), -.8), gr.Scale(gr.Mean(gr.LogSigmoid(gr.Scale(h, -.1))), -.2))
		}},
		"IPO": {w.IPO, func(gr *tensor.Graph, h *tensor.Tensor) *tensor.Tensor {
			return gr.MSE(h, gr.Input([]float32{5, 5, 5}, 3))
		}},
	} {
		policy := g.model(t, LoadOptions{})
		loss, err := e.Step(tensor.Key{}, func(gr *tensor.Graph) *tensor.Tensor { return c.loss(gr, g.preference(t, gr, policy, frozen)) })
		if err != nil {
			t.Fatal(err)
		}
		near(t, name, loss, c.want.Loss, 2e-5*(1+math.Abs(c.want.Loss)))
		summarised(t, name, policy, c.want.Grads)
	}
}

// TestGoldenReward: a reward is a regression head on the last real token, trained on pairs (Bradley and Terry).
func TestGoldenReward(t *testing.T) {
	g, e := loadGolden(t, "llama"), cpu(t, 2)
	m := g.model(t, LoadOptions{Head: Classify, Problem: Regression})
	rejected := g.in
	rejected.IDs = ints(g.io["rejected_ids"])
	want := g.want.Losses["reward_bradley_terry"]
	loss, err := e.Step(tensor.Key{}, func(gr *tensor.Graph) *tensor.Tensor {
		a, b := m.Logits(gr, g.in), m.Logits(gr, rejected)
		compare(t, "chosen", a.Value(), want.RewardChosen, nil, 5e-6)
		compare(t, "rejected", b.Value(), want.RewardRejected, nil, 5e-6)
		return gr.Scale(gr.Mean(gr.LogSigmoid(gr.Add(a, gr.Scale(b, -1)))), -1)
	})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "loss", loss, want.Loss, 2e-6)
	summarised(t, "reward", m, want.Grads)
}
