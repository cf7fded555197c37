package trainer

import (
	"maps"
	"math"
	"slices"
)

// unseen is the probability of a label that the model does not know.
const unseen = 1e-7

// said puts logits of rows beside their labels. Labels that the model does not know join its own with next to no probability; rows that do not say what
// their labels are, are left out.
func said(labels []string, temperature float64, multi bool, logits [][]float64, t *table) *predictions {
	p := &predictions{known: len(labels), temperature: temperature}
	more := map[string]bool{}
	for i := range t.rows {
		for _, l := range t.rows[i].Labels {
			if !slices.Contains(labels, l) {
				more[l] = true
			}
		}
	}
	p.labels = append(slices.Clone(labels), slices.Sorted(maps.Keys(more))...)
	at := map[string]int{}
	for k, l := range p.labels {
		at[l] = k
	}
	for i, z := range logits {
		has := t.rows[i].Labels
		if len(has) == 0 && !(multi && t.rows[i].Known) {
			continue
		}
		p.rows = append(p.rows, i)
		if len(more) > 0 {
			z = p.pad(slices.Clone(z), multi)
		}
		p.logits = append(p.logits, z)
		if !multi {
			p.classes = append(p.classes, int32(at[has[0]]))
			continue
		}
		values := make([]float32, len(p.labels))
		for _, l := range has {
			values[at[l]] = 1
		}
		p.values = append(p.values, values)
	}
	return p
}

// pad gives labels beyond the model's own their logits.
func (p *predictions) pad(z []float64, multi bool) []float64 {
	low := p.heat() * math.Log(unseen/(1-unseen))
	if !multi {
		scaled := make([]float64, len(z))
		for k, v := range z {
			scaled[k] = v / p.heat()
		}
		low = p.heat() * (logSumExp(scaled) + math.Log(unseen))
	}
	for len(z) < len(p.labels) {
		z = append(z, low)
	}
	return z
}

// result scores the predictions of a table, as a whole and source by source.
func (p *predictions) result(c Config, t *table) *Result {
	res := score(c.Task, p)
	res.Domains = map[string]*DomainResult{}
	for i, z := range p.logits {
		loss, name := p.loss(z, i), t.rows[p.rows[i]].Source
		d := res.Domains[name]
		if d == nil {
			d = &DomainResult{}
			res.Domains[name] = d
		}
		d.Loss += loss
		d.Targets++
		res.Loss += loss / float64(len(p.logits))
		res.Targets++
	}
	for _, d := range res.Domains {
		d.Loss /= float64(d.Targets)
	}
	res.Unseen = append(res.Unseen, p.labels[p.known:]...)
	return res
}

// loss is the cross-entropy of row i, with several labels the mean over them.
func (p *predictions) loss(z []float64, i int) float64 {
	if p.classes != nil {
		q := softmax(z, p.heat())[p.classes[i]]
		return -math.Log(max(q, unseen))
	}
	sum := 0.
	for k, v := range z {
		q := 1 / (1 + math.Exp(-v/p.heat()))
		if p.values[i][k] < .5 {
			q = 1 - q
		}
		sum -= math.Log(max(q, unseen)) / float64(len(z))
	}
	return sum
}
