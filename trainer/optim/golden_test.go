package optim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"sluice/trainer/model"
	"sluice/trainer/model/safetensors"
	"sluice/trainer/tensor"
)

// shared gives a path in the folder of test data beside the clone, or skips.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared") // beside the directory of go.mod
	}
	path := filepath.Join(dir, "golden", "trainer", name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
	}
	return path
}

func decode(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestGoldenSchedules(t *testing.T) {
	var want map[string][]float64
	decode(t, shared(t, "schedules.json"), &want)
	for name, s := range map[string]Schedule{
		"linear_warmup_4_of_20": {Kind: "linear", Steps: 20, Warmup: 4},
		"cosine_warmup_4_of_20": {Kind: "cosine", Steps: 20, Warmup: 4},
	} {
		if len(want[name]) != 20 {
			t.Fatalf("%s: %d values", name, len(want[name]))
		}
		for i, w := range want[name] {
			if got := s.At(i); math.Abs(got-w) > 1e-12 {
				t.Errorf("%s: factor of step %d is %v, want %v", name, i, got, w)
			}
		}
	}
}

// Three steps on a small Llama: losses, norms and weights of torch.optim.AdamW with clip_grad_norm_.
func TestGoldenAdamW(t *testing.T) {
	dir := shared(t, "llama")
	m, err := model.Load(dir, model.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Steps []struct {
			Loss, After float64
			Norm        float64 `json:"grad_norm_before_clip"`
		} `json:"adamw_3_steps"`
	}
	decode(t, filepath.Join(dir, "golden.json"), &want)
	in, labels := batch(t, filepath.Join(dir, "io.safetensors"))
	var params []Param
	for _, p := range m.Params() {
		params = append(params, Param{Tensor: p.Tensor, Decay: true}) // the reference decays all
	}
	e, err := tensor.DefaultCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	o, err := New(Config{Name: "adamw", LR: 1e-2, Beta1: .9, Beta2: .95, Eps: 1e-6, Decay: .1}, params)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		tensor.ZeroGrads(m.Tensors())
		loss, err := e.Step(tensor.Key{}, func(g *tensor.Graph) *tensor.Tensor { return m.Loss(g, in, model.Targets{Tokens: labels}) })
		if err != nil {
			t.Fatal(err)
		}
		norm := GlobalNorm(e.Team(), params)
		if w := want.Steps[i]; math.Abs(loss-w.Loss) > 2e-5 || math.Abs(norm-w.Norm) > 1e-4 {
			t.Errorf("step %d: loss %v, norm %v, want %v, %v", i, loss, norm, w.Loss, w.Norm)
		}
		o.Step(e.Team(), 1, ClipFactor(norm, 1))
	}
	f, err := safetensors.Open(filepath.Join(dir, "adamw3.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range params {
		after := make([]float32, p.Len())
		if err := f.Read(p.Name(), after); err != nil {
			t.Fatal(err)
		}
		for i, v := range p.Value() {
			if d := math.Abs(float64(v - after[i])); d > 1e-4 {
				t.Fatalf("%s: element %d is off by %g", p.Name(), i, d)
			}
		}
	}
}

// batch reads the reference's input.
func batch(t *testing.T, path string) (in model.Input, labels []int32) {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ints := func(name string) []int32 {
		info, b, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]int32, info.Len())
		width := len(b) / len(out)
		for i := range out {
			out[i] = int32(binary.LittleEndian.Uint32(b[i*width:]))
		}
		return out
	}
	info, _ := f.Info("input_ids")
	in = model.Input{IDs: ints("input_ids"), Batch: info.Shape[0], Time: info.Shape[1]}
	in.Lengths = make([]int32, in.Batch)
	for i, m := range ints("attention_mask") {
		in.Lengths[i/in.Time] += m
	}
	return in, ints("labels")
}

var _ Averager = (*EMA)(nil)
var _ Averager = (*ScheduleFree)(nil)
