package text

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func sketch(t testing.TB, s string) (tokens, shingles int, slots []uint32) {
	t.Helper()
	var tk Tokeniser
	f, err := NewFSS(128, 0)
	if err != nil {
		t.Fatal(err)
	}
	h := tk.Hashes(s)
	sh := AppendShingles(nil, h, 5)
	return len(h), len(sh), f.Sketch(sh)
}

// The worked example: values computed by hand from the definitions, and by an independent program.
func TestWorkedExample(t *testing.T) {
	if got := HashToken([]byte("the")); got != 0x1e389af1c0ec2bfc {
		t.Errorf("hash of the: %x", got)
	}
	var tk Tokeniser
	if got := AppendShingles(nil, tk.Hashes("The quick brown fox jumps over the lazy dog."), 5)[0]; got != 0x853266f2021afc5b {
		t.Errorf("shingle 0: %x", got)
	}
	for _, c := range []struct {
		in               string
		tokens, shingles int
		slots, bands     string
	}{
		{"The quick brown fox jumps over the lazy dog.", 9, 5, "03e7507e d7adefa0 0ce72715", "11b1427b3d8459f5 6e128f739315ea29"},
		{"the QUICK-brown, fox: jumps over the lazy dog", 9, 5, "03e7507e d7adefa0 0ce72715", "11b1427b3d8459f5 6e128f739315ea29"},
		{"The quick brown fox jumps over the lazy cat.", 9, 5, "52c085a8 d7adefa0 aad49acb", "106f7ef9ce4c7c56 09661281c3cb69c8"},
		{"one two three", 3, 1, "ac64c2d6 bb12c852 0d104f14", "48b996e38c84122c 2f0534a4a30b5b60"},
	} {
		tokens, shingles, s := sketch(t, c.in)
		keys := AppendBands(nil, s, 14, 8)
		if tokens != c.tokens || shingles != c.shingles {
			t.Errorf("%q: %d tokens, %d shingles, want %d, %d", c.in, tokens, shingles, c.tokens, c.shingles)
		}
		if got := fmt.Sprintf("%08x %08x %08x", s[0], s[1], s[2]); got != c.slots {
			t.Errorf("%q: slots %s, want %s", c.in, got, c.slots)
		}
		if got := fmt.Sprintf("%016x %016x", keys[0], keys[13]); got != c.bands {
			t.Errorf("%q: bands %s, want %s", c.in, got, c.bands)
		}
	}
	// dog and cat share 4 of 6 shingles: 92 of 128 slots and 93 low bytes agree, 2 of 14 bands.
	_, _, dog := sketch(t, "The quick brown fox jumps over the lazy dog.")
	_, _, cat := sketch(t, "The quick brown fox jumps over the lazy cat.")
	slots, bands := 0, 0
	for i := range dog {
		if dog[i] == cat[i] {
			slots++
		}
	}
	a, b := AppendBands(nil, dog, 14, 8), AppendBands(nil, cat, 14, 8)
	for i := range a {
		if a[i] == b[i] {
			bands++
		}
	}
	est := Estimate(AppendLowBytes(nil, dog), AppendLowBytes(nil, cat))
	if slots != 92 || bands != 2 || math.Abs(est-(93.0/128-1.0/256)/(1-1.0/256)) > 1e-12 {
		t.Errorf("dog, cat: %d slots, %d bands, estimate %v", slots, bands, est)
	}
}

// naive is the definition of the sketch, word for word, for any k.
func naive(shingles []uint64, k int) []uint32 {
	log := int(math.Log2(float64(k)))
	v := make([]uint64, k)
	for i := range v {
		v[i] = empty
	}
	for r := 0; r < 2*k && slices.Contains(v, empty); r++ {
		for _, h := range shingles {
			x := h
			if r > 0 {
				x = mum(h^(uint64(r)*phi+k3), k0)
			}
			b, y := x>>(64-log), uint64(r)<<(63-log)|x<<log>>log>>1
			if r >= k {
				b, y = uint64(r-k), uint64(r)<<(63-log)|x>>(log+1)
			}
			v[b] = min(v[b], y)
		}
	}
	slots := make([]uint32, k)
	for i := range v {
		slots[i] = uint32(v[i] * phi >> 32)
	}
	return slots
}

func TestSketchIsItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range []int{128, 256, 512} {
		f, err := NewFSS(k, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 2, 40, 300, 3000} {
			sh := make([]uint64, n)
			for i := range sh {
				sh[i] = r.Uint64()
			}
			want := naive(sh, k)
			if !slices.Equal(f.Sketch(sh), want) {
				t.Fatalf("k=%d n=%d: sketch differs from its definition", k, n)
			}
			r.Shuffle(n, func(i, j int) { sh[i], sh[j] = sh[j], sh[i] })
			if !slices.Equal(f.Sketch(append(sh, sh...)), want) {
				t.Fatalf("k=%d n=%d: order or repeats matter", k, n)
			}
		}
	}
	if f, _ := NewFSS(128, 0); f.Sketch(nil) != nil {
		t.Error("an empty set has a sketch")
	}
	if _, err := NewFSS(100, 0); err == nil {
		t.Error("100 slots were taken")
	}
}

func TestSeedsMakeOtherSketches(t *testing.T) {
	a, _ := NewFSS(128, 0)
	b, _ := NewFSS(128, 1)
	sh := []uint64{1, 2, 3}
	x, y := slices.Clone(a.Sketch(sh)), b.Sketch(sh)
	equal := 0
	for i := range x {
		if x[i] == y[i] {
			equal++
		}
	}
	if equal > 0 {
		t.Errorf("%d of 128 slots equal under another seed", equal)
	}
}

// The error of the estimate is that of MinHash or less: RMSE ≤ 1.05 · sqrt(J(1-J)/k), by size of the sets.
func TestEstimateError(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, k := range []int{128, 256, 512} {
		f, _ := NewFSS(k, 0)
		for _, n := range []int{20, 80, 400} {
			var se, theory float64
			pairs := 600
			if testing.Short() {
				pairs = 200
			}
			for range pairs {
				common := 1 + r.IntN(n-1)
				x := make([]uint64, 2*n-common)
				for i := range x {
					x[i] = r.Uint64()
				}
				j := float64(common) / float64(len(x))
				a := AppendLowBytes(nil, f.Sketch(x[:n]))
				b := AppendLowBytes(nil, f.Sketch(x[n-common:]))
				d := Estimate(a, b) - j
				se += d * d
				theory += j * (1 - j) / float64(k)
			}
			if ratio := math.Sqrt(se / theory); ratio > 1.1 {
				t.Errorf("k=%d, sets of %d: RMSE is %.2f of MinHash's", k, n, ratio)
			}
		}
	}
}

func TestEstimateCountsBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 200 {
		a, b := make([]byte, 128), make([]byte, 128)
		m := 0
		for i := range a {
			a[i], b[i] = byte(r.Uint32()), byte(r.Uint32()&0x81)
			if r.IntN(2) == 0 {
				b[i] = a[i]
			}
			if a[i] == b[i] {
				m++
			}
		}
		if got, want := Estimate(a, b), max(0, (float64(m)/128-1.0/256)/(1-1.0/256)); got != want {
			t.Fatalf("%d equal bytes: %v, want %v", m, got, want)
		}
	}
	if Estimate(nil, nil) != 0 || Estimate([]byte{1}, []byte{1, 2}) != 0 {
		t.Error("sketches of other lengths compare")
	}
}

func TestJaccard(t *testing.T) {
	enc := func(hs ...uint64) []byte {
		for i := range hs {
			hs[i] <<= 32
		}
		b, _ := AppendSet(nil, hs, nil)
		return b
	}
	for _, c := range []struct {
		a, b []byte
		want float64
	}{
		{enc(1, 2, 3), enc(4, 3, 2, 2), .5},
		{enc(0, 1<<31), enc(0, 1<<31), 1},
		{enc(7), enc(8), 0},
		{nil, enc(8), 0},
		{nil, nil, 0},
	} {
		if got := Jaccard(c.a, c.b); got != c.want {
			t.Errorf("Jaccard(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
