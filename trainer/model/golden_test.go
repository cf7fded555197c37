package model

import (
	"path/filepath"
	"testing"

	"sluice/trainer/kernel"
	"sluice/trainer/tensor"
)

// A goldenFile is what the reference says beside its tensors.
type goldenFile struct {
	Losses map[string]struct {
		Loss   float64
		KL     float64 `json:"kl_times_T2"`
		Labels []int32
		Logits [][]float32
		Grads  map[string]gradSummary

		PolicyChosen      []float64   `json:"policy_chosen_logps"`
		PolicyRejected    []float64   `json:"policy_rejected_logps"`
		ReferenceChosen   []float64   `json:"reference_chosen_logps"`
		ReferenceRejected []float64   `json:"reference_rejected_logps"`
		DPO               lossSummary `json:"dpo"`
		DPOSmooth         lossSummary `json:"dpo_label_smoothing_0.2"`
		IPO               lossSummary `json:"ipo"`
		RewardChosen      []float32   `json:"reward_chosen"`
		RewardRejected    []float32   `json:"reward_rejected"`
	}
	Steps []struct {
		Loss  float64
		Norm  float64 `json:"grad_norm_before_clip"`
		After float64 `json:"loss_after"`
	} `json:"adamw_3_steps"`
}

type lossSummary struct {
	Loss  float64
	Grads map[string]gradSummary
}

type gradSummary struct {
	Norm, Sum float64
	First     []float32
}

// A golden is one of the reference's tiny models with its input.
type golden struct {
	dir  string
	want goldenFile
	io   map[string][]float32
	in   Input
	mask []float32
}

const goldenTime = 17

func loadGolden(t *testing.T, family string) *golden {
	g := &golden{dir: shared(t, filepath.Join("golden/trainer", family))}
	readJSONFile(t, filepath.Join(g.dir, "golden.json"), &g.want)
	g.io = numbers(t, filepath.Join(g.dir, "io.safetensors"))
	g.mask = g.io["attention_mask"]
	g.in = Input{IDs: ints(g.io["input_ids"]), Batch: 3, Time: goldenTime, Lengths: make([]int32, 3)}
	for i, m := range g.mask {
		g.in.Lengths[i/goldenTime] += int32(m)
	}
	if types := g.io["token_type_ids"]; types != nil {
		g.in.Types = ints(types)
	}
	return g
}

