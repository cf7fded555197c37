package kernel

import "math"

// Softmax writes softmax(scale·x) to y (y may be x) and gives the logarithm of the sum of exp(scale·x). The row's maximum is subtracted first.
// scale must not be negative; an empty row gives -Inf.
func (s Set) Softmax(y, x []float32, scale float32) (logSum float32) {
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	top := s.Max(x) * scale
	sum := s.expSum(y, x, scale, -top)
	s.Scale(y[:len(x)], y[:len(x)], 1/sum)
	return top + float32(math.Log(float64(sum)))
}

// SoftmaxBwd turns the gradient of y = softmax(scale·x) into that of x: dx = scale·y·(dy - Σ dy·y). dx may be dy.
func (s Set) SoftmaxBwd(dx, dy, y []float32, scale float32) {
	s.softmaxBwd(dx, dy, y, s.Dot(dy[:len(y)], y), scale)
}

// LogSumExp gives log Σ exp(x).
func (s Set) LogSumExp(x []float32) float32 {
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	top := s.Max(x)
	var tmp [256]float32
	sum := float32(0)
	for i := 0; i < len(x); i += len(tmp) {
		part := x[i:min(len(x), i+len(tmp))]
		sum += s.expSum(tmp[:len(part)], part, 1, -top)
	}
	return top + float32(math.Log(float64(sum)))
}

// ExpShift writes exp(scale·x - shift) to y (y may be x) and gives the sum.
func (s Set) ExpShift(y, x []float32, scale, shift float32) (sum float32) {
	return s.expSum(y, x, scale, -shift)
}
