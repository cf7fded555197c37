package trainer

import (
	"cmp"
	"math"
	"slices"

	"sluice/trainer/feed"
)

// A Result is what a model is worth on some data. Which fields count depends on the task.
type Result struct {
	Loss       float64                  `json:"loss"`    // mean over targets: nats of cross-entropy, or squared error
	Targets    int64                    `json:"targets"` // predictions
	Domains    map[string]*DomainResult `json:"domains"`
	Perplexity float64                  `json:"perplexity,omitzero"` // causal, masked, chat

	Rows     int     `json:"rows,omitzero"`     // classify, regress
	Accuracy float64 `json:"accuracy,omitzero"` // classify; with several labels, of whole sets
	MacroF1  float64 `json:"macro_f1,omitzero"` // mean over the classes that occur in truth or prediction
	MicroF1  float64 `json:"micro_f1,omitzero"` // several labels, at probability ½
	ECE      float64 `json:"ece,omitzero"`      // expected calibration error, 15 bins
	Brier    float64 `json:"brier,omitzero"`    // mean Σ (p - y)²

	Interval *Interval   `json:"accuracy_interval,omitempty"` // classify
	Labels   []Class     `json:"labels,omitempty"`            // classify: label by label
	Confused []Confusion `json:"confused,omitempty"`          // classify, single labels: the mistakes that occur most, at most 20 kinds
	Unseen   []string    `json:"unseen,omitempty"`            // classify: true labels that the model does not know; such rows count as wrong

	RMSE     float64 `json:"rmse,omitzero"` // regress
	MAE      float64 `json:"mae,omitzero"`
	Pearson  float64 `json:"pearson,omitzero"`
	Spearman float64 `json:"spearman,omitzero"`

	said *predictions
}

// A DomainResult is the part of a domain.
type DomainResult struct {
	Loss    float64 `json:"loss"`
	Targets int64   `json:"targets"`
}

// lossOn is the loss on a domain; NaN where it has no targets.
func (r *Result) lossOn(domain string) float64 {
	if d, ok := r.Domains[domain]; ok {
		return d.Loss
	}
	return math.NaN()
}

func perplexity(loss float64) float64 { return math.Exp(min(loss, 700)) }

// predictions are a model's logits for rows, with what would have been right.
type predictions struct {
	logits      [][]float64
	classes     []int32
	values      [][]float32
	labels      []string // of the logits
	temperature float64  // that logits are divided by; 0: 1
	known       int      // of classifiers' tables: how many of the labels are the model's own
	rows        []int    // … and which row of the table each is
}

// heat is the temperature.
func (p *predictions) heat() float64 {
	if p.temperature == 0 {
		return 1
	}
	return p.temperature
}

// add takes the logits of a piece of a batch and adds the losses.
func (p *predictions) add(r *run, m *feed.Micro, logits []float32, sum *sums) {
	n := len(logits) / m.Rows
	for i := range m.Rows {
		z := make([]float64, n)
		for j := range z {
			z[j] = float64(logits[i*n+j])
		}
		p.logits = append(p.logits, z)
		if m.Classes != nil {
			p.classes = append(p.classes, m.Classes[i])
			sum.add(m.Domains[i], logSumExp(z)-z[m.Classes[i]])
		} else {
			p.values = append(p.values, m.Values[i*n:(i+1)*n])
		}
	}
	switch {
	case m.Classes != nil:
	case r.c.Task == Regress:
		sum.squares(m, logits)
	default:
		sum.binary(m, logits)
	}
}

func logSumExp(z []float64) float64 {
	top, sum := slices.Max(z), 0.
	for _, v := range z {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

func softmax(z []float64, temperature float64) []float64 {
	p := make([]float64, len(z))
	for i, v := range z {
		p[i] = v / temperature
	}
	l := logSumExp(p)
	for i := range p {
		p[i] = math.Exp(p[i] - l)
	}
	return p
}

// probabilities of single-label predictions.
func (p *predictions) probabilities(temperature float64) [][]float64 {
	out := make([][]float64, len(p.logits))
	for i, z := range p.logits {
		out[i] = softmax(z, temperature)
	}
	return out
}

// score works out what can be said of predictions for a task.
func score(task string, p *predictions) *Result {
	res := &Result{Rows: len(p.logits), said: p}
	switch {
	case len(p.logits) == 0:
	case p.classes != nil:
		res.classes(p.labels, p.probabilities(p.heat()), p.classes)
	case task == Regress:
		res.numbers(p)
	default:
		res.sets(p)
	}
	return res
}

// classes scores probabilities of classes that exclude each other.
func (res *Result) classes(labels []string, probabilities [][]float64, truth []int32) {
	t := newTally(labels)
	for i, p := range probabilities {
		t.add(int(truth[i]), argmax(p))
	}
	res.Brier, res.ECE = brier(probabilities, truth), ece(probabilities, truth)
	res.tell(t, t.hits)
	res.Confused = t.confused()
}

func argmax(p []float64) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}

// sets scores independent labels at probability ½.
func (res *Result) sets(p *predictions) {
	t, whole := newTally(p.labels), 0
	var all bins
	for i, z := range p.logits {
		same := true
		for j, v := range z {
			yes, is := v > 0, p.values[i][j] > .5
			same = same && yes == is
			t.set(j, is, yes)
			q := 1 / (1 + math.Exp(-v/p.heat()))
			all.add(q, is)
			d := q - float64(p.values[i][j])
			res.Brier += d * d / float64(len(p.logits))
		}
		if same {
			whole++
		}
	}
	res.ECE = all.error()
	res.tell(t, whole)
	r, s := 0, 0
	for j := range t.right {
		r, s = r+t.right[j], s+t.said[j]+t.is[j]
	}
	if s > 0 {
		res.MicroF1 = 2 * float64(r) / float64(s)
	}
}

// numbers scores a regression.
func (res *Result) numbers(p *predictions) {
	n := float64(len(p.logits))
	x, y := make([]float64, len(p.logits)), make([]float64, len(p.logits))
	for i, z := range p.logits {
		x[i], y[i] = z[0], float64(p.values[i][0])
		res.RMSE += (x[i] - y[i]) * (x[i] - y[i]) / n
		res.MAE += math.Abs(x[i]-y[i]) / n
	}
	res.RMSE = math.Sqrt(res.RMSE)
	res.Pearson, res.Spearman = pearson(x, y), pearson(ranks(x), ranks(y))
}

func pearson(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	xy, xx, yy := 0., 0., 0.
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
		yy += (y[i] - my) * (y[i] - my)
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

func mean(x []float64) (sum float64) {
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}

// ranks from 1; equal numbers share the mean of their ranks.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			out[k] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}
