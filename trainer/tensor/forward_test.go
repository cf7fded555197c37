package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/trainer/kernel"
)

// infer runs f on every set of the machine.
func infer(t *testing.T, f func(t *testing.T, g *Graph)) {
	for _, s := range kernel.Available() {
		t.Run(s.String(), func(t *testing.T) {
			if err := NewCPU(Options{Set: s, Threads: 2}).Infer(func(g *Graph) { f(t, g) }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func expect(t *testing.T, what string, y *Tensor, shape []int, want []float64, tol float64) {
	t.Helper()
	if !slices.Equal(y.Shape(), shape) {
		t.Errorf("%s: shape %v, want %v", what, y.Shape(), shape)
	}
	for i, v := range y.Value() {
		if d := math.Abs(float64(v) - want[i]); !(d <= tol) {
			t.Errorf("%s: element %d is %g, want %g", what, i, v, want[i])
			return
		}
	}
}

func numbers(x ...float32) []float32 { return x }

// TestForwardByHand has one small literal example per operation.
func TestForwardByHand(t *testing.T) {
	infer(t, func(t *testing.T, g *Graph) {
		x := g.Input(numbers(1, 2, 3, 4, 5, 6), 2, 3)
		w := g.Input(numbers(1, 0, -1, 2, 2, 2), 2, 3) // as [out,in]
		b := g.Input(numbers(10, 20), 2)
		expect(t, "Linear", g.Linear(x, w, b), []int{2, 2}, []float64{8, 32, 8, 50}, 0)
		expect(t, "LinearIO", g.LinearIO(x, g.Transpose(w), b), []int{2, 2}, []float64{8, 32, 8, 50}, 0)
		expect(t, "Embedding", g.Embedding(x, []int32{1, 0, 1}, 3), []int{3, 3}, []float64{4, 5, 6, 1, 2, 3, 4, 5, 6}, 0)
		expect(t, "Gather", g.Gather(x, []int32{1}), []int{1, 3}, []float64{4, 5, 6}, 0)
		expect(t, "Slice", g.Slice(x, -1, 1, 3), []int{2, 2}, []float64{2, 3, 5, 6}, 0)
		expect(t, "Slice rows", g.Slice(x, 0, 1, 2), []int{1, 3}, []float64{4, 5, 6}, 0)
		expect(t, "Concat", g.Concat(1, x, w), []int{2, 6}, []float64{1, 2, 3, 1, 0, -1, 4, 5, 6, 2, 2, 2}, 0)
		expect(t, "Transpose", g.Transpose(x), []int{3, 2}, []float64{1, 4, 2, 5, 3, 6}, 0)
		expect(t, "Reshape", g.Reshape(x, 3, -1), []int{3, 2}, []float64{1, 2, 3, 4, 5, 6}, 0)
		expect(t, "MaskedMean", g.MaskedMean(g.Reshape(x, 1, 2, 3), numbers(1, 3)), []int{1, 3}, []float64{3.25, 4.25, 5.25}, 1e-6)
		expect(t, "MaskedMean of nothing", g.MaskedMean(g.Reshape(x, 1, 2, 3), numbers(0, 0)), []int{1, 3}, []float64{0, 0, 0}, 0)
		expect(t, "SumRows", g.SumRows(x), []int{2}, []float64{6, 15}, 0)
		expect(t, "Mean", g.Mean(x), []int{1}, []float64{3.5}, 0)
		expect(t, "MSE", g.MSE(x, w), []int{1}, []float64{(0 + 4 + 16 + 4 + 9 + 16) / 6.}, 1e-6)
		expect(t, "Min", g.Min(x, w), []int{2, 3}, []float64{1, 0, -1, 2, 2, 2}, 0)
		expect(t, "Clamp", g.Clamp(x, 2, 5), []int{2, 3}, []float64{2, 2, 3, 4, 5, 5}, 0)
		expect(t, "ReLU2", g.ReLU2(w), []int{2, 3}, []float64{1, 0, 0, 4, 4, 4}, 0)
		expect(t, "Tanh", g.Tanh(b), []int{2}, []float64{math.Tanh(10), 1}, 1e-7)
		expect(t, "Sigmoid", g.Sigmoid(w), []int{2, 3}, []float64{.731058579, .5, .268941421, .880797078, .880797078, .880797078}, 1e-7)
		expect(t, "LogSigmoid", g.LogSigmoid(g.Input(numbers(0, -200, 200), 3)), []int{3}, []float64{-math.Ln2, -200, 0}, 1e-6)
		expect(t, "L2Norm", g.L2Norm(g.Input(numbers(3, 4, 0, 0), 2, 2)), []int{2, 2}, []float64{.6, .8, 0, 0}, 1e-7)
		expect(t, "Cosine", g.Cosine(g.Input(numbers(3, 4), 1, 2), g.Input(numbers(4, 3), 1, 2)), []int{1}, []float64{.96}, 1e-6)
		ln := func(x float64) float64 { return math.Log(x) }
		logits := g.Input(numbers(0, float32(ln(3)), 0, 0), 2, 2) // softmax 1/4 3/4 and 1/2 1/2
		expect(t, "SoftmaxCE", g.SoftmaxCE(logits, []int32{1, 0}, CE{}), []int{1}, []float64{(ln(4./3) + ln(2)) / 2}, 1e-6)
		losses := make([]float32, 2)
		g.SoftmaxCE(logits, []int32{-1, 0}, CE{RowLoss: losses})
		if losses[0] != 0 || math.Abs(float64(losses[1])-ln(2)) > 1e-6 {
			t.Errorf("losses of rows %v", losses)
		}
		expect(t, "SoftmaxCE, one ignored", g.SoftmaxCE(logits, []int32{1, -100}, CE{}), []int{1}, []float64{ln(4. / 3)}, 1e-6)
		expect(t, "SoftmaxCE, all ignored", g.SoftmaxCE(logits, []int32{-1, -1}, CE{}), []int{1}, []float64{0}, 0)
		expect(t, "SoftmaxCE, weights 3 to 1", g.SoftmaxCE(logits, []int32{1, 0}, CE{Weights: numbers(3, 1)}), []int{1}, []float64{(3*ln(4./3) + ln(2)) / 4}, 1e-6)
		expect(t, "TokenLogProb", g.TokenLogProb(logits, []int32{0, -1}), []int{2}, []float64{ln(.25), 0}, 1e-6)
		expect(t, "LogSumExp", g.LogSumExp(logits), []int{2}, []float64{ln(4), ln(2)}, 1e-6)
		even := g.Input(numbers(1, 1, 1, 1), 2, 2)
		expect(t, "KLDiv", g.KLDiv(even, logits, 1, nil), []int{1}, []float64{(.25*ln(.5) + .75*ln(1.5)) / 2}, 1e-6)
		expect(t, "KLDiv of equals", g.KLDiv(logits, logits, 3, nil), []int{1}, []float64{0}, 1e-6)
		expect(t, "BCE", g.BCE(g.Input(numbers(0, 2), 2), numbers(1, 0), nil), []int{1}, []float64{(math.Ln2 + math.Log1p(math.Exp(2))) / 2}, 1e-6)
	})
}

// TestAttentionReference compares every mask with the plain definition in float64.
func TestAttentionReference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	const batch, d = 2, 7
	for _, tq := range []int{1, 5, 66, 130} {
		tk := max(tq, 66)
		starts, ends, lengths := make([]int32, batch*tq), make([]int32, batch*tq), []int32{int32(tk), int32(tk - 9)}
		for i := range starts {
			starts[i] = int32(i % tq / 3)
			ends[i] = starts[i] + 11
		}
		for _, o := range []Attn{{}, {Causal: true}, {Lengths: lengths}, {Starts: starts}, {Starts: starts, Ends: ends}, {Causal: true, Starts: starts, Lengths: lengths}} {
			for _, heads := range [][2]int{{1, 1}, {4, 2}} {
				o.Heads, o.KVHeads = heads[0], heads[1]
				mk := func(time, heads int) []float32 {
					x := make([]float32, batch*time*heads*d)
					for i := range x {
						x[i] = float32(r.NormFloat64())
					}
					return x
				}
				q, k, v := mk(tq, heads[0]), mk(tk, heads[1]), mk(tk, heads[1])
				want := naive(q, k, v, o, batch, tq, tk, d)
				infer(t, func(t *testing.T, g *Graph) {
					y := g.Attention(g.Input(q, batch, tq, heads[0]*d), g.Input(k, batch, tk, heads[1]*d), g.Input(v, batch, tk, heads[1]*d), o)
					expect(t, "Attention", y, []int{batch, tq, heads[0] * d}, want, 2e-6)
				})
			}
		}
	}
}

func naive(q, k, v []float32, o Attn, batch, tq, tk, d int) []float64 {
	out := make([]float64, len(q))
	for b := range batch {
		for h := range o.Heads {
			kv := h * o.KVHeads / o.Heads
			for i := range tq {
				at := ((b*tq+i)*o.Heads + h) * d
				weights, sum := make([]float64, tk), 0.0
				for j := range tk {
					seen := (!o.Causal || j <= i+tk-tq) && (o.Lengths == nil || j < int(o.Lengths[b])) &&
						(o.Starts == nil || j >= int(o.Starts[b*tq+i])) && (o.Ends == nil || j < int(o.Ends[b*tq+i]))
					if !seen {
						continue
					}
					dot := 0.0
					for x := range d {
						dot += float64(q[at+x]) * float64(k[((b*tk+j)*o.KVHeads+kv)*d+x])
					}
					weights[j] = math.Exp(dot / math.Sqrt(float64(d)))
					sum += weights[j]
				}
				for j, w := range weights {
					for x := range d {
						if w > 0 {
							out[at+x] += w / sum * float64(v[((b*tk+j)*o.KVHeads+kv)*d+x])
						}
					}
				}
			}
		}
	}
	return out
}

// TestBF16: a step on bfloat16 products is near the float32 one, and not the same.
func TestBF16(t *testing.T) {
	s := kernel.Available()[0]
	b := newTestBlock(60, 6, 2, 0)
	exact, want := b.step(t, NewCPU(Options{Set: s}), Key{}, 2, 2, 33, 101, false)
	rounded, got := b.step(t, NewCPU(Options{Set: s, BF16: true}), Key{}, 2, 2, 33, 101, false)
	if rounded == exact || math.Abs(rounded-exact) > .01*exact {
		t.Errorf("loss %g, in float32 %g", rounded, exact)
	}
	for i := range want {
		num, den := 0.0, 0.0
		for j := range want[i] {
			e := float64(got[i][j] - want[i][j])
			num, den = num+e*e, den+float64(want[i][j])*float64(want[i][j])
		}
		if math.Sqrt(num/den) > .05 {
			t.Errorf("gradient %d is off by %.3g", i, math.Sqrt(num/den))
		}
	}
}
