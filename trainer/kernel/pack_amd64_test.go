package kernel

import (
	"slices"
	"testing"
)

// TestPack compares the packers with their twins. They are AVX2 code for both x86 sets, so that the wide panels of AVX-512 are tested without it.
func TestPack(t *testing.T) {
	if !slices.Contains(Available(), AVX2) {
		t.Skip("no AVX2")
	}
	r := newRand(41)
	for _, s := range []Set{AVX2, AVX512} {
		g := s.geometry()
		w := &Worker{Set: s}
		for _, kc := range []int{1, 3, 8, 9, 17} {
			for _, nc := range []int{1, 5, 15, 16, 17, 31, 32, 33, 48, 65, 100} {
				size := (nc + g.nr) * kc
				src, ld := matrix(normal(r, kc*nc), kc, nc, false, 3)
				src = src[:len(src)-3] // nothing behind the last row
				got, want := make([]float32, size), make([]float32, size)
				w.packRows(got, src, ld, kc, nc, g.nr)
				packRowsGo(want, src, ld, kc, nc, g.nr)
				if !slices.Equal(got, want) {
					t.Fatalf("%v: packRows kc=%d nc=%d", s, kc, nc)
				}
				turned := make([]float32, nc*kc) // [nc][kc], the NT form of the same matrix
				for k := range kc {
					for j := range nc {
						turned[j*kc+k] = src[k*ld+j]
					}
				}
				p := &product{lay: NT, b: turned, ldb: kc}
				w.b = make([]float32, size)
				w.pack(p, g, 0, kc, 0, nc)
				if !slices.Equal(w.b, want) {
					t.Fatalf("%v: turned kc=%d nc=%d", s, kc, nc)
				}
				if mr := min(nc, g.mr); mr > 0 {
					got, want := make([]float32, kc*mr+16), make([]float32, kc*mr+16)
					w.copyColumns(got, src, ld, kc, mr, mr)
					copyColumnsGo(want, src, ld, kc, mr, mr)
					if !slices.Equal(got[:kc*mr], want[:kc*mr]) {
						t.Fatalf("%v: copyColumns kc=%d mr=%d", s, kc, mr)
					}
				}
			}
		}
	}
}
