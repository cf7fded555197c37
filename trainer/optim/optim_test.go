package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/trainer/kernel"
	"sluice/trainer/tensor"
)

// param makes a parameter of values with a gradient.
func param(name string, values, grad []float32, shape ...int) Param {
	t, err := tensor.ParamOf(name, slices.Clone(values), shape...)
	if err != nil {
		panic(err)
	}
	copy(t.EnsureGrad(), grad)
	return Param{Tensor: t, Decay: len(shape) == 2, Hidden: len(shape) == 2}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func newOpt(t *testing.T, c Config, ps ...Param) Optimizer {
	t.Helper()
	o, err := New(c, ps)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// One step by hand. The momentum is G at first, u = G + .95·G = 1.95·G, and the direction of G = [[3 0] [0 4]] is [[.6 0] [0 .8]]. A diagonal
// matrix stays diagonal, each entry going through x → 3.4445x - 4.775x³ + 2.0315x⁵ five times.
func TestMuonByHand(t *testing.T) {
	s := func(x float64) float64 {
		for range 5 {
			x = 3.4445*x - 4.775*x*x*x + 2.0315*math.Pow(x, 5)
		}
		return x
	}
	p := param("w", []float32{1, 2, 3, 4}, []float32{3, 0, 0, 4}, 2, 2)
	newOpt(t, Config{Name: "muon", LR: 1e-3, MuonLR: .1, Beta1: .9, Beta2: .95, Eps: 1e-8, Decay: .5}, p).Step(kernel.NewTeam(kernel.Scalar, 1), 1, 1)
	want := []float64{1*.95 - .1*s(.6), 2 * .95, 3 * .95, 4*.95 - .1*s(.8)}
	for i, w := range want {
		near(t, fmt.Sprint("weight ", i), float64(p.Value()[i]), w, 1e-5)
	}
}

// The step of a matrix [4, 1], or [1, 4] stored [in, out], is √4 times as long.
func TestMuonShape(t *testing.T) {
	for _, p := range []Param{param("out in", make([]float32, 4), []float32{1, 0, 0, 0}, 4, 1), param("in out", make([]float32, 4), []float32{1, 0, 0, 0}, 1, 4)} {
		p.InOut = p.Name() == "in out"
		newOpt(t, Config{Name: "muon", MuonLR: .1, LR: 1}, p).Step(kernel.NewTeam(kernel.Scalar, 1), 1, 1)
		x := 1.
		for range 5 {
			x = 3.4445*x - 4.775*x*x*x + 2.0315*math.Pow(x, 5)
		}
		near(t, p.Name(), float64(p.Value()[0]), -.2*x, 1e-5)
	}
}

// After Newton and Schulz all singular values are near 1: X·Xᵀ is near the identity.
func TestMuonOrthogonal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][2]int{{8, 24}, {24, 8}, {16, 16}} {
		rows, cols := shape[0], shape[1]
		u := make([]float32, rows*cols)
		for i := range u {
			u[i] = float32(rng.NormFloat64())
		}
		o := NewMuon(Config{}, []Param{param("w", u, nil, rows, cols)})
		o.orthogonalise(kernel.NewTeam(kernel.Scalar, 1), u, rows, cols)
		sum := 0. // Σ σ² = ‖X‖²
		for _, v := range u {
			sum += float64(v) * float64(v)
		}
		n := float64(min(rows, cols))
		if mean := sum / n; mean < .5 || mean > 1.35 {
			t.Errorf("%v: mean squared singular value is %.3f, want about 1", shape, mean)
		}
	}
}

// Two steps by hand with one weight, lr .1, β1 .9, β2 0 (so that v = g²) and no decay.
//
//	step 1: c = 1, ĝ = 1: z = 1 - .1 = .9; x = z = .9; y = .9
//	step 2: c = ½, ĝ = 1: z = .8; x = (.9 + .8)/2 = .85; y = .1·.8 + .9·.85 = .845
func TestScheduleFreeByHand(t *testing.T) {
	p := param("w", []float32{1}, []float32{2}, 1)
	o := NewScheduleFree(Config{LR: .1, Beta1: .9, Beta2: 0, Eps: 0}, []Param{p})
	team := kernel.NewTeam(kernel.Scalar, 1)
	for i, want := range []struct{ y, x float64 }{{.9, .9}, {.845, .85}} {
		o.Step(team, 1, 1)
		near(t, fmt.Sprint("y ", i), float64(p.Value()[0]), want.y, 1e-6)
		restore := o.Average(team)
		near(t, fmt.Sprint("x ", i), float64(p.Value()[0]), want.x, 1e-6)
		restore()
		near(t, fmt.Sprint("y again ", i), float64(p.Value()[0]), want.y, 1e-6)
	}
}

