package linear

import (
	"context"
	"fmt"
	"slices"
)

// OutOfFold gives every row the probabilities of a model that saw neither the row nor its family, by [Config.Folds]-fold
// cross-validation; when C is 0, each fold tunes C on its own training part. fold tells each row's fold.
//
// With [Config.SeedsStay], rows marked Seed lie in every training part, so that a made row is judged by all real ones, its own
// seed included; the seeds themselves are judged in a second pass, by models that left their fold out. Without it no
// model sees a row of the families it judges.
func OutOfFold(ctx context.Context, rows []Row, c Config) (p *Probs, fold []int, err error) {
	d, err := newData(rows, c)
	if err != nil {
		return nil, nil, err
	}
	all := d.all()
	if c.C > 0 {
		at, fold, err := d.held(ctx, all, []float64{c.C})
		if err != nil {
			return nil, nil, err
		}
		return d.probs(at[0], 1), fold, nil
	}
	fold, err = d.deal(all)
	if err != nil {
		return nil, nil, err
	}
	logits := make([]float32, len(rows)*len(d.labels))
	err = d.each(all, fold, func(train, judged []int) error {
		best, _, _, err := d.tune(ctx, train)
		if err != nil {
			return err
		}
		return d.judge(ctx, train, judged, []float64{best}, [][]float32{logits})
	})
	if err != nil {
		return nil, nil, err
	}
	return d.probs(logits, 1), fold, nil
}

// deal deals rows into folds and refuses when a fold would be empty.
func (d *data) deal(rows []int) ([]int, error) {
	fold := d.folds(rows, d.c.Folds)
	if used := slices.Compact(slices.Sorted(slices.Values(fold))); len(used) < d.c.Folds {
		return nil, fmt.Errorf("%d rows in %d folds: %w; lower folds or give more rows", len(rows), d.c.Folds, ErrFewFamilies)
	}
	return fold, nil
}

// each calls f with the training part and the judged rows of every fold, in order; fold[n] belongs to rows[n].
func (d *data) each(rows, fold []int, f func(train, judged []int) error) error {
	for k := range d.c.Folds {
		var out, in, stay, seeds, judged []int
		for n, i := range rows {
			seed := d.c.SeedsStay && d.rows[i].Seed
			switch {
			case fold[n] != k:
				in = append(in, i)
			case seed:
				stay, seeds = append(stay, i), append(seeds, i)
			default:
				judged = append(judged, i)
			}
		}
		out = slices.Sorted(slices.Values(slices.Concat(in, stay)))
		if len(judged) > 0 {
			if err := f(out, judged); err != nil {
				return fmt.Errorf("fold %d of %d: %w", k+1, d.c.Folds, err)
			}
		}
		if len(seeds) > 0 {
			if err := f(in, seeds); err != nil {
				return fmt.Errorf("seeds of fold %d of %d: %w", k+1, d.c.Folds, err)
			}
		}
	}
	return nil
}

// judge fits a model to train for every C of grid, ascending, and writes its logits of the judged rows: out[g] has one row for each
// row of the data.
func (d *data) judge(ctx context.Context, train, judged []int, grid []float64, out [][]float32) error {
	p := d.newPart(train)
	k := len(d.labels)
	x := &sparse{start: []int{0}}
	for _, i := range judged {
		x.add(p.v, d.counts, i)
	}
	for g, c := range grid {
		if _, err := p.fit(ctx, c); err != nil {
			return err
		}
		m := p.model()
		d.team.Rows(len(judged), rowGrain, func(lo, hi int) {
			z := make([]float32, m.stride)
			for n := lo; n < hi; n++ {
				m.logits(z, x, n)
				copy(out[g][judged[n]*k:(judged[n]+1)*k], z)
			}
		})
	}
	return nil
}

// held gives logits of the chosen rows from models that did not see them, for every C of grid, and the folds.
func (d *data) held(ctx context.Context, rows []int, grid []float64) (out [][]float32, fold []int, err error) {
	if fold, err = d.deal(rows); err != nil {
		return nil, nil, err
	}
	for range grid {
		out = append(out, make([]float32, len(d.rows)*len(d.labels)))
	}
	return out, fold, d.each(rows, fold, func(train, judged []int) error { return d.judge(ctx, train, judged, grid, out) })
}

// tune finds the C of the grid with the best held-out accuracy; ties go to the lower log-loss. It gives the logits of the best, too.
func (d *data) tune(ctx context.Context, rows []int) (best float64, tried []Trial, logits []float32, err error) {
	out, _, err := d.held(ctx, rows, d.c.Grid)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("tune C: %w", err)
	}
	real := slices.DeleteFunc(slices.Clone(rows), func(i int) bool { return !d.rows[i].Seed })
	if len(real) == 0 {
		real = rows
	}
	at := 0
	for g, c := range d.c.Grid {
		m, err := d.score(d.probs(out[g], 1), real)
		if err != nil {
			return 0, nil, nil, err
		}
		t := Trial{C: c, Accuracy: m.Accuracy, LogLoss: m.LogLoss}
		if g > 0 && (t.Accuracy > tried[at].Accuracy || t.Accuracy == tried[at].Accuracy && t.LogLoss < tried[at].LogLoss) {
			at = g
		}
		tried = append(tried, t)
	}
	return d.c.Grid[at], tried, out[at], nil
}

// score measures predictions of the chosen rows.
func (d *data) score(p *Probs, rows []int) (*Metrics, error) {
	chosen := &Probs{Labels: p.Labels, MultiLabel: p.MultiLabel}
	truth := make([][]string, len(rows))
	for n, i := range rows {
		chosen.Values = append(chosen.Values, p.Row(i)...)
		truth[n] = d.rows[i].Labels
	}
	return Score(chosen, truth)
}
