package model

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"sluice/trainer/kernel"
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
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
	}
	return path
}

// cached gives a file of the user's cache, where the environment variable says or under sluice, or skips.
func cached(t testing.TB, env, name, hint string) string {
	t.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no user cache: ", err)
		}
		dir = filepath.Join(cache, "sluice", filepath.Dir(name))
	}
	path := filepath.Join(dir, filepath.Base(name))
	if _, err := os.Stat(path); err != nil {
		t.Skip(hint)
	}
	return path
}

func readJSONFile(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// numbers reads every tensor of a file: I64 as numbers too.
func numbers(t testing.TB, path string) map[string][]float32 {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := map[string][]float32{}
	for _, i := range f.Infos() {
		x := make([]float32, i.Len())
		if i.DType == "I64" {
			_, b, err := f.Bytes(i.Name)
			if err != nil {
				t.Fatal(err)
			}
			for j := range x {
				x[j] = float32(int64(binary.LittleEndian.Uint64(b[8*j:])))
			}
		} else if err := f.Read(i.Name, x); err != nil {
			t.Fatal(err)
		}
		m[i.Name] = x
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

func cpu(t testing.TB, threads int) *tensor.CPU {
	t.Helper()
	e, err := tensor.DefaultCPU(threads)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// onEverySet runs a test on every instruction set of this machine.
func onEverySet(t *testing.T, f func(t *testing.T, e *tensor.CPU)) {
	for _, s := range kernel.Available() {
		t.Run(s.String(), func(t *testing.T) { f(t, tensor.NewCPU(tensor.Options{Set: s, Threads: 2})) })
	}
}

// compare holds values against the reference; where nil means everywhere.
func compare(t *testing.T, what string, got, want []float32, where func(i int) bool, tolerance float64) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	worst, at := 0.0, 0
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - float64(v)); (where == nil || where(i)) && !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= tolerance) {
		t.Errorf("%s: element %d is %g, want %g (off by %.3g)", what, at, got[at], want[at], worst)
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= tolerance) {
		t.Errorf("%s: %.9g, want %.9g", what, got, want)
	}
}

// adamW is three lines of an optimiser: clip by the global norm, then the kernel's step on every tensor.
type adamW struct {
	kernel.AdamW
	moments map[string][2][]float32
	steps   int
}

func (a *adamW) step(s kernel.Set, params []*tensor.Tensor, clip float64) (norm float64) {
	if a.moments == nil {
		a.moments = map[string][2][]float32{}
	}
	for _, p := range params {
		if p.Grad() != nil {
			norm += float64(s.Dot(p.Grad(), p.Grad()))
		}
	}
	norm = math.Sqrt(norm)
	scale := 1.0
	if clip > 0 {
		scale = min(1, clip/(norm+1e-6))
	}
	a.steps++
	for _, p := range params {
		if p.Grad() == nil {
			continue
		}
		m, ok := a.moments[p.Name()]
		if !ok {
			m = [2][]float32{make([]float32, p.Len()), make([]float32, p.Len())}
			a.moments[p.Name()] = m
		}
		a.Step(s, p.Value(), p.Grad(), m[0], m[1], scale, a.steps)
	}
	tensor.ZeroGrads(params)
	return norm
}
