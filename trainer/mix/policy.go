package mix

import (
	"math"
	"math/rand/v2"
)

// A policy is what reactive mixers have in common: chances that change from step to step, drawn at random, under the cap on repetition. Losses
// of a step are learned when it is over, and the chances move before the first pick of the next.
type policy struct {
	Deal
	step   int64
	turns  int64     // steps that are over
	drawn  []int64   // picks of this step by domain
	chance []float64 // of a pick at the beginning of this step
}

func (q *policy) start(env Env) {
	w := make([]float64, len(env.Domains))
	for i := range w {
		w[i] = 1
	}
	q.Set(w, env)
	q.step, q.turns = -1, 0
	q.drawn = make([]int64, len(w))
	q.chance = append([]float64{}, q.Weights()...)
}

// turn tells whether a step is over; then the mixer sets its chances.
func (q *policy) turn(step int64) bool { return step != q.step && q.step != -1 }

// draw picks for a step.
func (q *policy) draw(step int64, rng *rand.Rand) int {
	open := q.Weights()
	if step != q.step {
		if q.step != -1 {
			q.turns++
		}
		q.step = step
		clear(q.drawn)
		copy(q.chance, open)
	}
	i := Draw(open, rng)
	q.given[i]++
	q.drawn[i]++
	return i
}

// unbiased turns a loss of a domain in this step into an estimate that is right on average however rarely the domain is drawn: the loss divided by
// the chance, times the domain's share of the step's picks. With one pick a step it is loss/chance, as bandits have it.
func (q *policy) unbiased(domain int, loss float64) float64 {
	all := int64(0)
	for _, n := range q.drawn {
		all += n
	}
	if all == 0 || q.chance[domain] == 0 {
		return 0
	}
	return loss * float64(q.drawn[domain]) / float64(all) / q.chance[domain]
}

// exploration is ε_t = min(1/K, √(ln K/(K·t))), ε_0 = 1/K: the least chance of every domain in turn t (Exp3, Auer et al. 2002, as arXiv 2312.02406 has it).
//
//	K = 4: .25 up to t = 5, .118 at t = 25
func exploration(k int, t int64) float64 {
	if t < 1 {
		return 1 / float64(k)
	}
	return min(1/float64(k), math.Sqrt(math.Log(float64(k))/(float64(k)*float64(t))))
}

// gibbs sets p_i = (1 - K·least)·softmax(scale·reward)_i + least.
func gibbs(p, reward []float64, scale, least float64) {
	top := math.Inf(-1)
	for _, r := range reward {
		top = max(top, scale*r)
	}
	sum := 0.
	for i, r := range reward {
		p[i] = math.Exp(scale*r - top)
		sum += p[i]
	}
	for i := range p {
		p[i] = (1-float64(len(p))*least)*p[i]/sum + least
	}
}

// finite keeps a diverged loss from spoiling the chances for good.
func finite(loss float64) bool { return !math.IsNaN(loss) && !math.IsInf(loss, 0) }

func (q *policy) fields(more ...any) []any {
	return append([]any{q.p, q.given, &q.step, &q.turns, q.drawn, q.chance}, more...)
}
