package tensor

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/trainer/kernel"
)

// A block is a decoder layer of our own for tests and benchmarks: d features, 4d hidden, causal.
type testBlock struct {
	d, heads, kv                       int
	norm1, norm2, gain                 *Tensor
	wq, wk, wv, wo, gate, up, down, bo *Tensor
	rope                               *Rope
	dropout                            float32
}

func newTestBlock(d, heads, kv int, dropout float32) *testBlock {
	r := rand.New(rand.NewPCG(7, 7))
	p := func(name string, scale float64, shape ...int) *Tensor {
		t := NewParam(name, shape...)
		for i := range t.Value() {
			t.Value()[i] = float32(r.NormFloat64() * scale)
		}
		return t
	}
	h := d / heads
	return &testBlock{d: d, heads: heads, kv: kv, dropout: dropout, rope: NewRope(h, 10000, 512),
		norm1: p("norm1", 1, d), norm2: p("norm2", 1, d), gain: p("gain", 1, d), bo: p("bo", .1, d),
		wq: p("wq", .1, d, d), wk: p("wk", .1, kv*h, d), wv: p("wv", .1, kv*h, d), wo: p("wo", .1, d, d),
		gate: p("gate", .1, 4*d, d), up: p("up", .1, 4*d, d), down: p("down", .1, d, 4*d)}
}

func (b *testBlock) params() []*Tensor {
	return []*Tensor{b.norm1, b.norm2, b.gain, b.wq, b.wk, b.wv, b.wo, b.bo, b.gate, b.up, b.down}
}

func (b *testBlock) forward(g *Graph, x *Tensor) *Tensor {
	h := g.RMSNorm(x, b.norm1, 1e-5)
	q, k, v := g.Linear(h, b.wq, nil), g.Linear(h, b.wk, nil), g.Linear(h, b.wv, nil)
	a := g.Attention(g.Rope(q, b.rope, nil), g.Rope(k, b.rope, nil), v, Attn{Heads: b.heads, KVHeads: b.kv, Causal: true, Dropout: b.dropout})
	x = g.Add(x, g.Dropout(g.Linear(a, b.wo, b.bo), b.dropout))
	h = g.LayerNorm(x, b.norm2, b.gain, 1e-5)
	return g.Add(x, g.Linear(g.SwiGLU(g.Linear(h, b.gate, nil), g.Linear(h, b.up, nil)), b.down, nil))
}

// step runs layers of the block and a tied head over a vocabulary, and gives the loss and all gradients.
func (b *testBlock) step(t testing.TB, e *CPU, key Key, layers, batch, time, vocab int, checkpoint bool) (float64, [][]float32) {
	r := rand.New(rand.NewPCG(8, 8))
	emb := NewParam("emb", vocab, b.d)
	for i := range emb.Value() {
		emb.Value()[i] = float32(r.NormFloat64()) * .1
	}
	ids, targets := make([]int32, batch*time), make([]int32, batch*time)
	for i := range ids {
		ids[i], targets[i] = int32(r.IntN(vocab)), int32(r.IntN(vocab))
	}
	params := append(b.params(), emb)
	for _, p := range params {
		clear(p.EnsureGrad())
	}
	loss, err := e.Step(key, b.network(emb, ids, targets, layers, batch, time, checkpoint))
	if err != nil {
		t.Fatal(err)
	}
	var grads [][]float32
	for _, p := range params {
		grads = append(grads, slices.Clone(p.Grad()))
	}
	return loss, grads
}

func (b *testBlock) network(emb *Tensor, ids, targets []int32, layers, batch, time int, checkpoint bool) func(g *Graph) *Tensor {
	return func(g *Graph) *Tensor {
		x := g.Embedding(emb, ids, batch, time)
		for range layers {
			if checkpoint {
				x = g.Checkpoint(x, func(x *Tensor) *Tensor { return b.forward(g, x) })
			} else {
				x = b.forward(g, x)
			}
		}
		return g.SoftmaxCE(g.Linear(g.RMSNorm(x, b.norm1, 1e-5), emb, nil), targets, CE{})
	}
}

func sameBits(t *testing.T, what string, loss1, loss2 float64, a, b [][]float32) {
	t.Helper()
	if loss1 != loss2 {
		t.Errorf("%s: loss %v and %v", what, loss1, loss2)
	}
	for i := range a {
		if !slices.Equal(a[i], b[i]) {
			t.Errorf("%s: gradient %d differs", what, i)
		}
	}
}

// TestThreadsSameBits: one thread and many give the same loss and gradients, with dropout, for shapes that threads do split.
func TestThreadsSameBits(t *testing.T) {
	for _, s := range kernel.Available() {
		if s == kernel.Scalar && testing.Short() {
			continue
		}
		b := newTestBlock(60, 6, 2, .1)
		loss1, grads1 := b.step(t, NewCPU(Options{Set: s, Threads: 1}), Key{1, 2}, 2, 3, 70, 301, false)
		for _, threads := range []int{2, 3, 5} {
			loss2, grads2 := b.step(t, NewCPU(Options{Set: s, Threads: threads}), Key{1, 2}, 2, 3, 70, 301, false)
			sameBits(t, s.String(), loss1, loss2, grads1, grads2)
		}
	}
}

