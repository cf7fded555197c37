package trainer

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestBF16LossAsFloat32: 200 steps with matrix products on bfloat16 end, and validate, within 1 % of the same steps in float32, and the run is not
// float32 under another name.
func TestBF16LossAsFloat32(t *testing.T) {
	c := tiny(t, Causal, sentences(200, 1))
	c.Steps, c.Eval.Every = 200, 200
	if os.Getenv("SLUICE_LONG") != "" {
		text, valid := shakespeare(t)
		c = shakespeareConfig(text, valid)
		c.Steps, c.Eval.Every = 200, 200
	}
	dirs := [2]string{filepath.Join(t.TempDir(), "fp32"), filepath.Join(t.TempDir(), "bf16")}
	var loss [2]float64
	for i, dir := range dirs {
		c.BF16 = i == 1
		loss[i] = train(t, c, Options{Dir: dir}).Validation.Loss
	}
	t.Logf("validation loss %.4f in float32, %.4f in bfloat16", loss[0], loss[1])
	if math.Abs(loss[1]-loss[0]) > .01*loss[0] {
		t.Errorf("validation loss %.4f, in float32 %.4f: more than 1 %% apart", loss[1], loss[0])
	}
	if weights(t, dirs[0]) == weights(t, dirs[1]) {
		t.Error("bf16 changes no weight")
	}
}

// TestBF16Threads: bfloat16 has the same bits for one and two threads, too.
func TestBF16Threads(t *testing.T) {
	c := tiny(t, Causal, sentences(100, 1))
	c.Steps, c.BF16 = 20, true
	var got [2]string
	for i := range got {
		c.Threads = i + 1
		dir := t.TempDir()
		train(t, c, Options{Dir: dir})
		got[i] = weights(t, dir)
	}
	if got[0] != got[1] {
		t.Error("two threads give other weights than one")
	}
}
