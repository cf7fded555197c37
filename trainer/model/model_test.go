package model

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/tensor"
)

// New weights are a function of the seed and the name: no other weight and no size of the model plays a part, and the moments are those promised.
func TestNew(t *testing.T) {
	c := tiny(GPT2, CausalLM)
	c.Hidden, c.FFN, c.InitRange = 64, 256, .02
	m, same := fresh(t, c), fresh(t, c)
	more := c
	more.Vocab, more.Head, more.Labels = 99, Tag, []string{"x"}
	wide := fresh(t, more)
	other, err := New(c, 8)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params() {
		x := p.Value()
		if !slices.Equal(x, same.Param(p.Name()).Value()) {
			t.Errorf("%s differs between two models of one seed", p.Name())
		}
		if strings.Contains(p.Name(), ".h.") && !slices.Equal(x, wide.Param(p.Name()).Value()) {
			t.Errorf("%s depends on other weights", p.Name())
		}
		var sum, square float64
		for _, v := range x {
			sum, square = sum+float64(v), square+float64(v)*float64(v)
		}
		n := float64(len(x))
		switch p.Role {
		case Gain, Bias:
			if want := map[Role]float64{Gain: n, Bias: 0}[p.Role]; sum != want || p.Role.Decays() {
				t.Errorf("%s: sum %g, want %g", p.Name(), sum, want)
			}
		default:
			want := .02
			if strings.HasSuffix(p.Name(), "c_proj.weight") {
				want /= 2 // √(2·2 layers)
			}
			if d := math.Sqrt(square / n); math.Abs(d/want-1) > 5/math.Sqrt(2*n) || math.Abs(sum/n) > 5*want/math.Sqrt(n) {
				t.Errorf("%s: deviation %.5f, want %.5f; mean %.6f", p.Name(), d, want, sum/n)
			}
			if slices.Equal(x, other.Param(p.Name()).Value()) {
				t.Errorf("%s is the same for another seed", p.Name())
			}
		}
	}
	if m.Param("no such") != nil || m.Size() != 53*64+40*64+2*(4*64*64+4*64+2*64*256+256+64+4*64)+2*64 {
		t.Errorf("%d weights", m.Size())
	}
}

// A GPT-2 of a tiny size learns a text by heart.
func TestLearns(t *testing.T) {
	for _, f := range []Family{GPT2, Llama} {
		c := tiny(f, CausalLM)
		c.InitRange = .02
		m, e := fresh(t, c), cpu(t, 1)
		in := ragged(c)
		in.Lengths = nil
		opt := adamW{}
		opt.LR, opt.Beta1, opt.Beta2, opt.Eps = 1e-2, .9, .95, 1e-8
		var last float64
		for step := range 150 {
			l, err := e.Step(tensor.Key{Step: uint64(step)}, func(g *tensor.Graph) *tensor.Tensor { return m.Loss(g, in, Targets{Tokens: in.IDs}) })
			if err != nil {
				t.Fatal(err)
			}
			opt.step(e.Set(), m.Tensors(), 1)
			last = l
		}
		if last > .15 {
			t.Errorf("%s: loss %.3f", f, last)
		}
		got, err := m.Generate(t.Context(), e, [][]int32{in.IDs[:3]}, Sampling{MaxTokens: 8, EOS: []int32{}}, nil, nil)
		if err != nil || !slices.Equal(got[0].IDs, in.IDs[3:11]) {
			t.Errorf("%s: goes on %v, want %v (%v)", f, got, in.IDs[3:11], err)
		}
	}
}

