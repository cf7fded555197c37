package model

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"sluice/trainer/tensor"
)

// targets makes targets for every head: about half of the positions, or one row's worth.
func (c Config) targets(in Input) Targets {
	var t Targets
	n := in.Batch * in.Time
	if c.Head == Classify {
		n = in.Batch
		if c.Problem == MultiLabel || c.Problem == Regression {
			for i := range n * len(c.Labels) {
				t.Values = append(t.Values, float32(i%2))
			}
			return t
		}
	}
	outputs := c.Vocab
	if c.Head == Classify || c.Head == Tag {
		outputs = len(c.Labels)
	}
	for i := range n {
		t.Tokens = append(t.Tokens, int32(i*13%outputs))
		if c.Head != Classify && i%2 == 0 {
			t.Tokens[i] = -100
		}
	}
	return t
}

func loss(t testing.TB, e *tensor.CPU, m *Model, key tensor.Key, in Input, tg Targets) float64 {
	t.Helper()
	tensor.ZeroGrads(m.Tensors())
	l, err := e.Step(key, func(g *tensor.Graph) *tensor.Tensor { return m.Loss(g, in, tg) })
	if err != nil {
		t.Fatalf("%s: %v", m.Config.label(), err)
	}
	return l
}

// TestDifferences holds the gradient of every weight of every family and head against finite differences along the gradient:
// D(ε) = (f(w + εg/|g|) - f(w - εg/|g|))/2ε tends to |g|, and (4D(ε) - D(2ε))/3 does so faster.
func TestDifferences(t *testing.T) {
	e := cpu(t, 1)
	configs := everyTiny()
	for _, p := range []Problem{MultiLabel, Regression} {
		c := tiny(RoBERTa, Classify)
		c.Problem = p
		configs = append(configs, c)
	}
	for _, c := range configs {
		if c.Head == Body {
			continue
		}
		m, in := fresh(t, c), ragged(c)
		c = m.Config
		tg := c.targets(in)
		for _, p := range m.Params() {
			loss(t, e, m, tensor.Key{}, in, tg)
			grad := slices.Clone(p.Grad())
			square := 0.0
			for _, v := range grad {
				square += float64(v) * float64(v)
			}
			norm := math.Sqrt(square)
			if norm < 1e-4 {
				continue // key biases: zero in theory
			}
			start, eps := slices.Clone(p.Value()), min(.02/norm, .02)
			at := func(by float64) float64 {
				for i := range start {
					p.Value()[i] = start[i] + float32(by*float64(grad[i])/norm)
				}
				return loss(t, e, m, tensor.Key{}, in, tg)
			}
			slope := func(eps float64) float64 { return (at(eps) - at(-eps)) / (2 * eps) }
			got := (4*slope(eps) - slope(2*eps)) / 3
			copy(p.Value(), start)
			if math.Abs(got-norm) > .02*norm+3e-4 {
				t.Errorf("%s: %s: slope %.6g, gradient %.6g", c.label(), p.Name(), got, norm)
			}
		}
	}
}

// Padding and neighbours in a batch do not change what a sequence gets; neither do other documents of a packed row.
func TestRowsAreAlone(t *testing.T) {
	e := cpu(t, 2)
	for _, f := range []Family{BERT, RoBERTa, GPT2, Llama} {
		m := fresh(t, tiny(f, Body))
		in := ragged(m.Config)
		d := m.Config.Hidden
		packed := Input{Batch: 1, Time: 22}
		var alone []float32
		run := func(in Input) (out []float32) {
			if err := e.Infer(func(g *tensor.Graph) { out = slices.Clone(m.Hidden(g, in, nil).Value()) }); err != nil {
				t.Fatal(err)
			}
			return out
		}
		together := run(in)
		for b, n := range in.Lengths {
			row := in.IDs[b*in.Time : b*in.Time+int(n)]
			one := run(Input{IDs: row, Batch: 1, Time: int(n)})
			compare(t, fmt.Sprintf("%s: row %d", f, b), together[b*in.Time*d:(b*in.Time+int(n))*d], one, nil, 2e-6)
			packed.IDs, alone = append(packed.IDs, row...), append(alone, one...)
			for range row {
				packed.Docs = append(packed.Docs, int32(100-b))
			}
		}
		compare(t, string(f)+": packed", run(packed), alone, nil, 2e-6)

		before := run(packed)
		packed.IDs[2]++ // the first document changes: the others keep their bits
		after := run(packed)
		if first := int(in.Lengths[0]) * d; !slices.Equal(before[first:], after[first:]) || slices.Equal(before[:first], after[:first]) {
			t.Errorf("%s: a document sees its neighbour", f)
		}
	}
}

