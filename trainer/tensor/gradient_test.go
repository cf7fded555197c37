package tensor

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"sluice/trainer/kernel"
)

// An opCase builds one operation on variables of the given shapes; the test adds random weights to make a scalar of any result.
type opCase struct {
	shapes [][]int
	build  func(g *Graph, v []*Tensor) *Tensor
	kinks  []float32 // values that inputs keep away from
	gap    float32   // and by how much
}

func gather(ids ...int32) []int32 { return ids }

// testRope has tables for heads of 6.
var testRope = NewRope(6, 100, 16)

// opCases has at least one case for every operation; all sizes are odd or leave tails.
func opCases() map[string][]opCase {
	un := func(f func(g *Graph, x *Tensor) *Tensor) []opCase {
		return []opCase{{shapes: [][]int{{3, 37}}, build: func(g *Graph, v []*Tensor) *Tensor { return f(g, v[0]) }}}
	}
	attn := func(o Attn, tq, tk int) opCase {
		kv := max(o.KVHeads, 1)
		if o.KVHeads == 0 {
			kv = o.Heads
		}
		return opCase{shapes: [][]int{{2, tq, o.Heads * 5}, {2, tk, kv * 5}, {2, tk, kv * 5}},
			build: func(g *Graph, v []*Tensor) *Tensor { return g.Attention(v[0], v[1], v[2], o) }}
	}
	starts, ends := make([]int32, 2*9), make([]int32, 2*9)
	for i := range starts { // documents of 4 and 5 rows
		starts[i], ends[i] = 0, 4
		if i%9 >= 4 {
			starts[i], ends[i] = 4, 9
		}
	}
	weights := []float32{1, .5, 2, 0, 1}
	return map[string][]opCase{
		"Linear": {
			{shapes: [][]int{{2, 3, 19}, {21, 19}, {21}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Linear(v[0], v[1], v[2]) }},
			{shapes: [][]int{{1, 7}, {5, 7}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Linear(v[0], v[1], nil) }},
			{shapes: [][]int{{4, 7}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Linear(v[0], v[0], nil) }},
		},
		"LinearIO":  {{shapes: [][]int{{2, 3, 19}, {19, 21}, {21}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.LinearIO(v[0], v[1], v[2]) }}},
		"Embedding": {{shapes: [][]int{{7, 11}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Embedding(v[0], gather(3, 1, 3, 6, 0, 3), 2, 3) }}},
		"Gather":    {{shapes: [][]int{{2, 3, 11}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Gather(v[0], gather(5, 0, 5)) }}},
		"LayerNorm": {
			{shapes: [][]int{{67, 19}, {19}, {19}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.LayerNorm(v[0], v[1], v[2], 1e-5) }},
			{shapes: [][]int{{5, 19}, {19}, {19}}, build: func(g *Graph, v []*Tensor) *Tensor {
				return g.Add(v[0], g.LayerNorm(v[0], v[1], v[2], 1e-5))
			}},
			{shapes: [][]int{{19}, {19}}, build: func(g *Graph, v []*Tensor) *Tensor {
				return g.LayerNorm(g.Input(testRope.cos[:19], 19), v[0], v[1], 1e-5)
			}},
		},
		"RMSNorm": {
			{shapes: [][]int{{67, 19}, {19}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.RMSNorm(v[0], v[1], 1e-5) }},
			{shapes: [][]int{{5, 19}, {19}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Add(v[0], g.RMSNorm(v[0], v[1], 1e-5)) }},
		},
		"Rope": {
			{shapes: [][]int{{2, 3, 12}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Rope(v[0], testRope, nil) }},
			{shapes: [][]int{{2, 3, 12}}, build: func(g *Graph, v []*Tensor) *Tensor {
				return g.Add(g.Rope(v[0], testRope, gather(0, 1, 0, 5, 6, 15)), v[0])
			}},
		},
		"Attention": {
			attn(Attn{Heads: 2}, 9, 9), attn(Attn{Heads: 2, Causal: true}, 9, 9), attn(Attn{Heads: 4, KVHeads: 2, Causal: true, Recompute: true}, 9, 9),
			attn(Attn{Heads: 2, Lengths: gather(5, 0)}, 9, 9), attn(Attn{Heads: 2, Starts: starts, Ends: ends}, 9, 9),
			attn(Attn{Heads: 2, Causal: true, Starts: starts, Scale: .3}, 9, 9), attn(Attn{Heads: 2, Causal: true}, 3, 9),
			attn(Attn{Heads: 4, KVHeads: 1, Causal: true, Dropout: .3}, 9, 9), attn(Attn{Heads: 1, Causal: true, Dropout: .2, Recompute: true}, 70, 70),
			{shapes: [][]int{{1, 7, 10}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Attention(v[0], v[0], v[0], Attn{Heads: 2}) }},
		},
		"AttentionQKV": {{shapes: [][]int{{2, 9, 40}}, build: func(g *Graph, v []*Tensor) *Tensor {
			return g.AttentionQKV(v[0], Attn{Heads: 4, KVHeads: 2, Causal: true})
		}}},
		"GeluTanh": append(un((*Graph).GeluTanh), un(func(g *Graph, x *Tensor) *Tensor { return g.Add(x, g.GeluTanh(x)) })...),
		"GeluErf":  append(un((*Graph).GeluErf), un(func(g *Graph, x *Tensor) *Tensor { return g.Add(x, g.GeluErf(x)) })...),
		"Tanh":     un((*Graph).Tanh), "ReLU2": un((*Graph).ReLU2), "Sigmoid": un((*Graph).Sigmoid), "LogSigmoid": un((*Graph).LogSigmoid), "Exp": un((*Graph).Exp),
		"Softmax":   append(un((*Graph).Softmax), un(func(g *Graph, x *Tensor) *Tensor { return g.Add(x, g.Softmax(x)) })...),
		"LogSumExp": un((*Graph).LogSumExp), "SumRows": un((*Graph).SumRows), "Mean": un((*Graph).Mean), "L2Norm": un((*Graph).L2Norm),
		"SwiGLU": {
			{shapes: [][]int{{3, 37}, {3, 37}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.SwiGLU(v[0], v[1]) }},
			{shapes: [][]int{{3, 137}}, build: func(g *Graph, v []*Tensor) *Tensor {
				return g.SwiGLU(v[0], g.Input(slices.Repeat([]float32{.3, -1, 2}, 137), 3, 137))
			}},
			{shapes: [][]int{{3, 137}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.SwiGLU(v[0], v[0]) }},
		},
		"SoftmaxCE": {
			{shapes: [][]int{{5, 23}}, build: func(g *Graph, v []*Tensor) *Tensor {
				return g.SoftmaxCE(v[0], gather(22, -100, 0, 4, 7), CE{Weights: weights, Smoothing: .1})
			}},
			{shapes: [][]int{{5, 23}}, build: func(g *Graph, v []*Tensor) *Tensor { // in place, with a second reader, with a divisor
				z := g.Scale(v[0], 2)
				z2 := g.Scale(v[0], 3)
				first := g.Add(g.SoftmaxCE(z, gather(1, 2, 3, 4, 5), CE{}), g.Mean(g.TokenLogProb(z, gather(1, 2, -1, 4, 5))))
				return g.Add(first, g.SoftmaxCE(z2, gather(1, 2, 3, 4, 5), CE{Divisor: 10}))
			}},
		},
		"TokenLogProb": {{shapes: [][]int{{3, 23}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.TokenLogProb(v[0], gather(22, -100, 0)) }}},
		"KLDiv": {{shapes: [][]int{{5, 23}, {5, 23}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.KLDiv(v[0], v[1], 2, weights) }},
			{shapes: [][]int{{5, 23}, {5, 23}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.KLDiv(v[0], v[1], 1, nil) }}},
		"MSE":    {{shapes: [][]int{{5, 3}, {15}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.MSE(v[0], v[1]) }}},
		"BCE":    {{shapes: [][]int{{5}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.BCE(v[0], []float32{0, 1, .3, 1, 0}, weights) }}},
		"Cosine": {{shapes: [][]int{{5, 13}, {5, 13}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Cosine(v[0], v[1]) }}},
		"Dropout": {{shapes: [][]int{{3, 137}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Dropout(v[0], .4) }},
			{shapes: [][]int{{3, 137}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Add(v[0], g.Dropout(v[0], .4)) }}},
		"MaskedMean": {{shapes: [][]int{{2, 4, 9}}, build: func(g *Graph, v []*Tensor) *Tensor {
			return g.MaskedMean(v[0], []float32{1, 1, 0, 0, 1, .5, 1, 1})
		}}},
		"Clamp": {{shapes: [][]int{{3, 37}}, kinks: []float32{-.5, .7}, gap: .1, build: func(g *Graph, v []*Tensor) *Tensor { return g.Clamp(v[0], -.5, .7) }}},
		"Min": {{shapes: [][]int{{3, 37}}, kinks: []float32{.4}, gap: .1, build: func(g *Graph, v []*Tensor) *Tensor {
			return g.Min(g.Scale(v[0], 2), g.Add(v[0], g.Input(slices.Repeat([]float32{.4}, 111), 3, 37)))
		}}},
		"Add": {{shapes: [][]int{{3, 7}, {21}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Add(v[0], v[1]) }},
			{shapes: [][]int{{3, 7}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Add(v[0], v[0]) }},
			{shapes: [][]int{{3, 7}}, build: func(g *Graph, v []*Tensor) *Tensor {
				x := g.Tanh(v[0])
				return g.Add(g.Add(x, g.Exp(x)), g.Add(x, x))
			}}},
		"Mul": {{shapes: [][]int{{3, 7}, {21}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Mul(v[0], v[1]) }},
			{shapes: [][]int{{3, 7}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Mul(v[0], v[0]) }}},
		"Scale": un(func(g *Graph, x *Tensor) *Tensor { return g.Add(g.Scale(x, -3), x) }),
		"Slice": {{shapes: [][]int{{3, 7, 5}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Slice(v[0], 1, 2, 5) }},
			{shapes: [][]int{{3, 7, 5}}, build: func(g *Graph, v []*Tensor) *Tensor {
				return g.Add(g.Slice(v[0], -1, 0, 2), g.Slice(v[0], -1, 3, 5))
			}}},
		"Concat": {{shapes: [][]int{{3, 7, 5}, {3, 2, 5}}, build: func(g *Graph, v []*Tensor) *Tensor {
			return g.Concat(1, v[0], v[1], v[0], v[1], v[1])
		}}},
		"Transpose": {{shapes: [][]int{{2, 19, 33}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Transpose(v[0]) }}},
		"Reshape":   {{shapes: [][]int{{2, 6}}, build: func(g *Graph, v []*Tensor) *Tensor { return g.Add(g.Exp(g.Reshape(v[0], 3, -1)), g.Reshape(v[0], 12)) }}},
		"Stop": {{shapes: [][]int{{5}}, build: func(g *Graph, v []*Tensor) *Tensor {
			return g.Add(g.Tanh(v[0]), g.Stop(g.Input(make([]float32, 5), 5)))
		}}},
		"Checkpoint": un(func(g *Graph, x *Tensor) *Tensor {
			return g.Checkpoint(x, func(x *Tensor) *Tensor { return g.Add(x, g.Exp(g.Dropout(x, .2))) })
		}),
	}
}

