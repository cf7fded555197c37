package linear

import (
	"math"

	"sluice/trainer/kernel"
)

// A problem is the objective of one fit,
//
//	f(θ) = ½·‖W‖² + C · Σ w_i · loss_i(W·x_i + scale·β),   θ = (W, β)
//
// scale makes the curvature along the unpenalised β like that along W, which L-BFGS needs; the model's bias is scale·β.
// Logits are linear in θ, so on a line θ + α·d they are z + α·zd: a trial step costs no product with the rows.
type problem struct {
	team    *kernel.Team
	x       *sparse // rows
	t       *sparse // the same by column
	cols    int
	classes int
	stride  int // floats from one column's weights to the next: classes, rounded up so that vector loops have no tail
	weight  []float32
	total   float64 // Σ weight
	loss    loss
	c       float64
	scale   float32

	z, zd, d []float32 // logits, their change along the direction, their derivatives: rows × stride
	sums     [][2]float64
}

// rowGrain is how many rows are summed up into one part; parts are added in order.
const rowGrain = 64

func newProblem(team *kernel.Team, x *sparse, cols, classes int, weight []float32, l loss) *problem {
	p := &problem{team: team, x: x, t: x.transpose(cols), cols: cols, classes: classes, stride: stride(classes), weight: weight, loss: l}
	n := x.rows() * p.stride
	p.z, p.zd, p.d = make([]float32, n), make([]float32, n), make([]float32, n)
	p.sums = make([][2]float64, (x.rows()+rowGrain-1)/rowGrain)
	for _, w := range weight {
		p.total += float64(w)
	}
	return p
}

// stride pads to whole vectors, but not a handful of classes.
func stride(classes int) int {
	if classes < 8 {
		return classes
	}
	return (classes + 15) &^ 15
}

// size is the length of θ.
func (p *problem) size() int { return (p.cols + 1) * p.stride }

// penalise sets C and with it the scale of β: the second derivative along β is C·Σw·π(1-π)·scale² for a class of share π, here 1/K.
// It is made 36: between the 1 of the penalty and the few hundred along the mean row, where fits took the fewest iterations.
func (p *problem) penalise(c float64) {
	share := 1 / float64(max(2, p.classes))
	p.c, p.scale = c, float32(6/math.Sqrt(c*p.total*share*(1-share)))
}

// axpy is y += f·x; a call into assembly does not pay for a handful of floats.
func axpy(s kernel.Set, y, x []float32, f float32) {
	if len(x) < 8 {
		for i, v := range x {
			y[i] += f * v
		}
		return
	}
	s.Axpy(y, x, f)
}

// logits writes X·θ to z.
func (p *problem) logits(z, theta []float32) {
	set, k := p.team.Set(), p.stride
	bias := theta[p.cols*k:]
	p.team.Rows(p.x.rows(), rowGrain, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			out := z[i*k : (i+1)*k]
			for j, b := range bias {
				out[j] = b * p.scale
			}
			col, val := p.x.row(i)
			for e, c := range col {
				axpy(set, out, theta[int(c)*k:int(c)*k+k], val[e])
			}
		}
	})
}

// along gives the loss part of f and its slope at z + alpha·zd, and leaves the derivatives by the logits, times C·w_i, in d.
func (p *problem) along(alpha float64) (value, slope float64) {
	set, k := p.team.Set(), p.stride
	p.team.Rows(p.x.rows(), rowGrain, func(lo, hi int) {
		at := make([]float32, k)
		part := &p.sums[lo/rowGrain]
		*part = [2]float64{}
		for i := lo; i < hi; i++ {
			d, zd := p.d[i*k:(i+1)*k], p.zd[i*k:(i+1)*k]
			copy(at, p.z[i*k:(i+1)*k])
			axpy(set, at, zd, float32(alpha))
			w := p.c * float64(p.weight[i])
			part[0] += w * p.loss.row(set, d[:p.classes], at[:p.classes], i)
			set.Scale(d, d, float32(w))
			part[1] += float64(set.Dot(d, zd))
		}
	})
	for _, s := range p.sums {
		value += s[0]
		slope += s[1]
	}
	return value, slope
}

// gradient moves θ to θ + alpha·dir and z with it, and writes the gradient there to g; d must hold the derivatives of that step.
func (p *problem) gradient(g, theta, dir []float32, alpha float32) {
	set, k := p.team.Set(), p.stride
	p.team.Rows(p.cols, rowGrain, func(lo, hi int) {
		axpy(set, theta[lo*k:hi*k], dir[lo*k:hi*k], alpha)
		copy(g[lo*k:hi*k], theta[lo*k:hi*k])
		for c := lo; c < hi; c++ {
			out := g[c*k : (c+1)*k]
			row, val := p.t.row(c)
			for e, i := range row {
				axpy(set, out, p.d[int(i)*k:int(i)*k+k], val[e])
			}
		}
	})
	w := p.cols * k
	axpy(set, theta[w:], dir[w:], alpha)
	bias := g[w:]
	clear(bias)
	for i := range p.x.rows() {
		axpy(set, bias, p.d[i*k:(i+1)*k], p.scale)
	}
	p.team.Rows(len(p.z), 1<<14, func(lo, hi int) { set.Axpy(p.z[lo:hi], p.zd[lo:hi], alpha) })
}
