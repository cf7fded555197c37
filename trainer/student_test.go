package trainer

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// student is a config of the linear student on rows.
func student(t testing.TB, rows []map[string]any) Config {
	t.Helper()
	c := Default()
	c.Model = ModelConfig{Arch: ArchLinear}
	c.Data = []Data{{Name: "data", Path: jsonl(t, filepath.Join(t.TempDir(), "data.jsonl"), rows...)}}
	return c
}

func TestStudentLearns(t *testing.T) {
	dir := t.TempDir()
	c := student(t, labeled(200, 1))
	rep := train(t, c, Options{Dir: dir})
	if rep.Validation.Accuracy < .95 || rep.Validation.Rows != 200 || rep.Task != Classify {
		t.Errorf("out of fold: %+v", rep.Validation)
	}
	data := []Data{{Path: jsonl(t, filepath.Join(t.TempDir(), "new.jsonl"), labeled(60, 2)...)}}
	res, err := Evaluate(t.Context(), dir, data, Options{})
	if err != nil || res.Accuracy < .95 || len(res.Labels) != 3 {
		t.Fatalf("%+v, %v", res, err)
	}
	// What the report says of a run can be worked out again from its predictions.
	hits, n, brier := 0, 0, 0.
	again, err := Predict(t.Context(), dir, data, Options{}, func(m *Labels, p *Prediction) error {
		n++
		sum := 0.
		for k, q := range p.Probabilities {
			sum += q
			y := 0.
			if m.Names[k] == p.Labels[0] {
				y = 1
			}
			brier += (q - y) * (q - y)
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("probabilities sum to %v", sum)
		}
		if p.Said[0] == p.Labels[0] {
			hits++
		}
		return nil
	})
	if err != nil || n != 60 || float64(hits)/60 != res.Accuracy || math.Abs(brier/60-res.Brier) > 1e-9 || again.Loss != res.Loss {
		t.Errorf("%d of %d right, Brier %v; the result says %v, %v; %v", hits, n, brier/60, res.Accuracy, res.Brier, err)
	}
	rows := 0
	for _, l := range res.Labels {
		rows += l.Rows
	}
	if rows != 60 {
		t.Errorf("the labels have %d rows", rows)
	}
}

// Threads change no bit, and a training that is run again gives the same bytes.
func TestStudentIsDeterministic(t *testing.T) {
	var first string
	for _, threads := range []int{1, 3} {
		c := student(t, labeled(80, 4))
		c.Threads = threads
		dir := t.TempDir()
		train(t, c, Options{Dir: dir})
		if got := weights(t, dir); first == "" {
			first = got
		} else if got != first {
			t.Error("another number of threads gives another model")
		}
	}
}

// A label that the model does not know counts as wrong, and is named.
func TestStudentMeetsAnUnknownLabel(t *testing.T) {
	dir := t.TempDir()
	train(t, student(t, labeled(80, 4)), Options{Dir: dir})
	rows := append(labeled(3, 5), map[string]any{"text": "rain", "label": "weather"})
	res, err := Evaluate(t.Context(), dir, []Data{{Path: jsonl(t, filepath.Join(t.TempDir(), "x.jsonl"), rows...)}}, Options{})
	if err != nil || res.Rows != 4 || res.Accuracy != .75 || !slices.Equal(res.Unseen, []string{"weather"}) || math.IsInf(res.Loss, 0) {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestStudentRefuses(t *testing.T) {
	for name, x := range map[string]struct {
		rows   []map[string]any
		change func(*Config)
		key    string
		want   string
	}{
		"one class":       {labeled(20, 1), func(c *Config) { c.Label = "text2" }, "label", `"text2"`},
		"never seen":      {labeled(20, 1), func(c *Config) { c.Labels = []string{"red", "green"} }, "labels", "none of the 2 labels"},
		"empty class":     {labeled(20, 1), func(c *Config) { c.Labels = []string{"red", "green", "blue", "pink"} }, "labels", `"pink"`},
		"twice":           {labeled(20, 1), func(c *Config) { c.Labels = []string{"red", "red"} }, "labels", "twice"},
		"no text":         {labeled(20, 1), func(c *Config) { c.Text = "body" }, "text", `"body"`},
		"steps":           {labeled(20, 1), func(c *Config) { c.Steps = 5 }, "steps", "networks"},
		"layers":          {labeled(20, 1), func(c *Config) { c.Model.Layers = 5 }, "model", "layers"},
		"task":            {labeled(20, 1), func(c *Config) { c.Task = Causal }, "task", "classifies"},
		"bits":            {labeled(20, 1), func(c *Config) { c.Model.Linear.Bits = 5 }, "model.linear.bits", "bits"},
		"weight":          {labeled(20, 1), func(c *Config) { c.Model.Linear.Weight = "quality" }, "model.linear.weight", "quality"},
		"few":             {labeled(3, 1)[:3], func(c *Config) {}, "model.linear.folds", "families"},
		"one class alone": {slices.Repeat(labeled(1, 1), 5), func(c *Config) {}, "label", "at least 2"},
	} {
		c := student(t, x.rows)
		l := DefaultLinear()
		c.Model.Linear = &l
		x.change(&c)
		_, err := Train(t.Context(), c, Options{Dir: t.TempDir()})
		if e, ok := errors.AsType[*KeyError](err); !ok || e.Key != x.key || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v (%T)", name, err, err)
		}
	}
}

// The interval of Wilson for 27 of 30, by hand.
func TestWilson(t *testing.T) {
	if i := wilson(27, 30); math.Abs(i.Low-.7438) > 1e-4 || math.Abs(i.High-.9654) > 1e-4 {
		t.Errorf("%+v", i)
	}
}

// The calibration of a report is of the model that is written: on the rows it was found on the loss falls, and nothing stays as it was.
func TestStudentCalibrates(t *testing.T) {
	rows := labeled(150, 7)
	for i := range rows {
		if i%5 == 0 {
			rows[i]["label"] = "red"
		}
	}
	dir := t.TempDir()
	rep := train(t, student(t, rows), Options{Dir: dir})
	c := rep.Calibration
	if c == nil || c.Temperature == 1 || c.BrierAfter > c.BrierBefore+1e-9 || math.Abs(c.After-rep.Validation.ECE) > 1e-12 {
		t.Errorf("%+v, ECE %v", c, rep.Validation.ECE)
	}
	b, err := os.ReadFile(filepath.Join(dir, reportFile))
	if err != nil {
		t.Fatal(err)
	}
	var read Report
	if err := json.Unmarshal(b, &read); err != nil || read.Calibration.Temperature != c.Temperature || len(read.Validation.Confused) == 0 {
		t.Errorf("%v, %+v", err, read.Validation)
	}
}
