package optim

import (
	"math"

	"sluice/trainer/kernel"
)

// SquareSum gives Σ x² in float64, over chunks of fixed length that are added in order.
func SquareSum(team *kernel.Team, x []float32) float64 {
	parts := make([]float64, (len(x)+grain-1)/grain)
	team.Rows(len(x), grain, func(lo, hi int) {
		for ; lo < hi; lo += grain {
			part := x[lo:min(lo+grain, hi)]
			parts[lo/grain] = float64(team.Set().Dot(part, part))
		}
	})
	sum := 0.
	for _, p := range parts {
		sum += p
	}
	return sum
}

// GlobalNorm gives the length of the gradient of all parameters taken as one vector.
func GlobalNorm(team *kernel.Team, params []Param) float64 {
	sum := 0.
	for _, p := range params {
		sum += SquareSum(team, p.Grad())
	}
	return math.Sqrt(sum)
}

// ClipFactor is what gradients of that norm are multiplied by so that their norm is at most limit; 0 means no limit.
func ClipFactor(norm, limit float64) float64 {
	if limit <= 0 {
		return 1
	}
	return min(1, limit/(norm+1e-6))
}