// TestOpsListed: the list names every operation that Graph has, and every one has a gradient test. FakeQuant's gradient is not its derivative; its
// test is TestFakeQuant.
func TestOpsListed(t *testing.T) {
	var listed, methods []string
	for _, o := range Ops() {
		listed = append(listed, o.Name)
		if _, ok := opCases()[o.Name]; !ok && o.Name != "FakeQuant" {
			t.Errorf("%s has no gradient test", o.Name)
		}
	}
	typ, result := reflect.TypeFor[*Graph](), reflect.TypeFor[*Tensor]()
	for m := range typ.Methods() {
		if m.Type.NumOut() == 1 && m.Type.Out(0) == result && m.Name != "Input" && m.Name != "Variable" {
			methods = append(methods, m.Name)
		}
	}
	slices.Sort(listed)
	if !slices.Equal(listed, methods) {
		t.Errorf("listed %v\nmethods %v", listed, methods)
	}
}

// TestGradients compares every gradient with differences of the loss, along the gradient itself and along random directions.
func TestGradients(t *testing.T) {
	for _, s := range kernel.Available() {
		for name, cases := range opCases() {
			for i, c := range cases {
				if s == kernel.Scalar && testing.Short() && i > 0 {
					continue
				}
				t.Run(s.String()+"/"+name, func(t *testing.T) { checkGradient(t, NewCPU(Options{Set: s, Threads: 2}), c) })
			}
		}
	}
}

