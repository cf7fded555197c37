package linear

import (
	"context"
	"fmt"
	"math"
	"slices"

	"sluice/trainer/kernel"
)

// L-BFGS (Liu, Nocedal 1989) in the vector-free form of Chen, Wang, Zhou (Large-scale L-BFGS using MapReduce, NIPS 2014): the two-loop
// recursion runs on the inner products of the last steps s, gradient changes y and the gradient, so that each iteration
// reads the long vectors twice and not 4·history times. The recursion itself is unchanged.

const (
	history  = 6
	vectors  = 2*history + 1 // s_0 … s_5, y_0 … y_5, g
	gradient = 2 * history
	// vecGrain is how much of every vector is handled at once: all of them together stay in the second-level cache.
	vecGrain = 2048
)

type lbfgs struct {
	p      *problem
	vec    [vectors][]float32
	theta  []float32
	dir    []float32
	gram   [vectors][vectors]float64
	coef   [vectors]float64
	slots  []int // pairs in use, oldest first
	free   int   // a pair not in use, while there is one
	parts  [][3][vectors]float64
	bounds [][2]int // chunks of a long vector; the last is β alone, which has no penalty
}

// A fit says how a minimisation ended.
type fit struct {
	Iterations int
	Objective  float64 // ½‖W‖² + C·Σ w·loss
	Gradient   float64 // largest element of the gradient of the weighted mean loss, penalty included
	Converged  bool
}

func newLBFGS(p *problem, theta []float32) *lbfgs {
	l := &lbfgs{p: p, theta: theta, dir: make([]float32, p.size())}
	for i := range l.vec {
		l.vec[i] = make([]float32, p.size())
	}
	w := p.cols * p.stride
	for lo := 0; lo < w; lo += vecGrain {
		l.bounds = append(l.bounds, [2]int{lo, min(w, lo+vecGrain)})
	}
	l.bounds = append(l.bounds, [2]int{w, p.size()})
	l.parts = make([][3][vectors]float64, len(l.bounds))
	return l
}

// minimise improves theta until the gradient is small.
func minimise(ctx context.Context, p *problem, theta []float32, iterations int, tolerance float64) (fit, error) {
	l := newLBFGS(p, theta)
	p.logits(p.z, theta)
	loss, _ := p.along(0)
	p.gradient(l.vec[gradient], theta, l.dir, 0)
	norm2, top := l.measure()
	l.gram[gradient][gradient] = l.dot(l.vec[gradient], l.vec[gradient])
	f := fit{Objective: loss + norm2/2, Gradient: top}
	for ; f.Gradient > tolerance && f.Iterations < iterations; f.Iterations++ {
		if err := ctx.Err(); err != nil {
			return f, err
		}
		l.direction()
		cross, dir2 := l.combine() // W·d and ‖d‖² without β
		p.logits(p.zd, l.dir)
		alpha, value := l.search(f.Objective-norm2/2, cross, dir2, norm2)
		if math.IsNaN(value) {
			return f, fmt.Errorf("the loss became NaN in iteration %d: look for enormous row weights", f.Iterations+1)
		}
		if alpha == 0 { // no step along d lowers f
			if len(l.slots) == 0 {
				return f, nil // not even down the gradient: rounding is all that is left
			}
			l.slots, l.free = l.slots[:0], 0
			continue
		}
		f.Objective = value
		l.step(float32(alpha))
		norm2, f.Gradient = l.measure()
	}
	f.Converged = f.Gradient <= tolerance
	return f, nil
}

// direction runs the two loops on coefficients: d = Σ coef_j · vec_j = -H·g.
func (l *lbfgs) direction() {
	l.coef = [vectors]float64{gradient: -1}
	times := func(i int) (sum float64) {
		for j, c := range l.coef {
			sum += c * l.gram[i][j]
		}
		return sum
	}
	var a [history]float64
	for k := len(l.slots) - 1; k >= 0; k-- {
		s, y := l.slots[k], l.slots[k]+history
		a[s] = times(s) / l.gram[s][y]
		l.coef[y] -= a[s]
	}
	if n := len(l.slots); n > 0 {
		s, y := l.slots[n-1], l.slots[n-1]+history
		for j := range l.coef {
			l.coef[j] *= l.gram[s][y] / l.gram[y][y]
		}
	}
	for _, s := range l.slots {
		y := s + history
		l.coef[s] += a[s] - times(y)/l.gram[s][y]
	}
}

// combine writes the direction and gives its products with W and with itself, β left out.
func (l *lbfgs) combine() (cross, dir2 float64) {
	set := l.p.team.Set()
	l.p.team.Each(len(l.bounds), func(w *kernel.Worker, c int) {
		lo, hi := l.bounds[c][0], l.bounds[c][1]
		d := l.dir[lo:hi]
		set.Scale(d, l.vec[gradient][lo:hi], float32(l.coef[gradient]))
		for _, s := range l.slots {
			set.Axpy(d, l.vec[s][lo:hi], float32(l.coef[s]))
			set.Axpy(d, l.vec[s+history][lo:hi], float32(l.coef[s+history]))
		}
		l.parts[c][0] = [vectors]float64{float64(set.Dot(l.theta[lo:hi], d)), float64(set.Dot(d, d))}
	})
	for _, part := range l.parts[:len(l.parts)-1] {
		cross += part[0][0]
		dir2 += part[0][1]
	}
	return cross, dir2
}

