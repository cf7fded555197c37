package trainer

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/linear"
)

// A Prediction is what a classifier says of one row.
type Prediction struct {
	ID            string // the row's own, or that of its place
	Source        string // name of the data
	Text          string
	Labels        []string  // that the row has, if it says so
	Said          []string  // the most probable one; of a model with several labels, those from probability ½
	Probabilities []float64 // of the model's labels, in their order
}

// Labels are those of a classifier.
type Labels struct {
	Names []string
	Multi bool // a row has any number of them
}

// A TaskError is a model that was trained for another task than to say labels.
type TaskError struct{ Dir, Task string }

func (e *TaskError) Error() string {
	return fmt.Sprintf("%s is a model of the task %s: it says no labels", e.Dir, e.Task)
}

// A classifier gives logits of texts.
type classifier struct {
	labels      []string
	temperature float64
	multi       bool
	logits      func(texts []string) ([][]float64, error)
}

// predictRows is the number of rows that are predicted at once.
const predictRows = 1024

// Predict runs the classifier in dir on data, tells each what it says of every row, and gives what it is worth on the rows with labels; nil where there are
// none. Of datasets it takes the test rows, of other files all. Without each, rows without labels are left out.
func Predict(ctx context.Context, dir string, data []Data, o Options, each func(*Labels, *Prediction) error) (*Result, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if c.Task != Classify {
		return nil, &TaskError{dir, c.Task}
	}
	k, err := loadClassifier(c, dir, o)
	if err != nil {
		return nil, err
	}
	t, err := c.testRows(ctx, named(data), each != nil)
	if err != nil {
		return nil, err
	}
	names := Labels{k.labels, k.multi}
	var logits [][]float64
	for from := 0; from < len(t.rows); from += predictRows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		part := &table{rows: t.rows[from:min(len(t.rows), from+predictRows)]}
		z, err := k.logits(part.texts())
		if err != nil {
			return nil, err
		}
		logits = append(logits, z...)
		for i := range z {
			if each == nil {
				break
			}
			r := &part.rows[i]
			p := &Prediction{ID: rowName(r.Record), Source: r.Source, Text: r.Text, Labels: r.Labels, Probabilities: k.probabilities(z[i])}
			p.Said = k.chosen(p.Probabilities)
			if err := each(&names, p); err != nil {
				return nil, err
			}
		}
	}
	said := said(k.labels, k.temperature, k.multi, logits, t)
	if len(said.logits) == 0 && each != nil {
		return nil, nil
	}
	return said.result(c, t), nil
}

// rowName is the id that a user gave the row, or ours.
func rowName(r *schemas.Record) string {
	switch id := r.Columns["id"].(type) {
	case string, int64, float64:
		return fmt.Sprint(id)
	}
	return r.ID.String()
}

func (k *classifier) probabilities(z []float64) []float64 {
	if !k.multi {
		return softmax(z, k.temperature)
	}
	p := make([]float64, len(z))
	for i, v := range z {
		p[i] = 1 / (1 + math.Exp(-v/k.temperature))
	}
	return p
}

func (k *classifier) chosen(p []float64) (out []string) {
	if !k.multi {
		return []string{k.labels[argmax(p)]}
	}
	for i, v := range p {
		if v >= .5 {
			out = append(out, k.labels[i])
		}
	}
	return out
}

// loadMember loads one classifier.
func loadMember(c Config, dir string, o Options) (*classifier, error) {
	if c.Model.linear() {
		m, err := linear.Load(filepath.Join(dir, weightsFile))
		if err != nil {
			return nil, err
		}
		return &classifier{m.Labels(), m.Temperature(), c.MultiLabel, func(texts []string) ([][]float64, error) {
			return split(m.Logits(texts), len(texts)), nil
		}}, nil
	}
	r, err := loadRun(c, dir, o)
	if err != nil {
		return nil, err
	}
	return &classifier{r.labels, 1, c.MultiLabel, r.logits}, nil
}

// logits runs a network on texts, cut as the feed cuts them.
func (r *run) logits(texts []string) ([][]float64, error) {
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		ids[i] = feed.Cut(r.tok, r.tok.AppendIDs(nil, text, true), r.c.Context)
	}
	p, err := r.model.Predict(r.engine, ids, r.evalRows())
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(p))
	for i := range p {
		out[i] = make([]float64, len(p[i]))
		for k, v := range p[i] {
			q := max(float64(v), 1e-30)
			if out[i][k] = math.Log(q); r.c.MultiLabel {
				out[i][k] -= math.Log(max(1-q, 1e-30))
			}
		}
	}
	return out, nil
}

// IsLinear tells whether dir holds a linear student.
func IsLinear(dir string) bool {
	c, err := readConfig(dir)
	return err == nil && c.Model.linear()
}

// testRows reads the test rows of datasets and all rows of other files; with all set, those without labels too.
func (c *Config) testRows(ctx context.Context, data []Data, all bool) (*table, error) {
	t := &table{left: map[string]int64{}}
	for _, d := range data {
		role := schemas.RoleTest
		if _, err := os.Stat(filepath.Join(d.Path, schemas.ManifestFile)); err != nil {
			role = schemas.RoleTrain
		}
		src, before := sources([]Data{d})[0], len(t.rows)
		for r, err := range feed.ReadRows([]feed.Source{src}, role, feed.Form{Text: c.Text, Label: c.Label}) {
			if err == nil {
				err = ctx.Err()
			}
			switch {
			case err != nil:
				return nil, err
			case all && r.Text != "":
				t.rows = append(t.rows, r)
			case len(r.Labels) > 1 && !c.MultiLabel:
				return nil, fmt.Errorf("%s has %d labels: the model in hand says one", r.Place, len(r.Labels))
			default:
				t.take(r, c.MultiLabel)
			}
		}
		if len(t.rows) == before && role == schemas.RoleTrain {
			return nil, t.none(src, c)
		}
	}
	if len(t.rows) == 0 {
		return nil, errNoTest
	}
	return t, nil
}
