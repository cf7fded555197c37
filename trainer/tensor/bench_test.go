package tensor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sluice/trainer/kernel"
	"sluice/trainer/usage"
)

// A gpt is the sequence of operations of a GPT-2 step: 14M parameters at d 384, 6 layers, vocabulary 8192.
type gpt struct {
	d, heads, layers, vocab int
	emb, pos, gain, bias    *Tensor
	qkv, proj, fc, out      []*Tensor
}

func newGPT(d, heads, layers, vocab, ctx int) *gpt {
	r := rand.New(rand.NewPCG(1, 1))
	p := func(shape ...int) *Tensor {
		t := NewParam("w", shape...)
		for i := range t.Value() {
			t.Value()[i] = float32(r.NormFloat64()) * .02
		}
		return t
	}
	m := &gpt{d: d, heads: heads, layers: layers, vocab: vocab, emb: p(vocab, d), pos: p(ctx, d), gain: p(d), bias: p(d)}
	for range layers {
		m.qkv, m.proj, m.fc, m.out = append(m.qkv, p(d, 3*d)), append(m.proj, p(d, d)), append(m.fc, p(d, 4*d)), append(m.out, p(4*d, d))
	}
	return m
}

func (m *gpt) loss(g *Graph, ids, pos, targets []int32, batch, ctx int) *Tensor {
	x := g.Add(g.Embedding(m.emb, ids, batch, ctx), g.Embedding(m.pos, pos, batch, ctx))
	for l := range m.layers {
		h := g.LayerNorm(x, m.gain, m.bias, 1e-5)
		a := g.AttentionQKV(g.LinearIO(h, m.qkv[l], nil), Attn{Heads: m.heads, Causal: true})
		x = g.Add(x, g.LinearIO(a, m.proj[l], m.bias))
		h = g.LayerNorm(x, m.gain, m.bias, 1e-5)
		x = g.Add(x, g.LinearIO(g.GeluTanh(g.LinearIO(h, m.fc[l], nil)), m.out[l], m.bias))
	}
	return g.SoftmaxCE(g.Linear(g.LayerNorm(x, m.gain, m.bias, 1e-5), m.emb, nil), targets, CE{})
}

// BenchmarkGPT is forward, backward and AdamW on a batch. GFLOP/s counts products only: 6·N·(12·L·d² + V·d) + 12·L·N·T·d/2 for the causal half.
func BenchmarkGPT(b *testing.B) {
	for _, s := range kernel.Available() {
		for _, c := range []struct{ d, heads, layers, vocab, ctx, batch, threads int }{
			{384, 6, 6, 8192, 256, 16, 1}, {384, 6, 6, 8192, 256, 16, 2}, {64, 4, 2, 512, 64, 8, 1},
		} {
			if s == kernel.Scalar && c.d > 64 {
				continue
			}
			b.Run(fmt.Sprintf("%v/d%d-threads%d", s, c.d, c.threads), func(b *testing.B) {
				m := newGPT(c.d, c.heads, c.layers, c.vocab, c.ctx)
				n := c.batch * c.ctx
				ids, pos, targets := make([]int32, n), make([]int32, n), make([]int32, n)
				for i := range ids {
					ids[i], pos[i], targets[i] = int32(i*7919%c.vocab), int32(i%c.ctx), int32(i*104729%c.vocab)
				}
				params := append(append(append(append([]*Tensor{m.emb, m.pos, m.gain, m.bias}, m.qkv...), m.proj...), m.fc...), m.out...)
				moments := make([][2][]float32, len(params))
				for i, p := range params {
					moments[i] = [2][]float32{make([]float32, p.Len()), make([]float32, p.Len())}
				}
				e := NewCPU(Options{Set: s, Threads: c.threads})
				f := func(g *Graph) *Tensor { return m.loss(g, ids, pos, targets, c.batch, c.ctx) }
				p, err := e.Plan(f)
				if err != nil {
					b.Fatal(err)
				}
				e.Reserve(p)
				opt := kernel.AdamW{LR: 1e-4, Beta1: .9, Beta2: .95, Eps: 1e-8, Decay: .1}
				b.ReportAllocs()
				start, steps := usage.CPU(), 0
				for b.Loop() {
					ZeroGrads(params)
					if _, err := e.Step(Key{1, uint64(steps)}, f); err != nil {
						b.Fatal(err)
					}
					steps++
					for i, w := range params {
						e.Team().Rows(w.Len(), 1<<15, func(lo, hi int) {
							opt.Step(s, w.Value()[lo:hi], w.Grad()[lo:hi], moments[i][0][lo:hi], moments[i][1][lo:hi], 1, steps)
						})
					}
				}
				wall, cpu := b.Elapsed().Seconds(), (usage.CPU() - start).Seconds()
				N, L, d := float64(n), float64(c.layers), float64(c.d)
				flops := 6*N*(12*L*d*d+float64(c.vocab)*d) + 6*L*N*float64(c.ctx)*d
				b.ReportMetric(N*float64(steps)/wall, "tok/s")
				b.ReportMetric(N*float64(steps)/cpu, "tok/cpu-s")
				b.ReportMetric(flops*float64(steps)/cpu/1e9, "GFLOP/cpu-s")
				b.ReportMetric(float64(p.Arena)/1e6, "arena-MB")
				b.ReportMetric(flops*float64(steps)/cpu/s.Peak(20*time.Millisecond), "of-peak")
			})
		}
	}
}