// search finds a step where the slope has fallen to a tenth of that at 0. f is convex along the line, so the slope only grows:
// steps are stretched until it is past zero, then cut by the secant. It gives 0 when no step lowers f.
func (l *lbfgs) search(loss, cross, dir2, norm2 float64) (alpha, value float64) {
	at := func(a float64) (float64, float64) {
		v, s := l.p.along(a)
		return v + (norm2+2*a*cross+a*a*dir2)/2, s + cross + a*dir2
	}
	start := loss + norm2/2
	first := 0.0 // g·d
	for j, c := range l.coef {
		first += c * l.gram[gradient][j]
	}
	if !(first < 0) {
		return 0, start
	}
	lo, slopeLo := 0.0, first
	hi, slopeHi := math.Inf(1), 0.0
	a := 1.0
	for range 30 {
		v, s := at(a)
		if math.IsNaN(v) || math.Abs(s) <= -.1*first && v <= start+1e-6*math.Abs(start) {
			return a, v
		}
		if s < 0 {
			lo, slopeLo = a, s
		} else {
			hi, slopeHi = a, s
		}
		secant := lo - slopeLo*(hi-lo)/(slopeHi-slopeLo)
		if math.IsInf(hi, 1) {
			secant = lo - slopeLo*lo/(slopeLo-first) // through 0 and lo
			if !(secant > 1.5*lo) {
				secant = 1.5 * lo
			}
			a = min(secant, 8*lo)
			continue
		}
		a = min(max(secant, lo+.05*(hi-lo)), hi-.05*(hi-lo))
	}
	return 0, start
}

// step moves by alpha·dir: new gradient, new pair (s, y), new inner products.
func (l *lbfgs) step(alpha float32) {
	if len(l.slots) == history {
		l.free, l.slots = l.slots[0], slices.Delete(l.slots, 0, 1)
	}
	slot := l.free
	l.slots = append(l.slots, slot)
	l.free = slot + 1
	s, y, g := l.vec[slot], l.vec[slot+history], l.vec[gradient]
	l.p.gradient(y, l.theta, l.dir, alpha)
	set := l.p.team.Set()
	fresh := [3]int{slot, slot + history, gradient}
	l.p.team.Each(len(l.bounds), func(_ *kernel.Worker, c int) {
		lo, hi := l.bounds[c][0], l.bounds[c][1]
		set.Scale(s[lo:hi], l.dir[lo:hi], alpha)
		for i, new := range y[lo:hi] {
			old := g[lo+i]
			g[lo+i], y[lo+i] = new, new-old
		}
		part := &l.parts[c]
		for n, i := range fresh {
			for j := range l.vec {
				part[n][j] = float64(set.Dot(l.vec[i][lo:hi], l.vec[j][lo:hi]))
			}
		}
	})
	for n, i := range fresh {
		for j := range l.vec {
			sum := 0.0
			for c := range l.parts {
				sum += l.parts[c][n][j]
			}
			l.gram[i][j], l.gram[j][i] = sum, sum
		}
	}
	if l.gram[slot][slot+history] <= 1e-12*l.gram[slot+history][slot+history] {
		l.slots = l.slots[:len(l.slots)-1] // no curvature seen: the pair would spoil the direction
		l.free = slot
	}
}

// measure gives ‖W‖² and the largest element of the gradient of the mean loss.
func (l *lbfgs) measure() (norm2, top float64) {
	set, g := l.p.team.Set(), l.vec[gradient]
	last := len(l.bounds) - 1
	l.p.team.Each(len(l.bounds), func(_ *kernel.Worker, c int) {
		lo, hi := l.bounds[c][0], l.bounds[c][1]
		peak := float32(0)
		for _, v := range g[lo:hi] {
			peak = max(peak, v, -v)
		}
		if c == last {
			peak /= l.p.scale
		}
		l.parts[c][0] = [vectors]float64{float64(set.Dot(l.theta[lo:hi], l.theta[lo:hi])), float64(peak)}
	})
	for c := range l.parts {
		if c != last {
			norm2 += l.parts[c][0][0]
		}
		top = max(top, l.parts[c][0][1])
	}
	return norm2, top / (l.p.c * l.p.total)
}

func (l *lbfgs) dot(x, y []float32) (sum float64) {
	for _, b := range l.bounds {
		sum += float64(l.p.team.Set().Dot(x[b[0]:b[1]], y[b[0]:b[1]]))
	}
	return sum
}