// Scaled rotary positions, worked by hand for heads of four: frequencies 1 and theta^(-1/2).
func TestFrequencies(t *testing.T) {
	for what, c := range map[string]struct {
		r    RopeConfig
		want []float64
	}{
		"default": {RopeConfig{Theta: 10000}, []float64{1, .01}},
		"linear":  {RopeConfig{Theta: 10000, Type: "linear", Factor: 4}, []float64{.25, .0025}},
		// Over 628 positions the first pair turns 99.95 times, the second .9995 times: fast ones stay, slow ones go eight times slower.
		"llama3": {RopeConfig{Theta: 10000, Type: "llama3", Factor: 8, Low: 1, High: 4, Original: 628}, []float64{1, .00125}},
		// Over 1257 positions the second pair turns 2.0006 times: a third of the way from 1 to 4.
		"blend": {RopeConfig{Theta: 10000, Type: "llama3", Factor: 8, Low: 1, High: 4, Original: 1257}, []float64{1, .01 * (.333528 + .666472/8)}},
	} {
		for j, f := range c.r.frequencies(4) {
			if math.Abs(f-c.want[j]) > 1e-7 {
				t.Errorf("%s: frequency %d is %.9f, want %.9f", what, j, f, c.want[j])
			}
		}
	}
}

// Poolings by hand, on hidden states that the model shows; the order of rows does not matter.
func TestEmbed(t *testing.T) {
	m, e := fresh(t, tiny(Llama, Body)), cpu(t, 2)
	ids := [][]int32{{5, 6, 7, 8}, {9}, {10, 11, 12, 13, 14, 15}}
	d := m.Config.Hidden
	for _, p := range []Pooling{PoolDefault, PoolMean, PoolCLS, PoolLast} {
		got, err := m.Embed(e, ids, EmbedOptions{Pooling: p, Raw: true, Batch: 2, MaxTokens: 5})
		if err != nil {
			t.Fatal(err)
		}
		unit, err := m.Embed(e, ids, EmbedOptions{Pooling: p, MaxTokens: 5})
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range ids {
			row = row[:min(len(row), 5)]
			want, length := make([]float32, d), 0.0
			if err := e.Infer(func(g *tensor.Graph) {
				h := m.Hidden(g, Input{IDs: row, Batch: 1, Time: len(row)}, nil).Value()
				for j, v := range h {
					switch last := j/d == len(row)-1; {
					case p == PoolCLS && j < d, p == PoolLast && last:
						want[j%d] = v
					case p == PoolMean || p == PoolDefault:
						want[j%d] += v / float32(len(row))
					}
				}
			}); err != nil {
				t.Fatal(err)
			}
			compare(t, string(p), got[i], want, nil, 2e-6)
			for j, v := range unit[i] {
				length += float64(v) * float64(v)
				near(t, "unit vector", float64(v)*float64(got[i][0]), float64(unit[i][0])*float64(got[i][j]), 1e-5)
			}
			near(t, "length", length, 1, 1e-6)
		}
	}
	if _, err := m.Embed(e, ids, EmbedOptions{Pooling: "max"}); err == nil {
		t.Error("pooling max: no error")
	}
	if _, err := m.Embed(e, [][]int32{{}}, EmbedOptions{}); err == nil {
		t.Error("a row without tokens: no error")
	}
}

func TestLoadEmbedOptions(t *testing.T) {
	for what, c := range map[string]struct {
		files map[string]string
		want  EmbedOptions
		bad   bool
	}{
		"none": {nil, EmbedOptions{}, false},
		"all": {map[string]string{"1_Pooling/config.json": `{"pooling_mode_cls_token": true}`, "sentence_bert_config.json": `{"max_seq_length": 128}`,
			"modules.json": `[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Normalize"}]`},
			EmbedOptions{Pooling: PoolCLS, MaxTokens: 128}, false},
		"raw":  {map[string]string{"1_Pooling/config.json": `{"pooling_mode_lasttoken": true}`, "modules.json": `[]`}, EmbedOptions{Pooling: PoolLast, Raw: true}, false},
		"max":  {map[string]string{"1_Pooling/config.json": `{"pooling_mode_max_tokens": true}`}, EmbedOptions{}, true},
		"JSON": {map[string]string{"modules.json": `{`}, EmbedOptions{}, true},
	} {
		dir := t.TempDir()
		for name, text := range c.files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := LoadEmbedOptions(dir)
		if (err != nil) != c.bad || err == nil && got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", what, got, err, c.want)
		}
	}
}
