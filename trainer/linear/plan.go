package linear

import (
	"context"
	"time"
)

// A Forecast says what a training will need.
type Forecast struct {
	Rows     int
	Labels   int
	Features int
	Fits     int     // of models: one on all rows, and those on folds
	Memory   int64   // bytes, about
	Seconds  float64 // about: measured on the first iterations
}

// usual is how many iterations a fit takes, more or less.
const usual = 40

// Plan counts the features of the rows and measures what an iteration takes. Like [Train] it refuses rows that are nothing to learn from.
func Plan(ctx context.Context, rows []Row, c Config) (*Forecast, error) {
	begun := time.Now()
	d, err := newData(rows, c)
	if err != nil {
		return nil, err
	}
	p := d.newPart(d.all())
	f := &Forecast{Rows: len(rows), Labels: len(d.labels), Features: len(p.v.bucket), Fits: 1}
	switch {
	case c.C == 0:
		f.Fits += c.Folds * len(c.Grid)
	case c.Calibrate:
		f.Fits += c.Folds
	}
	if f.Fits > 1 {
		if _, err := d.deal(d.all()); err != nil {
			return nil, err
		}
	}
	entries, theta := int64(len(d.counts.bucket)), int64(p.problem.size())
	// counts, rows, rows by column and, while folds are judged, the rows of a fold; then the vectors of the optimiser, and logits with their derivatives
	f.Memory = 8*4*entries + 4*theta*(vectors+3) + 3*4*int64(p.problem.x.rows()*p.problem.stride)
	const tried = 3
	f.Seconds = time.Since(begun).Seconds()
	begun = time.Now()
	p.problem.penalise(max(c.C, 1))
	if _, err := minimise(ctx, p.problem, p.theta, tried, c.Tolerance); err != nil {
		return nil, err
	}
	f.Seconds += time.Since(begun).Seconds() / tried * float64(min(usual, c.Iterations)*f.Fits)
	return f, nil
}
