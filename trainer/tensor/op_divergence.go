package tensor

import (
	"math"

	"sluice/trainer/kernel"
)

// KLDiv gives T²·Σ w_i KL(q_i ‖ p_i)/Σ w for q = softmax(teacher/T), p = softmax(student/T) on rows; weights nil means 1. (arXiv 1503.02531)
// The gradient reaches the teacher too unless it comes from [Graph.Stop] or an input: R-Drop wants both.
//
//	student: T·w/Σw·(p - q);  teacher: T·w/Σw·q(ln q - ln p - KL)
func (g *Graph) KLDiv(student, teacher *Tensor, temperature float32, weights []float32) *Tensor {
	rows, cols := student.rows()
	require(teacher.n == student.n && temperature > 0, "KLDiv", "student %v, teacher %v, temperature %g", student.shape, teacher.shape, temperature)
	require(weights == nil || len(weights) == rows, "KLDiv", "%d weights for %d rows", len(weights), rows)
	weight := func(i int) float64 {
		if weights == nil {
			return 1
		}
		return float64(weights[i])
	}
	total := 0.0
	for i := range rows {
		total += weight(i)
	}
	if total == 0 {
		total = 1
	}
	t := float64(temperature)
	per := max(1, piece/max(1, cols))
	each := func(n *node, f func(i int, q, p []float32)) {
		g.team.Each((rows+per-1)/per, func(w *kernel.Worker, part int) {
			tmp := n.tmp[w.Index()*2*cols:]
			for i := part * per; i < min(rows, (part+1)*per); i++ {
				f(i, tmp[:cols], tmp[cols:2*cols])
			}
		})
	}
	return g.run(&node{op: "KLDiv", in: []*Tensor{student, teacher}, shape: []int{1}, saved: 3 * rows, scratch: g.team.Threads() * 2 * cols,
		fwd: func(n *node) {
			each(n, func(i int, q, p []float32) { // ln q and ln p in differences: KL = Σ q((t-s)/T) - lse t/T + lse s/T
				zs, zt := row(student.val.data, i, cols), row(teacher.val.data, i, cols)
				ls, lt := g.k.Softmax(p, zs, 1/temperature), g.k.Softmax(q, zt, 1/temperature)
				kl := float64(ls) - float64(lt)
				for j, v := range q {
					kl += float64(v) * float64(zt[j]-zs[j]) / t
				}
				n.keep.data[3*i], n.keep.data[3*i+1], n.keep.data[3*i+2] = ls, lt, float32(kl)
			})
			sum := 0.0
			for i := range rows {
				sum += weight(i) * float64(n.keep.data[3*i+2])
			}
			n.y.val.data[0] = float32(t * t * sum / total)
		},
		bwd: func(n *node) {
			ds, dt := n.zeroed(0), n.zeroed(1)
			each(n, func(i int, q, p []float32) {
				zs, zt := row(student.val.data, i, cols), row(teacher.val.data, i, cols)
				ls, lt, kl := n.keep.data[3*i], n.keep.data[3*i+1], n.keep.data[3*i+2]
				c := float32(float64(n.dy()[0]) * t * weight(i) / total)
				g.k.ExpShift(p, zs, 1/temperature, ls)
				g.k.ExpShift(q, zt, 1/temperature, lt)
				if ds != nil {
					d := row(ds, i, cols)
					g.k.Axpy(d, p, c)
					g.k.Axpy(d, q, -c)
				}
				if dt != nil {
					d := row(dt, i, cols)
					for j, v := range q {
						d[j] += c * v * ((zt[j]-zs[j])/temperature - lt + ls - kl)
					}
				}
			})
		}})
}

// MSE gives mean (a-b)². The gradient is ±2(a-b)/n.
func (g *Graph) MSE(a, b *Tensor) *Tensor {
	require(a.n == b.n, "MSE", "%v and %v differ", a.shape, b.shape)
	return g.run(&node{op: "MSE", in: []*Tensor{a, b}, shape: []int{1},
		fwd: func(n *node) {
			sum := 0.0
			for i, v := range a.val.data {
				d := float64(v - b.val.data[i])
				sum += d * d
			}
			n.y.val.data[0] = float32(sum / float64(a.n))
		},
		bwd: func(n *node) {
			da, db := n.zeroed(0), n.zeroed(1)
			c := n.dy()[0] * 2 / float32(a.n)
			for i, v := range a.val.data {
				d := c * (v - b.val.data[i])
				if da != nil {
					da[i] += d
				}
				if db != nil {
					db[i] -= d
				}
			}
		}})
}

// BCE gives the mean binary cross-entropy of logits against targets in [0, 1], one per element, for labels that do not exclude each other:
// Σ w(softplus z - t·z)/Σ w. weights nil means 1; weight 0 leaves an unknown label out. The gradient is w/Σw·(σ(z) - t).
func (g *Graph) BCE(logits *Tensor, targets, weights []float32) *Tensor {
	require(len(targets) == logits.n && (weights == nil || len(weights) == logits.n), "BCE", "%d targets and %d weights for %v", len(targets), len(weights), logits.shape)
	weight := func(i int) float64 {
		if weights == nil {
			return 1
		}
		return float64(weights[i])
	}
	total := 0.0
	for i := range targets {
		total += weight(i)
	}
	total = max(total, math.SmallestNonzeroFloat32)
	return g.run(&node{op: "BCE", in: []*Tensor{logits}, shape: []int{1},
		fwd: func(n *node) {
			sum := 0.0
			for i, z := range logits.val.data {
				sum += weight(i) * float64(softplus(z)-targets[i]*z)
			}
			n.y.val.data[0] = float32(sum / total)
		},
		bwd: func(n *node) {
			dz := n.zeroed(0)
			for i, z := range logits.val.data {
				dz[i] += float32(float64(n.dy()[0]) * weight(i) / total * float64(sigmoid(z)-targets[i]))
			}
		}})
}
