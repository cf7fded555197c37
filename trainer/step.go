package trainer

import (
	"math"

	"sluice/trainer/feed"
	"sluice/trainer/model"
	"sluice/trainer/optim"
	"sluice/trainer/tensor"
)

// A stepped is what one step did.
type stepped struct {
	loss    float64   // mean over the targets of the batch
	norm    float64   // of the gradient, before clipping
	factor  float64   // of the learning rate
	tokens  int       // without padding
	domains []float64 // mean loss of every domain; NaN without a target
}

// trainOn makes one step: gradients of the batch's pieces, in order, then the optimiser. Pieces share the batch's divisor, so that their gradients add up
// to that of the whole.
func (r *run) trainOn(b *feed.Batch) (s stepped, err error) {
	w := r.work(b, float64(r.step)/float64(r.steps), true)
	sum := newSums(len(r.corpus.Domains))
	tensor.ZeroGrads(r.model.Tensors())
	for i := range w.Micros {
		key := tensor.Key{Seed: r.c.Seed, Step: uint64(r.step*r.micros + i)}
		loss, err := r.engine.Step(key, func(g *tensor.Graph) *tensor.Tensor { return r.loss(g, w, i, sum) })
		if err != nil {
			return s, err
		}
		s.loss += loss
	}
	s.norm = optim.GlobalNorm(r.engine.Team(), r.params)
	s.factor, s.tokens, s.domains = r.sched.At(r.step+1), w.Tokens, sum.means()
	if r.factor > 0 {
		s.factor = r.factor
	}
	if err := r.finite(s, w); err != nil {
		return s, err
	}
	r.opt.Step(r.engine.Team(), s.factor, optim.ClipFactor(s.norm, r.c.Optimizer.Clip))
	if r.ema != nil {
		r.ema.Update(r.engine.Team())
	}
	if r.learner != nil {
		r.learner.Learn(sum.ids, sum.surprise)
	}
	return s, nil
}

// loss is the loss of piece i of a batch, as its share of the batch's mean. What rows and targets lost goes to sum.
func (r *run) loss(g *tensor.Graph, w *work, i int, sum *sums) *tensor.Tensor {
	m := w.Micros[i]
	in := model.Input{IDs: w.inputs[i], Batch: m.Rows, Time: m.Time, Lengths: m.Lengths, Docs: m.Docs}
	if !r.c.packed() {
		return r.rowLoss(g, w, m, in, sum)
	}
	each := make([]float32, len(m.IDs))
	loss := r.model.Loss(g, in, model.Targets{Tokens: w.targets[i], Smoothing: float32(r.c.Smoothing), Divisor: w.weight, RowLoss: each})
	r.tokenLosses(m, w.targets[i], each, sum)
	return loss
}

// tokenLosses adds the losses of the targets that count: for a decoder not the first of a document, which nothing predicts.
func (r *run) tokenLosses(m *feed.Micro, targets []int32, each []float32, sum *sums) {
	for k, t := range targets {
		if t < 0 || r.c.Task != Masked && (k%m.Time == 0 || m.Docs[k] != m.Docs[k-1]) {
			continue
		}
		sum.add(m.Domains[k/m.Time], float64(each[k]))
		if r.learner != nil {
			sum.ids, sum.surprise = append(sum.ids, t), append(sum.surprise, each[k])
		}
	}
}

// rowLoss is the loss of whole rows: classes or numbers.
func (r *run) rowLoss(g *tensor.Graph, w *work, m *feed.Micro, in model.Input, sum *sums) *tensor.Tensor {
	if r.c.RDrop > 0 && g.Training() {
		return r.rdrop(g, w, m, in, sum)
	}
	logits := r.model.Logits(g, in)
	if r.c.Task == Classify && !r.c.MultiLabel {
		each := make([]float32, m.Rows)
		loss := g.SoftmaxCE(logits, m.Classes, tensor.CE{Smoothing: float32(r.c.Smoothing), Divisor: w.weight, RowLoss: each})
		sum.rows(m, each)
		return loss
	}
	part := float32(float64(len(m.Values)) / w.weight)
	if r.c.Task == Regress {
		sum.squares(m, logits.Value())
		return g.Scale(g.MSE(logits, g.Input(m.Values, m.Rows, 1)), part)
	}
	sum.binary(m, logits.Value())
	return g.Scale(g.BCE(logits, m.Values, nil), part)
}

// rdrop runs every row twice, with other dropout, and adds the divergence of the two predictions: mean CE + α/2·(KL(p1‖p2) + KL(p2‖p1))
// (arXiv 2106.14448, equation 3, with the mean of the two cross-entropies).
func (r *run) rdrop(g *tensor.Graph, w *work, m *feed.Micro, in model.Input, sum *sums) *tensor.Tensor {
	twice := model.Input{Batch: 2 * m.Rows, Time: m.Time}
	twice.IDs = append(append(twice.IDs, in.IDs...), in.IDs...)
	twice.Lengths = append(append(twice.Lengths, in.Lengths...), in.Lengths...)
	classes := append(append([]int32(nil), m.Classes...), m.Classes...)
	logits := r.model.Logits(g, twice)
	each := make([]float32, 2*m.Rows)
	loss := g.SoftmaxCE(logits, classes, tensor.CE{Smoothing: float32(r.c.Smoothing), Divisor: 2 * w.weight, RowLoss: each})
	sum.rows(m, each[:m.Rows])
	p, q := g.Slice(logits, 0, 0, m.Rows), g.Slice(logits, 0, m.Rows, 2*m.Rows)
	apart := g.Add(g.KLDiv(p, q, 1, nil), g.KLDiv(q, p, 1, nil))
	return g.Add(loss, g.Scale(apart, float32(r.c.RDrop/2*float64(m.Rows)/w.weight)))
}

// sums add up losses by domain, in the order of the batch.
type sums struct {
	loss, count []float64
	ids         []int32 // masked, for maskers that learn
	surprise    []float32
}

func newSums(domains int) *sums {
	return &sums{loss: make([]float64, domains), count: make([]float64, domains)}
}

func (s *sums) add(domain int32, loss float64) {
	s.loss[domain] += loss
	s.count[domain]++
}

func (s *sums) rows(m *feed.Micro, each []float32) {
	for i, l := range each {
		s.add(m.Domains[i], float64(l))
	}
}

// squares adds the squared errors of numbers; logits are nil in a plan.
func (s *sums) squares(m *feed.Micro, logits []float32) {
	for i, y := range logits {
		d := float64(y) - float64(m.Values[i])
		s.add(m.Domains[i], d*d)
	}
}

// binary adds the binary cross-entropies of independent labels.
func (s *sums) binary(m *feed.Micro, logits []float32) {
	n := len(m.Values) / m.Rows
	for i, z := range logits {
		x, t := float64(z), float64(m.Values[i])
		s.add(m.Domains[i/n], max(x, 0)+math.Log1p(math.Exp(-math.Abs(x)))-t*x)
	}
}

// means gives the mean loss of every domain, NaN where nothing counted.
func (s *sums) means() []float64 {
	out := make([]float64, len(s.loss))
	for i := range out {
		out[i] = s.loss[i] / s.count[i]
	}
	return out
}

// mean is the mean over all domains.
func (s *sums) mean() float64 {
	loss, n := 0., 0.
	for i := range s.loss {
		loss, n = loss+s.loss[i], n+s.count[i]
	}
	return loss / n
}
