package linear

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Feature mixup inside a label (mixup is arXiv 1710.09412): rows x = λ·x_i + (1-λ)·x_j of two rows with the same labels,
// λ ~ Beta(.4, .4). Mixed rows only ever join the rows they were made from on the training side of a fold.

const mixupBeta = .4

// mix appends about perRow mixed rows for each of x's, with their weights and the row whose labels they have. A row alone with its
// labels is not mixed. key gives the labels of a row as one string.
func mix(x *sparse, weight []float32, perRow float64, seed uint64, key func(int) string) (weights []float32, like []int) {
	n := x.rows()
	alike := map[string][]int{}
	for i := range n {
		alike[key(i)] = append(alike[key(i)], i)
	}
	rng := rand.New(rand.NewPCG(seed, 0x6d6978))
	for i := range n {
		peers := alike[key(i)]
		if len(peers) < 2 {
			continue
		}
		for range int(perRow + rng.Float64()) { // exact in expectation
			at, _ := slices.BinarySearch(peers, i)
			j := peers[(at+1+rng.IntN(len(peers)-1))%len(peers)]
			l := beta(rng, mixupBeta)
			x.blend(i, j, float32(l))
			weights = append(weights, float32(l)*weight[i]+float32(1-l)*weight[j])
			like = append(like, i)
		}
	}
	return weights, like
}

// blend appends l·x_i + (1-l)·x_j. Columns keep the order of first mention.
func (s *sparse) blend(i, j int, l float32) {
	col, val := s.row(i)
	from := len(s.col)
	at := make(map[uint32]int, len(col))
	for k, c := range col {
		at[c] = len(s.col)
		s.col, s.val = append(s.col, c), append(s.val, l*val[k])
	}
	col, val = s.row(j)
	for k, c := range col {
		if e, ok := at[c]; ok && e >= from {
			s.val[e] += (1 - l) * val[k]
			continue
		}
		s.col, s.val = append(s.col, c), append(s.val, (1-l)*val[k])
	}
	s.start = append(s.start, len(s.col))
}

// beta draws from Beta(a, a) for a ≤ 1 by Jöhnk's method (Metrika 8, 1964): u^(1/a)/(u^(1/a)+v^(1/a)) given that the sum is at most 1.
func beta(rng *rand.Rand, a float64) float64 {
	for {
		u, v := math.Pow(rng.Float64(), 1/a), math.Pow(rng.Float64(), 1/a)
		if s := u + v; s > 0 && s <= 1 {
			return u / s
		}
	}
}
