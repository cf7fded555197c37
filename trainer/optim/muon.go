package optim

import (
	"math"

	"sluice/trainer/kernel"
)

// Muon makes the momentum of a hidden matrix nearly orthogonal before it steps (Jordan et al. 2024, kellerjordan.github.io/posts/muon):
//
//	M = .95·M + G;  U = G + .95·M;  X = U/‖U‖;  five times: A = X·Xᵀ, X = a·X + (b·A + c·A²)·X;  W = W(1 - lr·decay) - lr·√max(1, out/in)·X
//
// with (a, b, c) = (3.4445, -4.775, 2.0315). All other parameters are stepped by AdamW.
type Muon struct {
	c       Config
	hidden  []Param
	m       [][]float32
	rest    *AdamW
	x, y, z []float32 // scratch: the iterate, and two squares of its shorter side
	u       []float32
}

const muonMomentum = .95

// NewMuon makes a Muon with zero momentum.
func NewMuon(c Config, params []Param) *Muon {
	o := &Muon{c: c}
	var rest []Param
	large, square := 0, 0
	for _, p := range params {
		if !p.Hidden {
			rest = append(rest, p)
			continue
		}
		o.hidden, o.m = append(o.hidden, p), append(o.m, kernel.Floats(p.Len()))
		short := min(p.Dim(0), p.Dim(1))
		large, square = max(large, p.Len()), max(square, short*short)
	}
	o.x, o.u, o.y, o.z = kernel.Floats(large), kernel.Floats(large), kernel.Floats(square), kernel.Floats(square)
	o.rest = NewAdamW(c, rest)
	return o
}

// Step implements [Optimizer].
func (o *Muon) Step(team *kernel.Team, factor, scale float64) {
	o.rest.Step(team, factor, scale)
	lr := o.c.MuonLR * factor
	for i, p := range o.hidden {
		w, g, m := p.Value(), p.EnsureGrad(), o.m[i]
		rows, cols := p.Dim(0), p.Dim(1)
		u := o.u[:len(w)]
		team.Rows(len(w), grain, func(lo, hi int) {
			s := team.Set()
			s.Scale(m[lo:hi], m[lo:hi], muonMomentum)
			s.Axpy(m[lo:hi], g[lo:hi], float32(scale))
			s.Scale(u[lo:hi], g[lo:hi], float32(scale))
			s.Axpy(u[lo:hi], m[lo:hi], muonMomentum)
		})
		o.orthogonalise(team, u, rows, cols)
		out, in := rows, cols
		if p.InOut {
			out, in = cols, rows
		}
		step := -lr * math.Sqrt(max(1, float64(out)/float64(in)))
		keep := float32(1)
		if p.Decay {
			keep = float32(1 - lr*o.c.Decay)
		}
		team.Rows(len(w), grain, func(lo, hi int) {
			s := team.Set()
			s.Scale(w[lo:hi], w[lo:hi], keep)
			s.Axpy(w[lo:hi], u[lo:hi], float32(step))
		})
	}
}

// orthogonalise replaces u, [rows, cols], by a matrix of the same singular vectors and singular values near 1. The squares A are of the shorter
// side: X·Xᵀ where there are fewer rows, XᵀX otherwise, and then X = aX + X(bA + cA²).
func (o *Muon) orthogonalise(team *kernel.Team, u []float32, rows, cols int) {
	const a, b, c = 3.4445, -4.775, 2.0315
	s := team.Set()
	s.Scale(u, u, float32(1/(math.Sqrt(SquareSum(team, u))+1e-7)))
	n := min(rows, cols)
	x, y, z := o.x[:len(u)], o.y[:n*n], o.z[:n*n]
	for range 5 {
		if rows <= cols {
			team.Gemm(kernel.NT, n, n, cols, u, cols, u, cols, false, y, n)
		} else {
			team.Gemm(kernel.TN, n, n, rows, u, cols, u, cols, false, y, n)
		}
		team.Gemm(kernel.NN, n, n, n, y, n, y, n, false, z, n)
		s.Scale(z, z, c)
		s.Axpy(z, y, b)
		if rows <= cols {
			team.Gemm(kernel.NN, n, cols, n, z, n, u, cols, false, x, cols)
		} else {
			team.Gemm(kernel.NN, rows, n, n, u, cols, z, n, false, x, cols)
		}
		s.Axpy(x, u, a)
		copy(u, x)
	}
}

// State implements [Optimizer].
func (o *Muon) State() (s State) {
	for i, p := range o.hidden {
		s.Slices = append(s.Slices, Slice{p.Name() + "/momentum", p.Shape(), o.m[i]})
	}
	rest := o.rest.State()
	return State{append(s.Slices, rest.Slices...), rest.Numbers}
}
