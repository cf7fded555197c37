package trainer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/linear"
	"sluice/trainer/usage"
)

// trainLinear trains the linear student. It takes seconds, so there are no checkpoints: a training that was stopped begins again, and since it is a function
// of rows and config it ends in the same bytes.
func trainLinear(ctx context.Context, c Config, o Options) (*Report, error) {
	if o.FS == nil {
		o.FS = schemas.Disk
	}
	if c.Threads == 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	ctx, _, free := stoppable(ctx, o.Stop)
	defer free()
	m, start := newMeter(c.Cost, c.Threads), time.Now()
	rep, err := fitLinear(ctx, c, o)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	rep.Seconds, rep.PeakMemory = time.Since(start).Seconds(), usage.Peak()
	rep.Bill, rep.CPUSeconds = c.Cost.bill(m.read()), m.read().CPU.Seconds()
	if err := writeConfig(o.FS, o.Dir, c); err != nil {
		return nil, err
	}
	return rep, rep.write(o.FS, o.Dir, nil)
}

// fitLinear fits the model, says what it is worth and writes it.
func fitLinear(ctx context.Context, c Config, o Options) (*Report, error) {
	train, err := c.readRows(ctx, schemas.RoleTrain, true)
	if err != nil {
		return nil, err
	}
	test, err := c.readRows(ctx, schemas.RoleTest, false) // now: a run may go on beside the training
	if err != nil {
		return nil, err
	}
	rows, err := c.linearRows(train)
	if err != nil {
		return nil, err
	}
	l := c.linearConfig()
	if o.Say != nil {
		o.Say(fmt.Sprintf("fit the linear model to %d rows", len(rows)))
	}
	m, did, err := linear.Train(ctx, rows, l)
	if err != nil {
		return nil, fewFamilies(err)
	}
	did.Held = nil // the report's validation says more
	rep := &Report{Task: c.Task, Labels: m.Labels(), Left: train.left, Step: did.Iterations, Loss: did.Objective, Linear: did, Kernels: did.Kernel,
		Threads: c.Threads, Config: c, Data: train.domains,
		Model: fmt.Sprintf("linear student: %d n-grams, %d labels, C %g", did.Features, did.Labels, did.C)}
	if did.Logits != nil {
		said := said(m.Labels(), m.Temperature(), c.MultiLabel, split(did.Logits, len(train.rows)), train)
		rep.Validation = said.result(c, train)
		rep.Calibration = &Calibration{Temperature: m.Temperature()}
		rep.Calibration.found(said)
	}
	if len(test.rows) > 0 {
		said := said(m.Labels(), m.Temperature(), c.MultiLabel, split(m.Logits(test.texts()), len(test.rows)), test)
		rep.Test = said.result(c, test)
		if rep.Calibration != nil {
			rep.Calibration.tested(said)
		}
		if rep.Test.Unseen != nil {
			rep.Notes = append(rep.Notes, fmt.Sprintf("labels of test rows that no training row has, counted as wrong: %s", strings.Join(rep.Test.Unseen, ", ")))
		}
	}
	if !did.Converged {
		rep.Notes = append(rep.Notes, fmt.Sprintf("not converged after %d iterations: gradient %.2g; raise model.linear.iterations, or lower c", did.Iterations, did.Gradient))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := o.FS.MkdirAll(o.Dir); err != nil {
		return nil, err
	}
	return rep, m.Save(filepath.Join(o.Dir, weightsFile))
}

// fewFamilies gives an error of folds its remedy.
func fewFamilies(err error) error {
	if errors.Is(err, linear.ErrFewFamilies) {
		return &KeyError{Key: "model.linear.folds", Hint: "model: {linear: {calibrate: false}} needs no folds, unless c is 0", Err: err}
	}
	return err
}

// linearConfig is what the linear package wants to know.
func (c *Config) linearConfig() linear.Config {
	l := c.Model.Linear.Config
	l.MultiLabel, l.Seed, l.Threads = c.MultiLabel, c.Seed, c.Threads
	return l
}

// table is labelled rows as they were read.
type table struct {
	rows    []feed.Row
	domains []DataReport
	left    map[string]int64 // by reason
	columns []string         // of the first row that was left out for want of a label
}

// readRows reads the rows of a role; must says that every source has to have some.
func (c *Config) readRows(ctx context.Context, role string, must bool) (*table, error) {
	t := &table{left: map[string]int64{}}
	for _, src := range sources(c.Data) {
		d := DataReport{Name: src.Name, Epochs: 1, Weight: 1}
		for r, err := range feed.ReadRows([]feed.Source{src}, role, feed.Form{Text: c.Text, Label: c.Label}) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, err
			}
			if t.take(r, c.MultiLabel) {
				d.Rows++
			}
		}
		if d.Rows == 0 && must {
			return nil, t.none(src, c)
		}
		t.domains = append(t.domains, d)
	}
	return t, nil
}

