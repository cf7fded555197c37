package kernel

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	have := Available()
	if s, err := Choose(""); err != nil || s != have[0] {
		t.Errorf("the best is %v, %v; want %v", s, err, have[0])
	}
	if s, err := Choose("scalar"); err != nil || s != Scalar {
		t.Errorf("scalar: %v, %v", s, err)
	}
	if _, err := Choose("sse9"); err == nil || !strings.Contains(err.Error(), `"sse9" is unknown`) {
		t.Errorf("sse9: %v", err)
	}
	lacking := "neon"
	if have[0] == NEON {
		lacking = "avx2"
	}
	t.Setenv(Env, lacking)
	if _, err := Default(); err == nil || !strings.Contains(err.Error(), Env+": kernel set "+lacking+": this CPU cannot run it, it has") {
		t.Errorf("%s: %v", lacking, err)
	}
	for _, s := range have {
		t.Setenv(Env, s.String())
		if got, err := Default(); got != s || err != nil {
			t.Errorf("%s=%v: %v, %v", Env, s, got, err)
		}
	}
}

// Checkpoints tell sets apart whose sums differ in bits: a matrix unit, pairs of bfloat16, or rounded float32.
func TestKernelsTellBF16Apart(t *testing.T) {
	for _, s := range Available() {
		plain, half := s.Kernels(false), s.Kernels(true)
		if plain != s.String() || !strings.HasPrefix(half, plain+" ") {
			t.Errorf("%v is called %q, with bfloat16 %q", s, plain, half)
		}
	}
	if got := Scalar.Kernels(true); got != "scalar rounded" {
		t.Errorf("scalar with bfloat16 is called %q", got)
	}
}
