package mix

import (
	"fmt"
	"math"
)

// Quality lets good domains repeat more: the number of epochs of a domain is in proportion to quality^Power, its quality being the mean of a score over its
// records, and never above Epochs, as in [UniMax].
//
//	100 examples each, qualities .9 and .3, 160 wanted: 1.2 and .4 epochs
type Quality struct {
	Deal   `yaml:"-"`
	Score  string  `yaml:"score"`  // name of the score
	Power  float64 `yaml:"power"`  // 0: quality does not matter
	Epochs float64 `yaml:"epochs"` // most epochs of a domain

	mean []float64
}

// Open implements [Opener].
func (q *Quality) Open(env Env) error {
	if q.Score == "" || !(q.Power >= 0) || !(q.Epochs > 0) {
		return fmt.Errorf("give the name of a score, a power of 0 or more and epochs above 0, not %q, %v and %v", q.Score, q.Power, q.Epochs)
	}
	if env.Records == nil {
		return errNoRecords
	}
	w := make([]float64, len(env.Domains))
	q.mean = make([]float64, len(w))
	for i, d := range env.Domains {
		m, err := q.measure(env, i)
		if err != nil {
			return err
		}
		q.mean[i] = m
		w[i] = float64(d.Examples) * math.Pow(m, q.Power)
	}
	q.Set(share(w, caps(env, q.Epochs), env.Examples()), env)
	return nil
}

func (q *Quality) measure(env Env, domain int) (float64, error) {
	sum, n := 0., 0
	for r, err := range env.Records(domain) {
		if err != nil {
			return 0, err
		}
		if s, ok := r.Scores[q.Score]; ok && finite(s) {
			sum += s
			n++
		}
	}
	name := env.Domains[domain].Name
	if n == 0 {
		return 0, fmt.Errorf("no record of domain %s has the score %q: add the filter that writes it", name, q.Score)
	}
	if sum <= 0 {
		return 0, fmt.Errorf("domain %s has the mean score %v: quality needs scores above 0", name, sum/float64(n))
	}
	return sum / float64(n), nil
}

// Explain implements [Explainer].
func (q *Quality) Explain(domain int) string {
	return fmt.Sprintf("mean %s %.3f", q.Score, q.mean[domain])
}
