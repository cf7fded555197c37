package mix

import (
	"fmt"
	"math"
)

// Temperature gives shares in proportion to examples^(1/T): T = 1 is proportional, a large T nearly uniform (arXiv 1907.05019, section 3.1).
//
//	sizes 900 and 100 with T = 2: shares .75 and .25
type Temperature struct {
	Deal `yaml:"-"`
	T    float64 `yaml:"t"` // temperature, 1 or more
}

// Open implements [Opener].
func (t *Temperature) Open(env Env) error {
	if t.T < 1 || math.IsInf(t.T, 0) || math.IsNaN(t.T) {
		return fmt.Errorf("t is a temperature of 1 or more, not %v", t.T)
	}
	t.Set(powers(env, 1/t.T), env)
	return nil
}

func powers(env Env, exponent float64) []float64 {
	w := make([]float64, len(env.Domains))
	for i, d := range env.Domains {
		w[i] = math.Pow(float64(d.Examples), exponent)
	}
	return w
}
