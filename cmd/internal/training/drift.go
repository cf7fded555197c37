package training

import (
	"fmt"
	"math"
	"slices"

	"sluice/trainer/model"
)

// A Drift is what storing weights has cost.
type Drift struct {
	Weights  int
	Relative float64 // root mean square of the differences, over that of the weights
}

// A DriftError is a weight that differs by more than its format explains.
type DriftError struct {
	Tensor      string
	Shape       []int
	At          int
	Was, Is, By float64
}

func (e *DriftError) Error() string {
	return fmt.Sprintf("tensor %q %v: element %d was %g and is %g, which is more than the %g that rounding explains", e.Tensor, e.Shape, e.At, e.Was, e.Is, e.By)
}

// blockLen is the number of weights that share a scale in the quantised formats.
const blockLen = 32

// Half a step of half-precision numbers that are no longer normal.
const tiny = 1.0 / (1 << 25)

// slack is the part of a bound that the arithmetic of float32 may take.
const slack = 1.01

// rounding gives the most by which storing may change a weight v in a block whose largest weight is most, by format.
//
//	q8_0: the scale is most/127, rounded to a half: v is off by half a step, and 127 steps by what the scale is off
//	q4_0: the scale is most/8: from -8 to 7 steps, so that the largest weight may be off by a whole step
var rounding = map[string]func(v, most float64) float64{
	"f32":  func(v, most float64) float64 { return 0 },
	"f16":  func(v, most float64) float64 { return v/(1<<11) + tiny },
	"bf16": func(v, most float64) float64 { return v / (1 << 8) },
	"q8_0": func(v, most float64) float64 { return slack * (most/254 + most/(1<<11) + 127*tiny) },
	"q4_0": func(v, most float64) float64 { return slack * (most/8 + most/(1<<11) + 8*tiny) },
}

// Compare holds a model that was stored in format against what it was.
func Compare(was, is *model.Model, format string) (Drift, error) {
	if err := sameShape(&was.Config, &is.Config); err != nil {
		return Drift{}, err
	}
	bound, ok := rounding[format]
	if !ok {
		return Drift{}, fmt.Errorf("unknown format %q", format)
	}
	var d Drift
	var square, total float64
	for _, p := range was.Params() {
		twin := is.Param(p.Name())
		if twin == nil || !slices.Equal(twin.Shape(), p.Shape()) {
			return d, fmt.Errorf("tensor %q %v is not there as it was", p.Name(), p.Shape())
		}
		a, b := p.Value(), twin.Value()
		for begin := 0; begin < len(a); begin += blockLen {
			end, most := min(begin+blockLen, len(a)), 0.0
			for _, v := range a[begin:end] {
				most = max(most, math.Abs(float64(v)))
			}
			for i := begin; i < end; i++ {
				x, y := float64(a[i]), float64(b[i])
				if by := bound(math.Abs(x), most); !(math.Abs(x-y) <= by) {
					return d, &DriftError{p.Name(), p.Shape(), i, x, y, by}
				}
				square += (x - y) * (x - y)
				total += x * x
			}
		}
		d.Weights += len(a)
	}
	if total > 0 {
		d.Relative = math.Sqrt(square / total)
	}
	return d, nil
}

// sameShape compares what a file says of a model beside its weights. GGUF keeps some numbers as float32.
func sameShape(a, b *model.Config) error {
	near := func(x, y float64) bool { return math.Abs(x-y) <= 1e-6*max(math.Abs(x), math.Abs(y)) }
	for _, f := range []struct {
		name string
		same bool
	}{
		{"family", a.Family == b.Family}, {"head", a.Head == b.Head}, {"heads", a.Heads == b.Heads}, {"key and value heads", a.KVHeads == b.KVHeads},
		{"length of heads", a.HeadDim == b.HeadDim}, {"positions", a.Positions == b.Positions}, {"epsilon", near(a.Eps, b.Eps)},
		{"rotary base", near(a.Rope.Theta, b.Rope.Theta)}, {"rotary factor", near(a.Rope.Factor, b.Rope.Factor)}, {"labels", a.Head != model.Classify && a.Head != model.Tag || slices.Equal(a.Labels, b.Labels)},
	} {
		if !f.same {
			return fmt.Errorf("other %s than before", f.name)
		}
	}
	return nil
}
