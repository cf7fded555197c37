package model

import (
	"encoding/json"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/model/safetensors"
	"sluice/trainer/tensor"
)

// robertaGolden is testdata/roberta.json, which testdata/make_roberta.py makes with the reference library.
type robertaGolden struct {
	IDs, Lengths, Labels, Classes []int32
	Time                          int
	Masked, Classify              robertaHead
}

type robertaHead struct {
	Config map[string]any
	Shapes map[string][]int
	Logits []float32
	Loss   float64
	Grads  map[string][4]float64 // norm, sum, the first two values
}

// folder writes the model as the reference library stores it, with the weights of the script.
func (h robertaHead) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var tensors []safetensors.Tensor
	for name, shape := range h.Shapes {
		n := 1
		for _, d := range shape {
			n *= d
		}
		start := fnv.New64a()
		start.Write([]byte(name))
		one := 0.
		if strings.Contains(strings.ToLower(name), "norm") && strings.HasSuffix(name, "weight") {
			one = 1
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(one + .5*(float64(mix(start.Sum64()+uint64(i))>>11)/(1<<53)-.5))
		}
		tensors = append(tensors, safetensors.Tensor{Name: name, DType: safetensors.F32, Shape: shape, Values: values})
	}
	if err := safetensors.WriteFolder(dir, tensors, map[string]string{"format": "pt"}, 0); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(h.Config)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, ConfigName), config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// check runs one step of the head and compares logits, loss and gradients; real tells which logits the reference has.
func (h robertaHead) check(t *testing.T, e *tensor.CPU, in Input, targets Targets, real func(row int) bool) {
	m, err := Load(h.folder(t), LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var logits []float32
	if err := e.Infer(func(g *tensor.Graph) {
		y := m.Logits(g, in)
		n := y.Dim(-1)
		for row := range y.Len() / n {
			if real(row) {
				logits = append(logits, y.Value()[row*n:(row+1)*n]...)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	compare(t, "logits", logits, h.Logits, nil, 5e-6)
	loss, err := e.Step(tensor.Key{}, func(g *tensor.Graph) *tensor.Tensor { return m.Loss(g, in, targets) })
	if err != nil {
		t.Fatal(err)
	}
	near(t, "loss", loss, h.Loss, 2e-6)
	want := map[string]gradSummary{}
	for name, g := range h.Grads {
		want[name] = gradSummary{g[0], g[1], []float32{float32(g[2]), float32(g[3])}}
	}
	summarised(t, "loss", m, want)
	if len(want) != len(m.Params()) {
		t.Errorf("%d weights, the reference has gradients of %d", len(m.Params()), len(want))
	}
	back := t.TempDir()
	if err := m.Save(back, SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.OpenFolder(back)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var names []string
	for _, info := range f.Infos() {
		names = append(names, info.Name)
	}
	if slices.Sort(names); !slices.Equal(names, slices.Sorted(maps.Keys(h.Shapes))) {
		t.Errorf("saved as %q, the reference as %q", names, slices.Sorted(maps.Keys(h.Shapes)))
	}
}

// TestGoldenRoBERTa: logits, loss, gradients and names of the masked head and of the classifier. Positions begin behind the padding id, norms have
// ε 1e-5.
func TestGoldenRoBERTa(t *testing.T) {
	var want robertaGolden
	readJSONFile(t, filepath.Join("testdata", "roberta.json"), &want)
	in := Input{IDs: want.IDs, Batch: len(want.Lengths), Time: want.Time, Lengths: want.Lengths}
	onEverySet(t, func(t *testing.T, e *tensor.CPU) {
		t.Run("masked", func(t *testing.T) {
			want.Masked.check(t, e, in, Targets{Tokens: want.Labels}, func(i int) bool { return int32(i%in.Time) < in.Lengths[i/in.Time] })
		})
		t.Run("classify", func(t *testing.T) {
			want.Classify.check(t, e, in, Targets{Tokens: want.Classes}, func(int) bool { return true })
		})
	})
}
