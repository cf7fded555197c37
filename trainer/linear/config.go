package linear

import (
	"errors"
	"fmt"
	"math"
	"runtime"
)

// A Row is one training example.
type Row struct {
	Text   string
	Labels []string // exactly one, or any number of different ones where [Config.MultiLabel] is set
	Weight float64  // of its loss; 0 counts as 1
	Family string   // rows of one family stay in one fold; "" is a family of its own
	Seed   bool     // real, not made: see [Config.SeedsStay]
}

func (r *Row) weight() float64 {
	if r.Weight == 0 {
		return 1
	}
	return r.Weight
}

// Config says what a row's features are and how a model is fitted. Start from [Default].
type Config struct {
	Bits      int  `yaml:"bits" json:"bits"`           // 2^bits buckets, 10 to 22
	Words     int  `yaml:"words" json:"words"`         // word n-grams of length 1 to this; 0: none
	CharMin   int  `yaml:"char_min" json:"char_min"`   // character n-grams from this length …
	CharMax   int  `yaml:"char_max" json:"char_max"`   // … to this one; 0: none
	Sublinear bool `yaml:"sublinear" json:"sublinear"` // 1 + ln(count) in place of the count

	C    float64   `yaml:"c" json:"c"`       // inverse strength of the L2 penalty; 0: the best of grid
	Grid []float64 `yaml:"grid" json:"grid"` // values of C to try, ascending

	MultiLabel bool    `yaml:"-" json:"multi_label"`       // independent logistic models, one a label, in place of one softmax
	Mixup      float64 `yaml:"mixup" json:"mixup"`         // rows mixed of two others, per row of the data; 0: none
	Calibrate  bool    `yaml:"calibrate" json:"calibrate"` // fit a temperature on out-of-fold logits

	Folds     int  `yaml:"folds" json:"folds"`           // for tuning, calibration and out-of-fold probabilities
	SeedsStay bool `yaml:"seeds_stay" json:"seeds_stay"` // seeds are in the training part of every fold: judged is what was made of them

	Iterations int     `yaml:"iterations" json:"iterations"` // of L-BFGS, at most
	Tolerance  float64 `yaml:"tolerance" json:"tolerance"`   // stop when no element of the mean loss's gradient is larger

	Seed    uint64 `yaml:"-" json:"seed"`    // of folds and mixup
	Threads int    `yaml:"-" json:"threads"` // 0: as many as the process may use; never changes a result
}

// Default is the configuration of the measured lifts: words 1–2 and characters 4 in 2^16 buckets, C = 10. Its other values are
// those of scikit-learn's LogisticRegression, so that figures compare.
func Default() Config {
	return Config{Bits: 16, Words: 2, CharMin: 4, CharMax: 4, C: 10, Grid: []float64{.1, .3, 1, 3, 10, 30, 100}, Folds: 4,
		Iterations: 100, Tolerance: 1e-4}
}

// Check reports all that is wrong with the options.
func (c *Config) Check() error {
	var errs []error
	bad := func(broken bool, format string, a ...any) {
		if broken {
			errs = append(errs, fmt.Errorf(format, a...))
		}
	}
	bad(c.Bits < 10 || c.Bits > 22, "bits: %d is outside 10 to 22", c.Bits)
	bad(c.Words < 0 || c.Words > 5, "words: %d is outside 0 to 5", c.Words)
	bad(c.CharMin < 0 || c.CharMax < c.CharMin || c.CharMax > 16 || c.CharMin == 0 && c.CharMax > 0,
		"char_min, char_max: %d to %d is no range of lengths within 1 to 16", c.CharMin, c.CharMax)
	bad(c.Words == 0 && c.CharMax == 0, "words and char_max are both 0: a row would have no features")
	bad(c.C < 0 || math.IsNaN(c.C) || math.IsInf(c.C, 0), "c: %v is no positive number", c.C)
	bad(c.C == 0 && len(c.Grid) == 0, "c is 0 and grid is empty: give one of them")
	for i, v := range c.Grid {
		bad(!(v > 0) || math.IsInf(v, 0) || i > 0 && v <= c.Grid[i-1], "grid: %v: want positive numbers, ascending", c.Grid)
	}
	bad(!(c.Mixup >= 0) || c.Mixup > 100, "mixup: %v is outside 0 to 100 rows per row", c.Mixup)
	bad(c.Folds < 2, "folds: %d: want at least 2", c.Folds)
	bad(c.Iterations < 1, "iterations: %d: want at least 1", c.Iterations)
	bad(!(c.Tolerance > 0), "tolerance: %v: want more than 0", c.Tolerance)
	bad(c.Threads < 0, "threads: %d: want 0 or more", c.Threads)
	return errors.Join(errs...)
}

func (c *Config) threads() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.GOMAXPROCS(0)
}
