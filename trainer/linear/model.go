package linear

import (
	"fmt"
	"runtime"
	"slices"

	"sluice/trainer/kernel"
)

// A Model predicts labels of texts. It never changes and may be used by many goroutines.
type Model struct {
	config      Config
	labels      []string // ascending
	prior       []float64
	temperature float64
	vocabulary  *vocabulary
	stride      int
	weight      []float32 // columns × stride
	bias        []float32 // stride
	set         kernel.Set
}

// Probs are probabilities of rows: over the labels together, or of each label by itself where MultiLabel is set.
type Probs struct {
	Labels     []string // ascending
	Values     []float32
	MultiLabel bool
}

// Rows is the number of rows.
func (p *Probs) Rows() int { return len(p.Values) / len(p.Labels) }

// Row gives the probabilities of row i, by label.
func (p *Probs) Row(i int) []float32 {
	k := len(p.Labels)
	return p.Values[i*k : (i+1)*k : (i+1)*k]
}

// Best is the label of row i with the highest probability; the first of equals.
func (p *Probs) Best(i int) (label string, prob float32) {
	k := argmax(p.Row(i))
	return p.Labels[k], p.Row(i)[k]
}

func argmax(row []float32) int {
	best := 0
	for k, v := range row {
		if v > row[best] {
			best = k
		}
	}
	return best
}

// Labels lists the labels in the order of all probabilities.
func (m *Model) Labels() []string { return slices.Clone(m.labels) }

// Config is the configuration that the model was trained with, C as it was tuned.
func (m *Model) Config() Config { return m.config }

// Temperature is what logits are divided by.
func (m *Model) Temperature() float64 { return m.temperature }

// Prior is the share of each label's weight among the training rows, in the order of Labels.
func (m *Model) Prior() []float64 { return slices.Clone(m.prior) }

// Predict gives the probabilities of texts. A text with no known feature gets those of the bias.
func (m *Model) Predict(texts []string) *Probs {
	p := &Probs{Labels: m.labels, MultiLabel: m.config.MultiLabel, Values: m.Logits(texts)}
	for i := range texts {
		probabilities(p.Row(i), p.Row(i), m.temperature, m.config.MultiLabel)
	}
	return p
}

// Logits gives what Predict makes probabilities of, before the temperature: one for every text and label.
func (m *Model) Logits(texts []string) []float32 {
	out := make([]float32, len(texts)*len(m.labels))
	if len(texts) <= countGrain {
		m.each(out, texts)
		return out
	}
	threads := m.config.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	k := len(m.labels)
	kernel.NewTeam(m.set, threads).Rows(len(texts), countGrain, func(lo, hi int) { m.each(out[lo*k:hi*k], texts[lo:hi]) })
	return out
}

func (m *Model) each(out []float32, texts []string) {
	c, x, s := newCounter(&m.config), &counts{start: []int{0}}, &sparse{start: []int{0}}
	z, k := make([]float32, m.stride), len(m.labels)
	for n, t := range texts {
		c.add(x, t)
		s.add(m.vocabulary, x, n)
		m.logits(z, s, n)
		copy(out[n*k:(n+1)*k], z)
	}
}

// logits writes W·x_i + b to z, which is one stride long.
func (m *Model) logits(z []float32, x *sparse, i int) {
	copy(z, m.bias)
	col, val := x.row(i)
	for e, c := range col {
		axpy(m.set, z, m.weight[int(c)*m.stride:int(c)*m.stride+m.stride], val[e])
	}
}

// Adjust turns probabilities under the training prior into those under another (Saerens, Latinne, Decaestecker 2002):
//
//	p'_c ∝ p_c · π_c/π̂_c
//
// With MultiLabel each label is adjusted against its own absence. A label that prior lacks is an error.
//
// Example: p = [.6 .4] of a model trained half and half, deployed at .2 and .8: .12 and .32, which is [.27 .73].
func (m *Model) Adjust(p *Probs, prior map[string]float64) error {
	ratio := make([]float64, len(m.labels))
	rest := make([]float64, len(m.labels))
	for k, l := range m.labels {
		pi, ok := prior[l]
		if !ok || !(pi >= 0 && pi <= 1) {
			return fmt.Errorf("prior of label %q is %v, want a share between 0 and 1 for every label", l, pi)
		}
		ratio[k] = pi / max(m.prior[k], 1e-12)
		rest[k] = (1 - pi) / max(1-m.prior[k], 1e-12)
	}
	for i := range p.Rows() {
		row := p.Row(i)
		if p.MultiLabel {
			for k, v := range row {
				yes, no := float64(v)*ratio[k], float64(1-v)*rest[k]
				if yes+no > 0 {
					row[k] = float32(yes / (yes + no))
				}
			}
			continue
		}
		sum := 0.0
		for k, v := range row {
			sum += float64(v) * ratio[k]
		}
		if sum == 0 {
			continue // all the mass lies on labels that the new prior excludes: nothing to say
		}
		for k, v := range row {
			row[k] = float32(float64(v) * ratio[k] / sum)
		}
	}
	return nil
}
