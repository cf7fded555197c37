package trainer

import "math"

// A Calibration is the temperature that makes the probabilities of a classifier honest (arXiv 1706.04599): softmax(logits/T). It is found on validation data.
type Calibration struct {
	Temperature float64 `json:"temperature"`
	Before      float64 `json:"ece_before"` // on the rows it was found on
	After       float64 `json:"ece_after"`
	TestBefore  float64 `json:"test_ece_before,omitzero"` // on rows it was not
	TestAfter   float64 `json:"test_ece_after,omitzero"`

	BrierBefore     float64 `json:"brier_before"`
	BrierAfter      float64 `json:"brier_after"`
	TestBrierBefore float64 `json:"test_brier_before,omitzero"`
	TestBrierAfter  float64 `json:"test_brier_after,omitzero"`
}

// found notes what the temperature does to the rows it was found on.
func (c *Calibration) found(p *predictions) {
	c.Before, c.BrierBefore = p.honesty(1)
	c.After, c.BrierAfter = p.honesty(c.Temperature)
}

// tested notes what it does to others.
func (c *Calibration) tested(p *predictions) {
	c.TestBefore, c.TestBrierBefore = p.honesty(1)
	c.TestAfter, c.TestBrierAfter = p.honesty(c.Temperature)
}

// honesty gives expected calibration error and Brier score at a temperature.
func (p *predictions) honesty(temperature float64) (ece, brier float64) {
	at := *p
	at.temperature = temperature
	res := score(Classify, &at)
	return res.ECE, res.Brier
}

// brier is the mean of Σ (p - y)².
func brier(probabilities [][]float64, truth []int32) (sum float64) {
	for i, p := range probabilities {
		for j, v := range p {
			if int32(j) == truth[i] {
				v = 1 - v
			}
			sum += v * v / float64(len(truth))
		}
	}
	return sum
}

// bins sum probability and success by probability, in bins of equal width.
type bins struct{ rows, hits, confidence [eceBins]float64 }

func (b *bins) add(p float64, hit bool) {
	k := min(eceBins-1, max(0, int(math.Ceil(p*eceBins))-1))
	b.rows[k]++
	b.confidence[k] += p
	if hit {
		b.hits[k]++
	}
}

func (b *bins) error() float64 {
	sum, rows := 0., 0.
	for k := range b.rows {
		sum += math.Abs(b.hits[k] - b.confidence[k])
		rows += b.rows[k]
	}
	return sum / max(1, rows)
}

// eceBins is the number of bins of equal width.
const eceBins = 15

// ece is the expected calibration error: rows are binned by the probability of the predicted class, and |share of hits - mean probability| is averaged over
// the bins, weighted by their rows (arXiv 1706.04599, equation 3).
func ece(probabilities [][]float64, truth []int32) float64 {
	var all bins
	for i, p := range probabilities {
		best := argmax(p)
		all.add(p[best], int32(best) == truth[i])
	}
	return all.error()
}

// calibrate finds the temperature of least cross-entropy by Newton's method on β = 1/T, in which the cross-entropy is convex: with q = softmax(βz),
// the slope is Σ (E_q z - z_true) and the curvature Σ Var_q z.
func calibrate(p *predictions) *Calibration {
	logits, truth := p.logits, p.classes
	beta := 1.
	for range 50 {
		slope, curve := 0., 0.
		for i, z := range logits {
			mean, square := 0., 0.
			for j, q := range softmax(z, 1/beta) {
				mean += q * z[j]
				square += q * z[j] * z[j]
			}
			slope += mean - z[truth[i]]
			curve += square - mean*mean
		}
		if curve < 1e-12 {
			break // all logits are alike: no temperature changes anything
		}
		next := min(max(beta-slope/curve, beta/4, 1e-3), beta*4, 1e3) // a step at most fourfold, so that a flat start does not fling it away
		if math.Abs(next-beta) < 1e-9*beta {
			beta = next
			break
		}
		beta = next
	}
	c := &Calibration{Temperature: 1 / beta}
	c.found(p)
	return c
}