func TestEMA(t *testing.T) {
	p := param("w", []float32{1}, nil, 1)
	e := NewEMA([]Param{p}, .999)
	team := kernel.NewTeam(kernel.Scalar, 1)
	p.Value()[0] = 3
	e.Update(team) // decay 2/11: 3 + 2/11·(1-3)
	restore := e.Average(team)
	near(t, "average", float64(p.Value()[0]), 3-4./11, 1e-6)
	restore()
	near(t, "weight", float64(p.Value()[0]), 3, 0)
}

func TestClip(t *testing.T) {
	ps := []Param{param("a", make([]float32, 2), []float32{3, 0}, 2), param("b", make([]float32, 1), []float32{4}, 1)}
	n := GlobalNorm(kernel.NewTeam(kernel.Scalar, 1), ps)
	near(t, "norm", n, 5, 1e-6)
	near(t, "factor", ClipFactor(n, 1), 1/(5+1e-6), 1e-9)
	near(t, "factor below the limit", ClipFactor(.5, 1), 1, 0)
	near(t, "factor without a limit", ClipFactor(n, 0), 1, 0)
}

func TestWSD(t *testing.T) {
	s := Schedule{Kind: "wsd", Steps: 20, Warmup: 4, Cooldown: 4, Floor: .1}
	for at, want := range map[int]float64{0: 0, 1: .25, 4: 1, 16: 1, 17: .1 + .9*.5, 20: .1, 25: .1} {
		near(t, fmt.Sprint("factor of ", at), s.At(at), want, 1e-12)
	}
	for _, bad := range []Schedule{{Kind: "steps", Steps: 3}, {Kind: "wsd", Steps: 3, Warmup: 2, Cooldown: 2}, {Kind: "linear", Steps: 3, Warmup: 4}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

// The sweep on a loss that falls below rate .1 and explodes above 1 stops there and gives a tenth of it.
func TestSweep(t *testing.T) {
	loss := 5.
	lr, curve, err := Sweep{1e-5, 100, 100}.Find(func(lr float64) (float64, error) {
		now := loss
		if lr < 1 {
			loss *= .98
		} else {
			loss *= 2
		}
		return now, nil
	})
	if err != nil || lr < .1 || lr > .3 || len(curve) == 100 {
		t.Errorf("%v after %d steps, %v; want between .1 and .3", lr, len(curve), err)
	}
}

// Optimisers give the same bits on any number of threads, and go on from their state as if nothing had been.
func TestThreadsAndState(t *testing.T) {
	for _, name := range []string{"adamw", "muon", "schedulefree"} {
		world := func(threads int) (*kernel.Team, []Param, Optimizer, *rand.Rand) {
			rng := rand.New(rand.NewPCG(7, 7))
			draw := func(n int) []float32 {
				x := make([]float32, n)
				for i := range x {
					x[i] = float32(rng.NormFloat64())
				}
				return x
			}
			set, err := kernel.Default()
			if err != nil {
				t.Fatal(err)
			}
			ps := []Param{param("w", draw(200*300), nil, 200, 300), param("b", draw(301), nil, 301)}
			o := newOpt(t, Config{Name: name, LR: .01, MuonLR: .02, Beta1: .9, Beta2: .95, Eps: 1e-8, Decay: .1}, ps...)
			return kernel.NewTeam(set, threads), ps, o, rng
		}
		step := func(team *kernel.Team, ps []Param, o Optimizer, rng *rand.Rand) {
			for _, p := range ps {
				for i := range p.Grad() {
					p.Grad()[i] = float32(rng.NormFloat64())
				}
			}
			o.Step(team, .5, ClipFactor(GlobalNorm(team, ps), 1))
		}
		team, one, o, rng := world(1)
		for range 3 {
			step(team, one, o, rng)
		}
		saved := o.State()
		weights := [][]float32{slices.Clone(one[0].Value()), slices.Clone(one[1].Value())}
		team4, four, o4, rng4 := world(4)
		for range 3 {
			step(team4, four, o4, rng4)
		}
		_, again, fresh, _ := world(1)
		for i, s := range fresh.State().Slices {
			copy(s.Values, saved.Slices[i].Values)
		}
		for i, n := range fresh.State().Numbers {
			*n.Value = *saved.Numbers[i].Value
		}
		for i := range again {
			copy(again[i].Value(), weights[i])
		}
		step(team, one, o, rng)
		for i, p := range one { // the same gradients
			copy(again[i].EnsureGrad(), p.Grad())
		}
		fresh.Step(team, .5, ClipFactor(GlobalNorm(team, again), 1))
		step(team4, four, o4, rng4)
		for i := range one {
			if !slices.Equal(one[i].Value(), again[i].Value()) {
				t.Errorf("%s: %s differs after going on from the state", name, one[i].Name())
			}
		}
		for i := range one {
			if !slices.Equal(one[i].Value(), four[i].Value()) {
				t.Errorf("%s: 4 threads give other bits of %s", name, one[i].Name())
			}
		}
	}
}