// RoBERTa is BERT whose positions begin behind the padding id, with other names.
func TestRoBERTaIsBERT(t *testing.T) {
	r := fresh(t, tiny(RoBERTa, Body))
	c := tiny(BERT, Body)
	c.Types, c.Eps, c.Positions = 1, r.Config.Eps, r.Config.MaxTokens()
	b := fresh(t, c)
	for _, p := range b.Params() {
		x := r.Param(p.Name()).Value()
		copy(p.Value(), x[len(x)-p.Len():]) // of the positions, the first two are no token's
	}
	in, e := ragged(c), cpu(t, 1)
	if err := e.Infer(func(g *tensor.Graph) {
		if !slices.Equal(b.Hidden(g, in, nil).Value(), r.Hidden(g, in, nil).Value()) {
			t.Error("hidden states differ")
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// Few positions with a target are gathered before the head: loss and gradients are those of the whole batch with the others ignored.
func TestGatheredTargets(t *testing.T) {
	e := cpu(t, 2)
	for _, c := range []Config{tiny(BERT, MaskedLM), tiny(GPT2, CausalLM), tiny(Llama, Tag)} {
		m, in := fresh(t, c), ragged(c)
		in.Lengths = nil
		in.Docs = make([]int32, len(in.IDs))
		for i := range in.Docs {
			in.Docs[i] = int32(i % in.Time / 5)
		}
		tg := Targets{Tokens: make([]int32, len(in.IDs)), Weights: make([]float32, len(in.IDs)), RowLoss: make([]float32, len(in.IDs))}
		outputs := c.Vocab
		if c.Head == Tag {
			outputs = len(c.Labels)
		}
		want, weights, rows := 0.0, 0.0, 0
		for i := range tg.Tokens {
			tg.Weights[i] = float32(1 + i%3)
			if tg.Tokens[i] = -100; i%4 == 1 {
				tg.Tokens[i] = int32(i % outputs)
			}
		}
		got := loss(t, e, m, tensor.Key{}, in, tg)
		for i, l := range tg.RowLoss {
			starts := c.Head == CausalLM && (i%in.Time == 0 || in.Docs[i] != in.Docs[i-1]) // nothing predicts it
			if has := tg.Tokens[i] >= 0 && !starts; has != (l != 0) {
				t.Errorf("%s: position %d has loss %g", c.label(), i, l)
			} else if has {
				want, weights, rows = want+float64(l*tg.Weights[i]), weights+float64(tg.Weights[i]), rows+1
			}
		}
		near(t, c.label()+": mean of the rows", got, want/weights, 1e-6)

		var all float64
		if err := e.Infer(func(g *tensor.Graph) { // the same by hand, without gathering
			z := m.Logits(g, in)
			targets, ws := make([]int32, len(in.IDs)), make([]float32, len(in.IDs))
			for i := range targets {
				j := i
				if c.Head == CausalLM {
					j++
				}
				if targets[i] = -100; j%in.Time != 0 || c.Head != CausalLM {
					if j < len(in.IDs) && in.Docs[i] == in.Docs[j] {
						targets[i], ws[i] = tg.Tokens[j], tg.Weights[j]
					}
				}
			}
			all = float64(g.SoftmaxCE(z, targets, tensor.CE{Weights: ws}).Value()[0])
		}); err != nil {
			t.Fatal(err)
		}
		near(t, c.label()+": gathered", got, all, 1e-6)
		tg.Divisor = 2 * weights
		near(t, c.label()+": divisor", loss(t, e, m, tensor.Key{}, in, tg), got/2, 1e-6)
	}
}

// Dropout, LayerDrop and recomputation: bits are a function of the key, whatever is recomputed and however many threads run; inference drops nothing.
func TestDropout(t *testing.T) {
	for _, f := range []Family{BERT, GPT2, Llama} {
		c := tiny(f, Tag)
		c.Layers = 4
		c.Drop = Drop{Embedding: .1, Hidden: .2, Attention: .1, Classifier: .1, Layer: .3}
		m, in := fresh(t, c), ragged(c)
		tg := c.targets(in)
		type result struct {
			loss  float64
			grads [][]float32
		}
		run := func(key tensor.Key, threads int, again Recompute) (r result) {
			m.Recompute = again
			r.loss = loss(t, cpu(t, threads), m, key, in, tg)
			for _, p := range m.Params() {
				r.grads = append(r.grads, slices.Clone(p.EnsureGrad()))
			}
			return r
		}
		want := run(tensor.Key{Seed: 1, Step: 2}, 1, KeepAll)
		for _, threads := range []int{1, 3} {
			for _, again := range []Recompute{KeepAll, RecomputeAttention, RecomputeLayers} {
				got := run(tensor.Key{Seed: 1, Step: 2}, threads, again)
				if got.loss != want.loss {
					t.Errorf("%s: %d threads, recompute %d: loss %v, want %v", f, threads, again, got.loss, want.loss)
				}
				for i, p := range m.Params() {
					if again == RecomputeAttention { // the weights of attention are rounded once more
						compare(t, p.Name(), got.grads[i], want.grads[i], nil, 1e-5)
					} else if !slices.Equal(got.grads[i], want.grads[i]) {
						t.Errorf("%s: %d threads, recompute %d: gradient of %s differs", f, threads, again, p.Name())
					}
				}
			}
		}
		skipped := map[bool]bool{}
		for step := range uint64(20) {
			if got := run(tensor.Key{Seed: 1, Step: step}, 1, KeepAll); (got.loss == want.loss) != (step == 2) {
				t.Errorf("%s: step %d has loss %v", f, step, got.loss)
			}
			whole := true
			for i, p := range m.Params() {
				if p.Role == Matrix && len(p.Grad()) > 0 && p.Grad()[0] == 0 && p.Grad()[1] == 0 {
					whole = false
				}
				_ = i
			}
			skipped[whole] = true
		}
		if len(skipped) != 2 {
			t.Errorf("%s: layers are left out always or never: %v", f, skipped)
		}
		var a, b []float32
		if err := cpu(t, 1).Infer(func(g *tensor.Graph) {
			a = slices.Clone(m.Logits(g, in).Value())
			b = slices.Clone(m.Logits(g, in).Value())
		}); err != nil || !slices.Equal(a, b) {
			t.Errorf("%s: inference is not repeatable (%v)", f, err)
		}
	}
}

// A plan made without computing is the memory that a step takes.
func TestPlan(t *testing.T) {
	for _, c := range everyTiny() {
		if c.Head == Body {
			continue
		}
		m, in, e := fresh(t, c), ragged(c), cpu(t, 2)
		tg := c.targets(in)
		f := func(g *tensor.Graph) *tensor.Tensor { return m.Loss(g, in, tg) }
		all, err := e.Plan(f)
		if err != nil {
			t.Fatalf("%s: %v", c.label(), err)
		}
		m.Recompute = RecomputeLayers
		less, err := e.Plan(f)
		if err != nil || less.Arena >= all.Arena {
			t.Errorf("%s: %d bytes with layers recomputed, %d without (%v)", c.label(), less.Arena, all.Arena, err)
		}
	}
}

// A misused model is an error of the step, never a panic.
func TestMisuse(t *testing.T) {
	m, e := fresh(t, tiny(GPT2, CausalLM)), cpu(t, 1)
	good := ragged(m.Config)
	for what, f := range map[string]func(in *Input, tg *Targets){
		"ids":       func(in *Input, _ *Targets) { in.IDs = in.IDs[1:] },
		"token":     func(in *Input, _ *Targets) { in.IDs = slices.Repeat([]int32{99}, len(in.IDs)) },
		"lengths":   func(in *Input, _ *Targets) { in.Lengths = in.Lengths[1:] },
		"length":    func(in *Input, _ *Targets) { in.Lengths = []int32{1, 0, 1} },
		"docs":      func(in *Input, _ *Targets) { in.Docs = []int32{1} },
		"types":     func(in *Input, _ *Targets) { in.Types = make([]int32, 33) },
		"positions": func(in *Input, _ *Targets) { *in = Input{IDs: make([]int32, 41), Batch: 1, Time: 41} },
		"targets":   func(_ *Input, tg *Targets) { tg.Tokens = tg.Tokens[1:] },
		"target":    func(_ *Input, tg *Targets) { tg.Tokens = slices.Repeat([]int32{53}, 33) },
		"weights":   func(_ *Input, tg *Targets) { tg.Weights = []float32{1} },
		"losses":    func(_ *Input, tg *Targets) { tg.RowLoss = []float32{1} },
	} {
		in, tg := good, m.Config.targets(good)
		f(&in, &tg)
		if _, err := e.Step(tensor.Key{}, func(g *tensor.Graph) *tensor.Tensor { return m.Loss(g, in, tg) }); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if l := loss(t, e, m, tensor.Key{}, good, Targets{Tokens: slices.Repeat([]int32{-100}, 33)}); l != 0 {
		t.Errorf("no target at all: loss %g", l)
	}
}