// take takes a row in that has a text and says what its labels are, and else notes why not.
func (t *table) take(r feed.Row, multi bool) bool {
	switch {
	case r.Text == "":
		t.left["empty"]++
	case len(r.Labels) == 0 && !(multi && r.Known):
		t.left["no_label"]++
		if t.columns == nil {
			t.columns = slices.Sorted(maps.Keys(r.Record.Columns))
		}
	default:
		t.rows = append(t.rows, r)
		return true
	}
	return false
}

// none tells why a source has no row to train on.
func (t *table) none(src feed.Source, c *Config) error {
	err := fmt.Errorf("data %s is empty: it has no row to train on", src.Name)
	if t.left["no_label"] > 0 {
		err = fmt.Errorf("data %s: none of its %d rows has a label in the column %q; the columns are %s", src.Name, t.left["no_label"], c.Label, strings.Join(t.columns, ", "))
		if len(t.columns) == 0 {
			err = fmt.Errorf("data %s: none of its %d rows has a label", src.Name, t.left["no_label"])
		}
		return &KeyError{Key: "label", Hint: "`label:` of the section train names the column in plain files; a dataset gets its labels from its source", Err: err}
	}
	if t.left["empty"] > 0 {
		err = fmt.Errorf("data %s: none of its %d rows has a text in the column %q", src.Name, t.left["empty"], c.Text)
		return &KeyError{Key: "text", Hint: "`text:` of the section train names the column in plain files", Err: err}
	}
	return &KeyError{Key: "data", Err: err}
}

// split gives every row its part of numbers.
func split(numbers []float32, rows int) [][]float64 {
	out := make([][]float64, rows)
	n := len(numbers) / max(1, rows)
	for i := range out {
		out[i] = make([]float64, n)
		for k, v := range numbers[i*n : (i+1)*n] {
			out[i][k] = float64(v)
		}
	}
	return out
}

func (t *table) texts() []string {
	out := make([]string, len(t.rows))
	for i := range t.rows {
		out[i] = t.rows[i].Text
	}
	return out
}

// linearRows checks labels and weights, and gives the rows as the linear package takes them.
func (c *Config) linearRows(t *table) ([]linear.Row, error) {
	seen := map[string]int{}
	out := make([]linear.Row, len(t.rows))
	for i := range t.rows {
		r := &t.rows[i]
		labels := slices.Compact(slices.Sorted(slices.Values(r.Labels)))
		if len(labels) > 1 && !c.MultiLabel {
			return nil, &KeyError{Key: "multilabel", Hint: "set multilabel: true", Err: fmt.Errorf("%s has %d labels, want one", r.Place, len(labels))}
		}
		for _, l := range labels {
			seen[l]++
			if c.Labels != nil && !slices.Contains(c.Labels, l) {
				return nil, &KeyError{Key: "labels", Hint: "list it under labels, or leave the row out",
					Err: fmt.Errorf("label %q of %s is none of the %d labels to learn", l, r.Place, len(c.Labels))}
			}
		}
		out[i] = linear.Row{Text: r.Text, Labels: labels, Family: r.Family, Seed: r.Seed}
		if name := c.Model.Linear.Weight; name != "" {
			w, ok := r.Number(name)
			if !ok || w < 0 {
				return nil, &KeyError{Key: "model.linear.weight", Hint: "it names a score or a column with numbers from 0 up",
					Err: fmt.Errorf("%s has no weight in %q", r.Place, name)}
			}
			if w == 0 {
				w = 1e-12 // 0 would count as 1 there
			}
			out[i].Weight = w
		}
	}
	for _, l := range c.Labels {
		if seen[l] == 0 {
			return nil, &KeyError{Key: "labels", Hint: "leave it out, or add rows that have it", Err: fmt.Errorf("label %q of labels is empty: no training row has it", l)}
		}
	}
	if len(seen) < 2 && !c.MultiLabel || len(seen) == 0 {
		return nil, &KeyError{Key: "label", Hint: "give rows of another class, or name another column with label",
			Err: fmt.Errorf("the training rows have %d classes %q: a classifier needs at least 2", len(seen), slices.Sorted(maps.Keys(seen)))}
	}
	return out, nil
}
