package generators

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"sluice/pipeline"
	"sluice/schemas"
)

// demo draws up to n different seeds from among the pool's seeds at the indexes of, never the record itself.
func demo(p *pipeline.Pool, of []int32, n int, self schemas.ID, rng *rand.Rand) []*schemas.Record {
	var out []*schemas.Record
	for _, i := range rng.Perm(len(of)) {
		if r := p.Seeds[of[i]]; len(out) < n && r.ID != self {
			out = append(out, r)
		}
	}
	return out
}

// nearestLabels returns for each label of the pool the label whose seeds use the most similar words: the cosine of tf-idf vectors, where
// a document is all seeds of a label and each label keeps its 50 heaviest words. Ties go to the label seen first.
func nearestLabels(p *pipeline.Pool) map[string]string {
	type weight struct {
		word string
		w    float64
	}
	counts := make([]map[string]float64, len(p.Labels))
	holders := map[string]int{} // labels that use a word
	for i, l := range p.Labels {
		counts[i] = map[string]float64{}
		for _, s := range p.ByLabel[l] {
			for _, t := range tokenize(p.Seeds[s].Content()) {
				counts[i][t]++
			}
		}
		for t := range counts[i] {
			holders[t]++
		}
	}
	profiles := make([][]weight, len(p.Labels))
	users := map[string][]int{} // word → labels with it in their profile
	vectors := make([]map[string]float64, len(p.Labels))
	for i := range p.Labels {
		for t, n := range counts[i] {
			profiles[i] = append(profiles[i], weight{t, (1 + math.Log(n)) * math.Log(1+float64(len(p.Labels))/float64(holders[t]))})
		}
		slices.SortFunc(profiles[i], func(a, b weight) int {
			return cmp.Or(cmp.Compare(b.w, a.w), cmp.Compare(a.word, b.word))
		})
		profiles[i] = profiles[i][:min(50, len(profiles[i]))]
		norm := 0.0
		for _, w := range profiles[i] {
			norm += w.w * w.w
		}
		vectors[i] = make(map[string]float64, len(profiles[i]))
		for _, w := range profiles[i] {
			vectors[i][w.word] = w.w / math.Sqrt(norm)
			users[w.word] = append(users[w.word], i)
		}
	}
	nearest := make(map[string]string, len(p.Labels))
	likeness := make([]float64, len(p.Labels))
	for i, l := range p.Labels {
		clear(likeness)
		for _, w := range profiles[i] { // in a fixed order: floating-point sums depend on it
			for _, j := range users[w.word] {
				likeness[j] += vectors[i][w.word] * vectors[j][w.word]
			}
		}
		best := -1
		for j := range p.Labels {
			if j != i && (best < 0 || likeness[j] > likeness[best]) {
				best = j
			}
		}
		if best >= 0 {
			nearest[l] = p.Labels[best]
		}
	}
	return nearest
}
