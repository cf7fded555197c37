package trainer

import "math"

// A Calibration is the temperature that makes the probabilities of a classifier honest (arXiv 1706.04599): softmax(logits/T). It is found on validation data.
type Calibration struct {
	Temperature float64 `json:"temperature"`
	Before      float64 `json:"ece_before"` // on the rows it was found on
	After       float64 `json:"ece_after"`
	TestBefore  float64 `json:"test_ece_before,omitzero"` // on rows it was not
	TestAfter   float64 `json:"test_ece_after,omitzero"`
}

// eceBins is the number of bins of equal width.
const eceBins = 15

// ece is the expected calibration error: rows are binned by the probability of the predicted class, and |share of hits - mean probability| is averaged over
// the bins, weighted by their rows (arXiv 1706.04599, equation 3).
func ece(probabilities [][]float64, truth []int32) float64 {
	var rows, hits, confidence [eceBins]float64
	for i, p := range probabilities {
		best := argmax(p)
		b := min(eceBins-1, max(0, int(math.Ceil(p[best]*eceBins))-1))
		rows[b]++
		confidence[b] += p[best]
		if int32(best) == truth[i] {
			hits[b]++
		}
	}
	sum := 0.
	for b := range rows {
		sum += math.Abs(hits[b] - confidence[b])
	}
	return sum / float64(len(probabilities))
}

// calibrate finds the temperature of least cross-entropy by Newton's method on β = 1/T, in which the cross-entropy is convex: with q = softmax(βz),
// the slope is Σ (E_q z - z_true) and the curvature Σ Var_q z.
func calibrate(logits [][]float64, truth []int32) *Calibration {
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
	said := predictions{logits: logits}
	return &Calibration{Temperature: 1 / beta, Before: ece(said.probabilities(1), truth), After: ece(said.probabilities(1/beta), truth)}
}
