package half

import (
	"math"
	"testing"
)

// Every 16-bit pattern survives the way to float32 and back; NaNs stay NaNs.
func TestRoundTrip(t *testing.T) {
	for h := range 1 << 16 {
		if f := FromFloat16(uint16(h)); math.IsNaN(float64(f)) {
			if !math.IsNaN(float64(FromFloat16(Float16(f)))) {
				t.Fatalf("binary16 %04x: NaN is lost", h)
			}
		} else if got := Float16(f); got != uint16(h) {
			t.Fatalf("binary16 %04x = %g gives %04x", h, f, got)
		}
		if f := FromBFloat16(uint16(h)); math.IsNaN(float64(f)) {
			if !math.IsNaN(float64(FromBFloat16(BFloat16(f)))) {
				t.Fatalf("bfloat16 %04x: NaN is lost", h)
			}
		} else if got := BFloat16(f); got != uint16(h) {
			t.Fatalf("bfloat16 %04x = %g gives %04x", h, f, got)
		}
	}
}

// Between two neighbours of binary16 the nearer one wins, and the even one at the middle.
func TestNearest(t *testing.T) {
	for h := range uint16(0x7bff) {
		a, b := float64(FromFloat16(h)), float64(FromFloat16(h+1))
		middle := float32((a + b) / 2)
		even := h + h&1
		for f, want := range map[float32]uint16{math.Nextafter32(middle, 0): h, middle: even, math.Nextafter32(middle, 1e9): h + 1} {
			if got := Float16(f); got != want {
				t.Fatalf("%g between %g and %g gives %04x, want %04x", f, a, b, got, want)
			}
		}
	}
	for _, c := range []struct {
		f float32
		h uint16
	}{{65519.996, 0x7bff}, {65520, 0x7c00}, {-1e30, 0xfc00}, {float32(math.Copysign(0, -1)), 0x8000}, {1e-30, 0}} {
		if got := Float16(c.f); got != c.h {
			t.Errorf("%g gives %04x, want %04x", c.f, got, c.h)
		}
	}
}