// TestCheckpointSameBits: recomputation changes nothing but memory, also when checkpoints nest.
func TestCheckpointSameBits(t *testing.T) {
	e := NewCPU(Options{Set: kernel.Available()[0], Threads: 2})
	b := newTestBlock(60, 6, 2, .1)
	loss1, grads1 := b.step(t, e, Key{1, 2}, 3, 2, 33, 101, false)
	loss2, grads2 := b.step(t, e, Key{1, 2}, 3, 2, 33, 101, true)
	sameBits(t, "checkpoint", loss1, loss2, grads1, grads2)

	nested := func(depth bool) (float64, []float32) {
		var x *Tensor
		loss, err := e.Step(Key{5, 6}, func(g *Graph) *Tensor {
			x = g.Variable(testRope.cos[:30], 5, 6)
			inner := func(x *Tensor) *Tensor { return g.Add(g.Dropout(g.Exp(x), .3), x) }
			if !depth {
				return g.Mean(inner(inner(g.Tanh(x))))
			}
			return g.Mean(g.Checkpoint(g.Tanh(x), func(x *Tensor) *Tensor { return g.Checkpoint(inner(x), inner) }))
		})
		if err != nil {
			t.Fatal(err)
		}
		return loss, x.Grad()
	}
	la, ga := nested(false)
	lb, gb := nested(true)
	sameBits(t, "nested", la, lb, [][]float32{ga}, [][]float32{gb})
}

// TestStepsRepeat: the same key gives the same bits in a used engine, another key drops other elements.
func TestStepsRepeat(t *testing.T) {
	e := NewCPU(Options{Set: kernel.Available()[0], Threads: 2})
	b := newTestBlock(60, 6, 2, .2)
	loss1, grads1 := b.step(t, e, Key{1, 2}, 1, 2, 33, 101, false)
	other, _ := b.step(t, e, Key{1, 3}, 1, 2, 33, 101, false)
	loss2, grads2 := b.step(t, e, Key{1, 2}, 1, 2, 33, 101, false)
	sameBits(t, "again", loss1, loss2, grads1, grads2)
	if other == loss1 {
		t.Error("another step dropped the same elements")
	}
}

// TestDocumentsApart: two documents in one row with a document mask and positions from 0 are as two rows.
func TestDocumentsApart(t *testing.T) {
	e := NewCPU(Options{Set: kernel.Available()[0]})
	const n, m, d, heads = 5, 7, 12, 2
	r := rand.New(rand.NewPCG(9, 9))
	x := make([]float32, (n+m)*d)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	starts, pos := make([]int32, n+m), make([]int32, n+m)
	for i := range starts {
		pos[i] = int32(i)
		if i >= n {
			starts[i], pos[i] = n, int32(i-n)
		}
	}
	var apart, packed []float32
	err := e.Infer(func(g *Graph) {
		run := func(x []float32, t int, pos, starts []int32) []float32 {
			q := g.Rope(g.Input(x, 1, t, d), testRope, pos)
			return slices.Clone(g.Attention(q, q, g.Input(x, 1, t, d), Attn{Heads: heads, Causal: true, Starts: starts}).Value())
		}
		apart = append(run(x[:n*d], n, nil, nil), run(x[n*d:], m, nil, nil)...)
		packed = run(x, n+m, pos, starts)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range apart {
		if d := apart[i] - packed[i]; d > 1e-6 || d < -1e-6 {
			t.Fatalf("element %d: apart %g, packed %g", i, apart[i], packed[i])
		}
	}
}

// TestFrozen: a frozen parameter gets no gradient and does not change those of others.
func TestFrozen(t *testing.T) {
	e := NewCPU(Options{Set: kernel.Available()[0], Threads: 2})
	b := newTestBlock(60, 6, 2, 0)
	_, want := b.step(t, e, Key{}, 1, 2, 9, 31, false)
	b.wk.Freeze(true)
	b.norm2.Freeze(true)
	_, got := b.step(t, e, Key{}, 1, 2, 9, 31, false)
	for i, p := range b.params() {
		switch {
		case p.Frozen():
			if got[i] != nil {
				t.Errorf("%s is frozen and has a gradient", p.Name())
			}
		case !slices.Equal(got[i], want[i]):
			t.Errorf("%s has another gradient", p.Name())
		}
	}
}

// TestStop: of x + Stop(x) only the first part has a gradient.
func TestStop(t *testing.T) {
	var x *Tensor
	if _, err := NewCPU(Options{}).Step(Key{}, func(g *Graph) *Tensor {
		x = g.Variable([]float32{1, 2}, 2)
		return g.Mean(g.Add(x, g.Stop(x)))
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Grad(), []float32{.5, .5}) {
		t.Errorf("gradient %v", x.Grad())
	}
}