func checkGradient(t *testing.T, e *CPU, c opCase) {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([][]float32, len(c.shapes))
	for i, shape := range c.shapes {
		values[i] = make([]float32, newTensor(shape).n)
		for j := range values[i] {
			x := float32(r.NormFloat64())
			for _, k := range c.kinks {
				if d := x - k; d > -c.gap && d < c.gap {
					x = k + 2*c.gap
				}
			}
			values[i][j] = x
		}
	}
	var mix []float32
	// loss gives the scalar in float64 (the engine's own sum would round) and the gradients.
	loss := func() (float64, [][]float32) {
		var vars []*Tensor
		total := 0.0
		_, err := e.Step(Key{Seed: 3, Step: 4}, func(g *Graph) *Tensor {
			vars = vars[:0]
			for i, v := range values {
				vars = append(vars, g.Variable(v, c.shapes[i]...))
			}
			y := c.build(g, vars)
			for len(mix) < y.Len() {
				mix = append(mix, float32(r.NormFloat64()))
			}
			for i, v := range y.Value() {
				total += float64(v) * float64(mix[i])
			}
			return g.Scale(g.Mean(g.Mul(y, g.Input(mix[:y.Len()], y.Shape()...))), float32(y.Len()))
		})
		if err != nil {
			t.Fatal(err)
		}
		var grads [][]float32
		for _, v := range vars {
			grads = append(grads, v.Grad())
		}
		return total, grads
	}
	_, grads := loss()
	for i, grad := range grads {
		size := 0.0
		for _, v := range grad {
			size += float64(v) * float64(v)
		}
		size = math.Sqrt(size)
		if size == 0 {
			t.Fatalf("input %d has no gradient", i)
		}
		eps := min(.02/size, .3)
		if len(c.kinks) > 0 {
			eps = min(eps, float64(c.gap)/4)
		}
		for trial := range 4 {
			dir := make([]float64, len(grad))
			length := 0.0
			for j := range dir {
				dir[j] = r.NormFloat64()
				if trial == 0 {
					dir[j] = float64(grad[j])
				}
				length += dir[j] * dir[j]
			}
			want, along := 0.0, func(step float64) float64 {
				saved := slices.Clone(values[i])
				for j := range dir {
					values[i][j] += float32(step * dir[j] / math.Sqrt(length))
				}
				l, _ := loss()
				copy(values[i], saved)
				return l
			}
			for j := range dir {
				want += float64(grad[j]) * dir[j] / math.Sqrt(length)
			}
			got := (along(eps) - along(-eps)) / (2 * eps)
			if d := math.Abs(got-want) / size; !(d <= .02) {
				t.Errorf("input %d, direction %d: difference %g, gradient %g (%.3g of its length %g)", i, trial, got, want, d, size)
			}
		}
	}
}

// TestFakeQuant: 3 steps of .5 to each side; the gradient passes where the grid reaches.
func TestFakeQuant(t *testing.T) {
	e := NewCPU(Options{})
	var x *Tensor
	_, err := e.Step(Key{}, func(g *Graph) *Tensor {
		x = g.Variable([]float32{.3, -.8, 2, 1.5}, 4)
		y := g.FakeQuant(x, .5, 3)
		if want := []float32{.5, -1, 1.5, 1.5}; !slices.Equal(y.Value(), want) {
			t.Errorf("got %v, want %v", y.Value(), want)
		}
		return g.Scale(g.Mean(y), 4)
	})
	if err != nil || !slices.Equal(x.Grad(), []float32{1, 1, 0, 1}) {
		t.Errorf("gradient %v, error %v", x.Grad(), err)
	}
}
