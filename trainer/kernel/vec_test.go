package kernel

import (
	"math"
	"testing"
)

// lengths leave every tail of every vector width.
var lengths = []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 257}

// apply makes the expected values from inputs in float64.
func apply(n int, f func(i int) float64) []float64 {
	y := make([]float64, n)
	for i := range y {
		y[i] = f(i)
	}
	return y
}

func cdf(x float64) float64     { return 0.5 * math.Erfc(-x/math.Sqrt2) }
func density(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
func logistic(x float64) float64 {
	return 1 / (1 + math.Exp(-x))
}

// TestExp: relative error at most 1.5e-7 over the range, clamped outside, NaN stays.
func TestExp(t *testing.T) {
	eachSet(t, func(t *testing.T, s Set) {
		const n = 1 << 17
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = -87 + 175*float32(i)/n
		}
		s.Exp(y, x)
		worst := 0.0
		for i, v := range x {
			want := math.Exp(float64(v))
			worst = max(worst, math.Abs(float64(y[i])-want)/want)
		}
		t.Logf("largest relative error %.3g", worst)
		if worst > 1.5e-7 {
			t.Errorf("relative error %.3g", worst)
		}
		in := []float32{-1000, 1000, float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.NaN()), 0}
		out := make([]float32, len(in))
		s.Exp(out, in)
		if out[0] > 2e-38 || out[1] < 1e38 || out[2] != out[0] || out[3] != out[1] || out[4] == out[4] || out[5] != 1 {
			t.Errorf("exp of %v is %v", in, out)
		}
	})
}

func TestActivations(t *testing.T) {
	r := newRand(11)
	tanhForm := func(x float64) float64 {
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	slope := func(f func(float64) float64, x float64) float64 { return (f(x+1e-5) - f(x-1e-5)) / 2e-5 }
	eachSet(t, func(t *testing.T, s Set) {
		for _, n := range lengths {
			x, dy, b, was := normal(r, n), normal(r, n), normal(r, n), normal(r, n)
			for i := range x {
				x[i] *= 3
			}
			X, DY, B := wide(x), wide(dy), wide(b)
			y, z := make([]float32, n), make([]float32, n)
			s.GeluTanh(y, x)
			near(t, "GeluTanh", y, apply(n, func(i int) float64 { return tanhForm(X[i]) }), 6e-7)
			s.GeluErf(y, x)
			near(t, "GeluErf", y, apply(n, func(i int) float64 { return X[i] * cdf(X[i]) }), 1e-6)
			s.Swiglu(y, x, b)
			near(t, "Swiglu", y, apply(n, func(i int) float64 { return X[i] * logistic(X[i]) * B[i] }), 6e-7)

			tanhGrad := apply(n, func(i int) float64 { return DY[i] * slope(tanhForm, X[i]) })
			s.GeluTanhBwd(y, dy, x)
			near(t, "GeluTanhBwd", y, tanhGrad, 2e-6)
			copy(z, was)
			s.GeluTanhBwdAdd(z, dy, x)
			near(t, "GeluTanhBwdAdd", z, apply(n, func(i int) float64 { return tanhGrad[i] + float64(was[i]) }), 2e-6)
			erfGrad := apply(n, func(i int) float64 { return DY[i] * (cdf(X[i]) + X[i]*density(X[i])) })
			s.GeluErfBwd(y, dy, x)
			near(t, "GeluErfBwd", y, erfGrad, 1e-6)
			copy(z, was)
			s.GeluErfBwdAdd(z, dy, x)
			near(t, "GeluErfBwdAdd", z, apply(n, func(i int) float64 { return erfGrad[i] + float64(was[i]) }), 1e-6)

			da := apply(n, func(i int) float64 { l := logistic(X[i]); return DY[i] * B[i] * l * (1 + X[i]*(1-l)) })
			db := apply(n, func(i int) float64 { return DY[i] * X[i] * logistic(X[i]) })
			s.SwigluBwd(y, z, dy, x, b)
			near(t, "SwigluBwd da", y, da, 2e-6)
			near(t, "SwigluBwd db", z, db, 2e-6)
			copy(y, was)
			copy(z, was)
			s.SwigluBwdAdd(y, z, dy, x, b)
			near(t, "SwigluBwdAdd da", y, apply(n, func(i int) float64 { return da[i] + float64(was[i]) }), 2e-6)
			near(t, "SwigluBwdAdd db", z, apply(n, func(i int) float64 { return db[i] + float64(was[i]) }), 2e-6)
		}
	})
}

func TestBasics(t *testing.T) {
	r := newRand(12)
	eachSet(t, func(t *testing.T, s Set) {
		for _, n := range lengths {
			x, y, z := normal(r, n), normal(r, n), normal(r, n)
			X, Y, Z := wide(x), wide(y), wide(z)
			out := make([]float32, n)
			s.Add(out, x, y)
			near(t, "Add", out, apply(n, func(i int) float64 { return X[i] + Y[i] }), 1e-7)
			s.Mul(out, x, y)
			near(t, "Mul", out, apply(n, func(i int) float64 { return X[i] * Y[i] }), 1e-7)
			copy(out, z)
			s.MulAdd(out, x, y)
			near(t, "MulAdd", out, apply(n, func(i int) float64 { return Z[i] + X[i]*Y[i] }), 3e-7)
			s.Scale(out, x, -2.5)
			near(t, "Scale", out, apply(n, func(i int) float64 { return -2.5 * X[i] }), 1e-7)
			copy(out, z)
			s.Axpy(out, x, 1.5)
			near(t, "Axpy", out, apply(n, func(i int) float64 { return Z[i] + 1.5*X[i] }), 3e-7)
			copy(out, z)
			s.Lerp(out, x, .9)
			near(t, "Lerp", out, apply(n, func(i int) float64 { return .9*Z[i] + .1*X[i] }), 3e-7)
			dot, sum, square, top := 0.0, 0.0, 0.0, math.Inf(-1)
			for i := range X {
				dot, sum, square, top = dot+X[i]*Y[i], sum+X[i], square+(X[i]-.5)*(X[i]-.5), max(top, X[i])
			}
			near(t, "sums", []float32{s.Dot(x, y), s.Sum(x), s.sqDiff(x, .5), s.Max(x)}, []float64{dot, sum, square, top}, 5e-6)
		}
		if got := s.Max(nil); !math.IsInf(float64(got), -1) {
			t.Errorf("Max of nothing is %g", got)
		}
		if got := s.Max([]float32{-3, -2, -5}); got != -2 {
			t.Errorf("Max of negative numbers is %g", got)
		}
	})
}

// TestTailsAlike: an element's value does not depend on its place, which the laws about threads need.
func TestTailsAlike(t *testing.T) {
	r := newRand(13)
	x := normal(r, 100)
	eachSet(t, func(t *testing.T, s Set) {
		for name, f := range map[string]func(y, x []float32){"Exp": s.Exp, "GeluTanh": s.GeluTanh, "GeluErf": s.GeluErf} {
			whole := make([]float32, len(x))
			f(whole, x)
			for cut := range len(x) {
				y := make([]float32, len(x))
				f(y[:cut], x[:cut])
				f(y[cut:], x[cut:])
				for i := range y {
					if y[i] != whole[i] {
						t.Fatalf("%s cut at %d: element %d is %g, not %g", name, cut, i, y[i], whole[i])
					}
				}
			}
		}
	})
}