func (g *golden) model(t *testing.T, o LoadOptions) *Model {
	t.Helper()
	m, err := Load(g.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// real tells whether element i of a [3, 17, n] tensor is at a token that is no padding.
func (g *golden) real(n int) func(i int) bool { return func(i int) bool { return g.mask[i/n] == 1 } }

func (g *golden) labels() []int32 { return ints(g.io["labels"]) }

// summarised holds gradients against norm, sum and first values.
func summarised(t *testing.T, what string, m *Model, want map[string]gradSummary) {
	t.Helper()
	for name, w := range want {
		p := m.Param(name)
		if p == nil || p.Grad() == nil {
			t.Errorf("%s: no gradient of %s", what, name)
			continue
		}
		norm, sum := kernel.Scalar.Dot(p.Grad(), p.Grad()), 0.0
		for _, v := range p.Grad() {
			sum += float64(v)
		}
		near(t, what+": squared norm of the gradient of "+name, float64(norm), w.Norm*w.Norm, 2e-5*(1+w.Norm*w.Norm))
		near(t, what+": sum of the gradient of "+name, sum, w.Sum, 3e-5*(1+w.Norm))
		compare(t, what+": gradient of "+name, p.Grad()[:len(w.First)], w.First, nil, 2e-6*(1+w.Norm))
	}
}

// TestGolden: logits, hidden states, loss, all gradients and three AdamW steps of the three families, on every instruction set and with everything kept,
// attention recomputed, layers recomputed.
func TestGolden(t *testing.T) {
	for _, family := range []string{"bert", "gpt2", "llama"} {
		t.Run(family, func(t *testing.T) {
			g := loadGolden(t, family)
			grads, after := numbers(t, filepath.Join(g.dir, "grads.safetensors")), numbers(t, filepath.Join(g.dir, "adamw3.safetensors"))
			onEverySet(t, func(t *testing.T, e *tensor.CPU) {
				for _, again := range []Recompute{KeepAll, RecomputeAttention, RecomputeLayers} {
					m := g.model(t, LoadOptions{})
					m.Recompute = again
					g.forward(t, e, m)
					opt := adamW{AdamW: kernel.AdamW{LR: 1e-2, Beta1: .9, Beta2: .95, Eps: 1e-6, Decay: .1}}
					for step := range 4 {
						loss, err := e.Step(tensor.Key{}, func(gr *tensor.Graph) *tensor.Tensor {
							return m.Loss(gr, g.in, Targets{Tokens: g.labels()})
						})
						if err != nil {
							t.Fatal(err)
						}
						if step == 3 {
							near(t, "loss after three steps", loss, g.want.Steps[3].After, 2e-5)
							break
						}
						if step == 0 {
							near(t, "loss", loss, g.want.Losses["ce"].Loss, 2e-6)
							for name, want := range grads {
								compare(t, "gradient of "+name, m.Param(name).Grad(), want, nil, 2e-6)
							}
						}
						near(t, "loss of a step", loss, g.want.Steps[step].Loss, 2e-5)
						near(t, "norm of a step", opt.step(e.Set(), m.Tensors(), 1), g.want.Steps[step].Norm, 1e-4)
					}
					for name, want := range after {
						compare(t, "after three steps "+name, m.Param(name).Value(), want, nil, 1e-4)
					}
					if len(after) != len(m.params) {
						t.Errorf("%d weights, the reference trained %d", len(m.params), len(after))
					}
				}
			})
		})
	}
}

func (g *golden) forward(t *testing.T, e *tensor.CPU, m *Model) {
	t.Helper()
	if err := e.Infer(func(gr *tensor.Graph) {
		d := m.Config.Hidden
		h := m.Hidden(gr, g.in, func(layer int, x *tensor.Tensor) {
			if layer == 1 {
				compare(t, "hidden states of layer 1", x.Value(), g.io["hidden_1"], g.real(d), 5e-6)
			}
		})
		compare(t, "last hidden states", h.Value(), g.io["hidden_last"], g.real(d), 5e-6)
		compare(t, "logits", m.Logits(gr, g.in).Value(), g.io["logits"], g.real(m.Config.Vocab), 5e-6)
	}); err != nil {
		t.Fatal(err)
	}
}

// TestGoldenPacked: two documents in one row do not see one another.
func TestGoldenPacked(t *testing.T) {
	g := loadGolden(t, "llama")
	in := Input{IDs: ints(g.io["packed_ids"]), Batch: 1, Time: goldenTime, Docs: ints(g.io["packed_doc"])}
	onEverySet(t, func(t *testing.T, e *tensor.CPU) {
		m := g.model(t, LoadOptions{})
		if err := e.Infer(func(gr *tensor.Graph) {
			compare(t, "packed logits", m.Logits(gr, in).Value(), g.io["packed_logits"], nil, 5e-6)
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestGoldenLosses: label smoothing and distillation of the three families.
func TestGoldenLosses(t *testing.T) {
	for _, family := range []string{"bert", "gpt2", "llama"} {
		t.Run(family, func(t *testing.T) {
			g, e := loadGolden(t, family), cpu(t, 2)
			m := g.model(t, LoadOptions{})
			loss, err := e.Step(tensor.Key{}, func(gr *tensor.Graph) *tensor.Tensor {
				return m.Loss(gr, g.in, Targets{Tokens: g.labels(), Smoothing: .1})
			})
			if err != nil {
				t.Fatal(err)
			}
			want := g.want.Losses["ce_label_smoothing_0.1"]
			near(t, "smoothed loss", loss, want.Loss, 3e-6)
			summarised(t, "smoothed", m, want.Grads)

			m = g.model(t, LoadOptions{})
			want = g.want.Losses["distill"]
			loss, err = e.Step(tensor.Key{}, func(gr *tensor.Graph) *tensor.Tensor {
				p := m.pass(gr, g.in)
				k := p.picks(Targets{Tokens: g.labels()})
				weights := make([]float32, len(k.at))
				for i, j := range k.at {
					if j >= 0 {
						weights[i] = 1
					}
				}
				teacher := gr.Gather(gr.Input(g.io["teacher_logits"], 3*goldenTime, m.Config.Vocab), k.rows)
				z := p.headOn(p.run(nil), k.rows)
				kl := gr.KLDiv(z, teacher, 2, weights)
				near(t, "divergence", float64(kl.Value()[0]), want.KL, 2e-6)
				return gr.Add(gr.Scale(gr.SoftmaxCE(z, k.targets, tensor.CE{}), .5), gr.Scale(kl, .5))
			})
			if err != nil {
				t.Fatal(err)
			}
			near(t, "distillation", loss, want.Loss, 3e-6)
			summarised(t, "distillation", m, want.Grads)
		})
	}
}
