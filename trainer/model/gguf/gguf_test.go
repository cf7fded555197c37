package gguf

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func values(n int, f func(i int) float32) func() []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = f(i)
	}
	return func() []float32 { return x }
}

func sample() ([]KV, []Tensor) {
	wave := func(i int) float32 { return float32(math.Sin(float64(i)*.7)) * 3 }
	return []KV{
			{"general.architecture", "llama"}, {"n", uint32(7)}, {"long", uint64(1) << 40}, {"minus", int32(-3)}, {"eps", float32(1e-5)}, {"yes", true}, {"no", false},
			{"words", []string{"a", "", "ß"}}, {"types", []int32{1, -6}}, {"many", []uint32{3}}, {"scores", []float32{.5, -1}},
		}, []Tensor{
			{"norm", F32, []int{5}, values(5, wave)}, {"half", F16, []int{3, 7}, values(21, wave)},
			{"eight", Q8_0, []int{3, 64}, values(192, wave)}, {"four", Q4_0, []int{2, 32}, values(64, wave)},
		}
}

func encode(t testing.TB, keys []KV, tensors []Tensor) []byte {
	var b bytes.Buffer
	if err := Write(&b, keys, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is written is read, and what was read and rounded once does not change when it is written again.
func TestRoundTrip(t *testing.T) {
	keys, tensors := sample()
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := WriteFile(path, keys, tensors); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := Metadata{"general.architecture": "llama", "n": uint64(7), "long": uint64(1) << 40, "minus": int64(-3), "eps": float64(float32(1e-5)), "yes": true,
		"no": false, "words": []string{"a", "", "ß"}, "types": []int64{1, -6}, "many": []uint64{3}, "scores": []float64{.5, -1}}
	if !reflect.DeepEqual(f.Meta, want) {
		t.Errorf("metadata %v, want %v", f.Meta, want)
	}
	if n, ok := f.Meta.Int("minus"); n != -3 || !ok {
		t.Errorf("minus = %d", n)
	}
	if _, ok := f.Meta.Int("eps"); ok {
		t.Error("eps is no integer")
	}
	// Largest errors: half a step of the block, whose step is max/127 or max/8 (the positive side of Q4_0 ends at 7 steps), beside the rounded scale.
	bounds := map[string]float64{"norm": 0, "half": 3.0 / 2048, "eight": 3.0/254 + .002, "four": 3.0/8 + .002}
	again := slices.Clone(tensors)
	for i, w := range tensors {
		info, ok := f.Info(w.Name)
		if !ok || info.Format != w.Format || !slices.Equal(info.Shape, w.Shape) {
			t.Fatalf("%s: %+v", w.Name, info)
		}
		got := make([]float32, info.Len())
		if err := f.Read(w.Name, got); err != nil {
			t.Fatal(err)
		}
		for j, v := range w.Values() {
			if d := math.Abs(float64(v - got[j])); !(d <= bounds[w.Name]) {
				t.Errorf("%s[%d] = %g, want %g", w.Name, j, got[j], v)
			}
		}
		again[i].Values = func() []float32 { return got }
	}
	b, _ := os.ReadFile(path)
	if twice := encode(t, keys, again); !bytes.Equal(b, twice) {
		t.Error("rounding twice is not rounding once")
	}
}

// Blocks worked by hand.
func TestBlocks(t *testing.T) {
	x := make([]float32, 32)
	x[0], x[1], x[16], x[17] = 1, -2, .25, -.125
	b := Q4_0.encode(nil, x)
	want := append([]byte{0x00, 0x34, 12 | 9<<4, 0 | 8<<4}, bytes.Repeat([]byte{0x88}, 14)...) // d = .25
	if !bytes.Equal(b, want) {
		t.Errorf("Q4_0 % x, want % x", b, want)
	}
	got := make([]float32, 32)
	Q4_0.decode(got, b)
	if got[0] != 1 || got[1] != -2 || got[16] != .25 || got[17] != 0 {
		t.Errorf("Q4_0 back: %v", got)
	}
	b = Q8_0.encode(nil, x)
	if d := binary.LittleEndian.Uint16(b); d != 0x2408 || int8(b[2]) != 64 || int8(b[3]) != -127 || int8(b[18]) != 16 {
		t.Errorf("Q8_0 % x", b)
	}
	// Q4_1: d = .5, m = -1, nibbles 3 (low) and 15 (high) in byte 0.
	b = append([]byte{0x00, 0x38, 0x00, 0xbc, 0xf3}, make([]byte, 15)...)
	Q4_1.decode(got, b)
	if got[0] != .5 || got[16] != 6.5 || got[1] != -1 {
		t.Errorf("Q4_1: %v", got)
	}
	BF16.decode(got[:1], []byte{0x80, 0x3f})
	if got[0] != 1 {
		t.Errorf("BF16: %v", got[0])
	}
}

func TestBadFiles(t *testing.T) {
	keys, tensors := sample()
	good := encode(t, keys, tensors)
	for n := range len(good) - 1 { // cut anywhere: an error, never a panic
		if _, err := Parse("cut.gguf", good[:n]); err == nil && n < len(good)-31 {
			t.Fatalf("cut at %d of %d: no error", n, len(good))
		} else if err != nil && !strings.Contains(err.Error(), "cut.gguf") {
			t.Fatalf("cut at %d: %v does not name the file", n, err)
		}
	}
	patch := func(at int, b ...byte) []byte {
		x := slices.Clone(good)
		copy(x[at:], b)
		return x
	}
	ff := bytes.Repeat([]byte{0xff}, 8)
	shape := bytes.Index(good, []byte("eight")) + 5 + 4
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"magic":      {patch(0, 'X'), "no GGUF"},
		"version":    {patch(4, 9), "version 9"},
		"tensors":    {patch(8, ff...), "tensors cannot lie"},
		"keys":       {patch(16, ff...), "keys cannot lie"},
		"key length": {patch(24, ff...), "are left"},
		"dimension":  {patch(shape, ff...), `"eight"`},
		"large":      {patch(shape+8, 0, 0, 0, 0, 1), `"eight"`},
		"format":     {patch(shape+16, 12), "format 12"},
		"offset":     {patch(shape+20, 0, 0, 0, 0, 0, 0, 0, 9), `"eight"`},
		"unaligned":  {patch(shape+20, 1), "alignment"},
		"overlap":    {patch(shape+20, 0, 0), "overlap"},
		"twice":      {encode(t, append(keys, KV{"n", true}), nil), "twice"},
		"same name":  {encode(t, nil, []Tensor{tensors[0], tensors[0]}), "twice"},
		"alignment":  {encode(t, []KV{{"general.alignment", uint32(0)}}, nil), "alignment"},
	} {
		if _, err := Parse("bad.gguf", c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for name, w := range map[string]Tensor{
		"rows":   {"w", Q8_0, []int{2, 33}, values(66, func(int) float32 { return 0 })},
		"values": {"w", F32, []int{2}, values(3, func(int) float32 { return 0 })},
		"format": {"w", Q4_1, []int{32}, values(32, func(int) float32 { return 0 })},
	} {
		if err := Write(&bytes.Buffer{}, nil, []Tensor{w}); err == nil {
			t.Errorf("writing, %s: no error", name)
		}
	}
	if err := Write(&bytes.Buffer{}, []KV{{"x", 1i}}, nil); err == nil {
		t.Error("writing a complex number: no error")
	}
	f, err := Parse("x", good)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"none", "norm"} {
		if err := f.Read(name, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("reading %s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	keys, tensors := sample()
	f.Add(encode(f, keys, tensors))
	f.Add(encode(f, keys[:3], nil))
	nested := append([]byte("GGUF\x03\x00\x00\x00"), make([]byte, 8)...)
	nested = append(nested, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 'k')
	for range 8 {
		nested = append(nested, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)
	}
	f.Add(nested)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Parse("fuzz", b)
		if err != nil {
			return
		}
		for _, i := range x.Infos() {
			if i.Len() > 16*len(b) {
				t.Fatalf("%q: %v elements in %d bytes", i.Name, i.Shape, len(b))
			}
			if err := x.Read(i.Name, make([]float32, i.Len())); err != nil {
				t.Fatal(err)
			}
		}
		for _, k := range x.Meta.Keys() {
			x.Meta.Int(k)
			x.Meta.Ints(k)
			x.Meta.Floats(k)
		}
	})
}
