package linear

import (
	"fmt"
	"math"
	"slices"
)

// Metrics say what predictions are worth.
type Metrics struct {
	Rows     int     `json:"rows"`
	Accuracy float64 `json:"accuracy"`           // rows all of whose labels are right; with MultiLabel, a label counts from probability .5
	MacroF1  float64 `json:"macro_f1"`           // mean F1 of labels that occur in truth or prediction
	MicroF1  float64 `json:"micro_f1,omitempty"` // with MultiLabel
	LogLoss  float64 `json:"log_loss"`           // mean of -ln p(truth), nats; with MultiLabel, mean over rows and labels
	Brier    float64 `json:"brier"`              // mean squared distance to the truth: Σ_k (p_k - y_k)²
	ECE      float64 `json:"ece"`                // expected calibration error, 15 bins of equal width
	Unseen   int     `json:"unseen,omitempty"`   // true labels that the model does not know; they count as errors
	Labels   []Class `json:"labels"`             // of truth or prediction, ascending
}

// A Class is one label's part of the metrics.
type Class struct {
	Label     string  `json:"label"`
	Support   int     `json:"support"` // rows that truly have it
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// floor keeps the log-loss of a certain error finite.
const floor = 1e-7

type hits struct{ right, predicted, support int }

// Score compares probabilities with the true labels of each row.
func Score(p *Probs, truth [][]string) (*Metrics, error) {
	if len(p.Labels) == 0 || p.Rows() != len(truth) || len(truth) == 0 {
		return nil, fmt.Errorf("score: %d predictions for %d rows", len(p.Values)/max(1, len(p.Labels)), len(truth))
	}
	m := &Metrics{Rows: len(truth)}
	by := map[string]*hits{}
	at := func(l string) *hits {
		h := by[l]
		if h == nil {
			h = &hits{}
			by[l] = h
		}
		return h
	}
	var cal calibration
	exact := 0
	for i, labels := range truth {
		if !p.MultiLabel && len(labels) != 1 {
			return nil, fmt.Errorf("score: row %d has %d labels, want one", i, len(labels))
		}
		row := p.Row(i)
		isTrue := make([]bool, len(row))
		unseen := 0
		for _, l := range labels {
			at(l).support++
			if k, ok := slices.BinarySearch(p.Labels, l); ok {
				isTrue[k] = true
			} else {
				unseen++
			}
		}
		m.Unseen += unseen
		right := unseen == 0
		best := argmax(row)
		for k, v := range row {
			chosen := k == best
			if p.MultiLabel {
				chosen = v >= .5
			}
			if chosen {
				at(p.Labels[k]).predicted++
				if isTrue[k] {
					at(p.Labels[k]).right++
				}
			}
			right = right && chosen == isTrue[k]
			y := 0.0
			if isTrue[k] {
				y = 1
			}
			m.Brier += (float64(v) - y) * (float64(v) - y)
			switch {
			case p.MultiLabel:
				m.LogLoss -= math.Log(max(floor, 1-math.Abs(float64(v)-y))) / float64(len(row))
				cal.add(float64(v), isTrue[k])
			case isTrue[k]:
				m.LogLoss -= math.Log(max(floor, float64(v)))
			}
		}
		if !p.MultiLabel {
			cal.add(float64(row[best]), isTrue[best])
			m.LogLoss -= float64(unseen) * math.Log(floor)
		}
		m.Brier += float64(unseen)
		if right {
			exact++
		}
	}
	n := float64(len(truth))
	m.Accuracy, m.LogLoss, m.Brier, m.ECE = float64(exact)/n, m.LogLoss/n, m.Brier/n, cal.error()
	m.classes(by, p.MultiLabel)
	return m, nil
}

func (m *Metrics) classes(by map[string]*hits, multi bool) {
	names := make([]string, 0, len(by))
	for l := range by {
		names = append(names, l)
	}
	slices.Sort(names)
	var all hits
	for _, l := range names {
		h := by[l]
		c := Class{Label: l, Support: h.support, Precision: ratio(h.right, h.predicted), Recall: ratio(h.right, h.support),
			F1: ratio(2*h.right, h.predicted+h.support)}
		m.Labels = append(m.Labels, c)
		m.MacroF1 += c.F1 / float64(len(names))
		all.right, all.predicted, all.support = all.right+h.right, all.predicted+h.predicted, all.support+h.support
	}
	if multi {
		m.MicroF1 = ratio(2*all.right, all.predicted+all.support)
	}
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// calibration sums confidence and success by bin: ECE = Σ_b n_b/n · |accuracy_b - confidence_b| (Naeini et al. 2015).
type calibration [15]struct {
	n, right   int
	confidence float64
}

func (c *calibration) add(p float64, right bool) {
	b := &c[min(len(c)-1, int(p*float64(len(c))))]
	b.n++
	b.confidence += p
	if right {
		b.right++
	}
}

func (c *calibration) error() (ece float64) {
	n := 0
	for _, b := range c {
		ece += math.Abs(float64(b.right) - b.confidence)
		n += b.n
	}
	return ece / float64(max(1, n))
}
