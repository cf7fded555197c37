package tensor

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sluice/trainer/kernel"
)

// tensors reads a small safetensors file: F32 as it is, I64 as numbers.
func tensors(t *testing.T, name string) map[string][]float32 {
	shared := os.Getenv("SLUICE_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	b, err := os.ReadFile(filepath.Join(shared, "golden/trainer", name))
	if os.IsNotExist(err) {
		t.Skip("shared/golden not found beside the clone: set SLUICE_SHARED")
	}
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	var head map[string]struct {
		Dtype   string
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(b[8:8+n], &head); err != nil {
		t.Fatal(err)
	}
	m := map[string][]float32{}
	for name, h := range head {
		if name == "__metadata__" {
			continue
		}
		var x []float32
		for d := b[8+n:][h.Offsets[0]:h.Offsets[1]]; len(d) > 0; {
			if h.Dtype == "I64" {
				x, d = append(x, float32(int64(binary.LittleEndian.Uint64(d)))), d[8:]
			} else {
				x, d = append(x, math.Float32frombits(binary.LittleEndian.Uint32(d))), d[4:]
			}
		}
		m[name] = x
	}
	return m
}

func ints(x []float32) []int32 {
	y := make([]int32, len(x))
	for i, v := range x {
		y[i] = int32(v)
	}
	return y
}

// llama is the golden model, 2 layers of d 48, straight on the operations.
func llama(g *Graph, p map[string]*Tensor, r *Rope, ids, pos []int32, batch, time int, o Attn) *Tensor {
	x := g.Embedding(p["model.embed_tokens.weight"], ids, batch, time)
	for l := range 2 {
		w := func(name string) *Tensor { return p[fmt.Sprintf("model.layers.%d.%s.weight", l, name)] }
		h := g.RMSNorm(x, w("input_layernorm"), 1e-5)
		q := g.Rope(g.Linear(h, w("self_attn.q_proj"), nil), r, pos)
		k := g.Rope(g.Linear(h, w("self_attn.k_proj"), nil), r, pos)
		a := g.Attention(q, k, g.Linear(h, w("self_attn.v_proj"), nil), o)
		x = g.Add(x, g.Linear(a, w("self_attn.o_proj"), nil))
		h = g.RMSNorm(x, w("post_attention_layernorm"), 1e-5)
		x = g.Add(x, g.Linear(g.SwiGLU(g.Linear(h, w("mlp.gate_proj"), nil), g.Linear(h, w("mlp.up_proj"), nil)), w("mlp.down_proj"), nil))
	}
	return g.Linear(g.RMSNorm(x, p["model.norm.weight"], 1e-5), p["model.embed_tokens.weight"], nil)
}

// TestGoldenLlama: logits, loss, gradients, packed documents and three AdamW steps of the reference implementation, on every set, with stored and with
// recomputed attention weights.
func TestGoldenLlama(t *testing.T) {
	model, io := tensors(t, "llama/model.safetensors"), tensors(t, "llama/io.safetensors")
	grads, after := tensors(t, "llama/grads.safetensors"), tensors(t, "llama/adamw3.safetensors")
	shapes := map[string][]int{"q_proj": {48, 48}, "k_proj": {24, 48}, "v_proj": {24, 48}, "o_proj": {48, 48}, "gate_proj": {112, 48}, "up_proj": {112, 48}, "down_proj": {48, 112}}
	const batch, time, vocab = 3, 17, 211
	ids, labels, mask := ints(io["input_ids"]), ints(io["labels"]), io["attention_mask"]
	targets, lengths := make([]int32, len(labels)), make([]int32, batch)
	for i := range targets { // position i predicts the label at i+1
		targets[i] = -100
		if i%time < time-1 {
			targets[i] = labels[i+1]
		}
		lengths[i/time] += int32(mask[i])
	}
	starts := make([]int32, time)
	for i := 1; i < time; i++ {
		if starts[i] = starts[i-1]; io["packed_doc"][i] != io["packed_doc"][i-1] {
			starts[i] = int32(i)
		}
	}
	delete(model, "score.weight") // a head that this loss does not reach
	rope := NewRope(12, 10000, 64)
	for _, s := range kernel.Available() {
		for _, recompute := range []bool{false, true} {
			e := NewCPU(Options{Set: s, Threads: 2})
			attn := Attn{Heads: 4, KVHeads: 2, Causal: true, Lengths: lengths, Recompute: recompute}
			p := map[string]*Tensor{}
			for _, name := range slices.Sorted(maps.Keys(model)) {
				shape := []int{len(model[name])}
				for part, sh := range shapes {
					if filepath.Ext(filepath.Base(name[:len(name)-len(".weight")])) == "."+part {
						shape = sh
					}
				}
				if name == "model.embed_tokens.weight" {
					shape = []int{vocab, 48}
				}
				w, err := ParamOf(name, slices.Clone(model[name]), shape...)
				if err != nil {
					t.Fatal(err)
				}
				p[name] = w
			}
			if err := e.Infer(func(g *Graph) {
				packed := llama(g, p, rope, ints(io["packed_ids"]), ints(io["packed_position_ids"]), 1, time, Attn{Heads: 4, KVHeads: 2, Causal: true, Starts: starts})
				compare(t, "packed logits", packed.Value(), io["packed_logits"], nil, 5e-6)
			}); err != nil {
				t.Fatal(err)
			}
			moments := map[string][2][]float32{}
			for step := 1; step <= 3; step++ {
				loss, err := e.Step(Key{}, func(g *Graph) *Tensor {
					logits := llama(g, p, rope, ids, nil, batch, time, attn)
					if step == 1 {
						compare(t, "logits", logits.Value(), io["logits"], func(i int) bool { return mask[i/vocab] == 1 }, 5e-6)
					}
					return g.SoftmaxCE(logits, targets, CE{})
				})
				if err != nil {
					t.Fatal(err)
				}
				if step == 1 && math.Abs(loss-5.385915201060106) > 2e-6 {
					t.Errorf("%v: loss %v", s, loss)
				}
				square := 0.0
				for name, w := range p {
					if step == 1 {
						compare(t, "gradient of "+name, w.Grad(), grads[name], nil, 2e-6)
						moments[name] = [2][]float32{make([]float32, w.Len()), make([]float32, w.Len())}
					}
					square += float64(s.Dot(w.Grad(), w.Grad()))
				}
				clip := min(1, 1/(math.Sqrt(square)+1e-6))
				for name, w := range p {
					o := kernel.AdamW{LR: 1e-2, Beta1: .9, Beta2: .95, Eps: 1e-6, Decay: .1}
					o.Step(s, w.Value(), w.Grad(), moments[name][0], moments[name][1], clip, step)
					clear(w.Grad())
				}
			}
			for name, w := range p {
				compare(t, "after three steps "+name, w.Value(), after[name], nil, 1e-4)
			}
		}
	}
}

func compare(t *testing.T, what string, got, want []float32, where func(i int) bool, tol float64) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	worst, at := 0.0, 0
	for i, v := range want {
		if d := math.Abs(float64(got[i] - v)); (where == nil || where(i)) && !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= tol) {
		t.Errorf("%s: element %d is %g, want %g (off by %.3g)", what, at, got[at], want[at], worst)
	}
}
