package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func sample() []Tensor {
	return []Tensor{
		{"b.weight", F32, []int{2, 3}, []float32{1, -2, 3.5, 0, float32(math.Inf(1)), 1e-40}},
		{"a.bias", F32, []int{3}, []float32{1, 2, 3}},
		{"scalar", F32, nil, []float32{7}},
		{"empty", F32, []int{0, 4}, nil},
	}
}

func encode(t testing.TB, tensors []Tensor, meta map[string]string) []byte {
	var b bytes.Buffer
	if err := Write(&b, tensors, meta); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A hand-worked file, byte for byte: names sorted, header filled to a multiple of eight, values little-endian.
func TestWriteBytes(t *testing.T) {
	got := encode(t, []Tensor{{"b", F16, []int{1}, []float32{1}}, {"a", F32, []int{2}, []float32{1, -2}}}, map[string]string{"format": "pt"})
	head := `{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}}`
	head += strings.Repeat(" ", (8-len(head)%8)%8)
	want := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	want = append(want, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0x3c)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, d := range []DType{F32, F16, BF16} {
		tensors := sample()
		for i := range tensors {
			tensors[i].DType = d
		}
		b := encode(t, tensors, map[string]string{"step": "3"})
		slices.Reverse(tensors)
		if again := encode(t, tensors, map[string]string{"step": "3"}); !bytes.Equal(b, again) {
			t.Errorf("%s: the order of tensors changes the bytes", d)
		}
		f, err := Parse("x", b)
		if err != nil {
			t.Fatal(err)
		}
		if f.Metadata()["step"] != "3" || len(f.Infos()) != 4 {
			t.Errorf("%s: metadata %v, tensors %v", d, f.Metadata(), f.Infos())
		}
		for _, want := range tensors {
			got := make([]float32, len(want.Values))
			if err := f.Read(want.Name, got); err != nil {
				t.Fatal(err)
			}
			if d == F32 && !slices.Equal(got, want.Values) {
				t.Errorf("%s: %v, want %v", want.Name, got, want.Values)
			}
			want.Values = got // already rounded: a second trip changes nothing
			if again := encode(t, []Tensor{want}, nil); d != F32 {
				g, _ := Parse("y", again)
				twice := make([]float32, len(got))
				if err := g.Read(want.Name, twice); err != nil || !slices.Equal(got, twice) {
					t.Errorf("%s %s: rounding twice gives %v, once %v (%v)", d, want.Name, twice, got, err)
				}
			}
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	read := func() map[string]int {
		t.Helper()
		d, err := OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		at := map[string]int{}
		for _, i := range d.Infos() {
			x := make([]float32, i.Len())
			if err := d.File(i.Name).Read(i.Name, x); err != nil {
				t.Error(err)
			}
			at[i.Name] = len(x)
		}
		return at
	}
	for _, limit := range []int64{36, 0, 1, 1 << 20} { // several files, then one again: nothing of the former stays
		if err := WriteFolder(dir, sample(), nil, limit); err != nil {
			t.Fatal(err)
		}
		if at := read(); len(at) != 4 || at["b.weight"] != 6 {
			t.Errorf("limit %d: %v", limit, at)
		}
		entries, _ := os.ReadDir(dir)
		if want := map[int64]int{0: 1, 1 << 20: 1, 36: 3, 1: 5}[limit]; len(entries) != want {
			t.Errorf("limit %d: %v, want %d files", limit, entries, want)
		}
	}
	if err := WriteFolder(dir, sample(), nil, 36); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, IndexName))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"a path":            {`"model-00001-of-00002.safetensors"`, `"../model.safetensors"`},
		"a missing tensor":  {`"a.bias"`, `"other"`},
		"a stray tensor":    {`"a.bias": "model-00001-of-00002.safetensors",`, ``},
		"a missing file":    {`model-00002-of-00002`, `model-00009-of-00002`},
		"broken JSON":       {`{`, ``},
		"another JSON type": {`"weight_map": {`, `"weight_map": 3, "x": {`},
	} {
		if err := os.WriteFile(filepath.Join(dir, IndexName), bytes.Replace(b, []byte(c[0]), []byte(c[1]), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := OpenFolder(dir); err == nil {
			t.Errorf("%s: no error", name)
			d.Close()
		}
	}
	if _, err := OpenFolder(t.TempDir()); err == nil || !strings.Contains(err.Error(), SingleName) {
		t.Errorf("empty folder: %v", err)
	}
}

func withHeader(head string, data int) []byte {
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	return append(b, make([]byte, data)...)
}

func TestBadFiles(t *testing.T) {
	one := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"w":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":          {nil, "too few"},
		"short":          {[]byte("1234567"), "too few"},
		"huge header":    {binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "header's length"},
		"no JSON":        {withHeader("[]", 0), "no JSON object"},
		"cut JSON":       {withHeader(`{"w":`, 0), "header"},
		"twice":          {withHeader(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "twice"},
		"dtype":          {withHeader(one("Q4", "[1]", "[0,1]"), 1), `"w"`},
		"negative":       {withHeader(one("F32", "[-1]", "[0,4]"), 4), "impossible shape"},
		"overflow":       {withHeader(one("F32", "[4294967296,4294967296,4294967296]", "[0,4]"), 4), "impossible shape"},
		"size":           {withHeader(one("F32", "[2]", "[0,4]"), 4), "needs 8 bytes"},
		"cut":            {withHeader(one("F32", "[2]", "[0,8]"), 7), "cut short"},
		"hole":           {withHeader(one("F32", "[1]", "[4,8]"), 8), "hole"},
		"rest":           {withHeader(one("F32", "[1]", "[0,4]"), 5), "behind the last"},
		"reversed":       {withHeader(one("F32", "[0]", "[4,0]"), 4), "needs 0 bytes"},
		"behind header":  {withHeader(`{}x`, 0), "behind the JSON"},
		"fraction":       {withHeader(one("F32", "[1.5]", "[0,4]"), 4), `"w"`},
		"three offsets ": {withHeader(`{"w":{"dtype":"F32","shape":[1],"data_offsets":"x"}}`, 4), `"w"`},
	} {
		if _, err := Parse("bad.safetensors", c.b); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.safetensors") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	f, err := Parse("x", withHeader(one("I64", "[1]", "[0,8]"), 8))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		n    int
		want string
	}{{"w", 1, "I64"}, {"v", 1, "no tensor"}} {
		if err := f.Read(c.name, make([]float32, c.n)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("reading %s: %v", c.name, err)
		}
	}
	for _, bad := range [][]Tensor{
		{{"w", "I64", []int{1}, []float32{1}}},
		{{"w", F32, []int{2}, []float32{1}}},
		{{"w", F32, []int{1}, []float32{1}}, {"w", F32, []int{1}, []float32{1}}},
		{{metadataKey, F32, []int{1}, []float32{1}}},
	} {
		if err := Write(&bytes.Buffer{}, bad, nil); err == nil {
			t.Errorf("writing %v: no error", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, sample(), map[string]string{"a": "b"}))
	f.Add(withHeader(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	f.Add(withHeader(`{"__metadata__":{},"w":{"dtype":"BF16","shape":[0,9],"data_offsets":[0,0]}}   `, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Parse("fuzz", b)
		if err != nil {
			return
		}
		var out []Tensor
		for _, i := range x.Infos() {
			if _, raw, err := x.Bytes(i.Name); err != nil || len(raw) != i.Len()*sizes[i.DType] {
				t.Fatalf("%q: %d bytes, %v", i.Name, len(raw), err)
			}
			if i.DType.Float() {
				values := make([]float32, i.Len())
				if err := x.Read(i.Name, values); err != nil {
					t.Fatal(err)
				}
				out = append(out, Tensor{i.Name, i.DType, i.Shape, values})
			}
		}
		again, err := Parse("again", encode(t, out, x.Metadata()))
		if err != nil || len(again.Infos()) != len(out) {
			t.Fatalf("written again: %v", err)
		}
	})
}
