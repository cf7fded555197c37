package linear

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

// Three rows by hand: right at .8, wrong at .6, and a label that the model does not know.
func TestScoreWorkedExample(t *testing.T) {
	p := &Probs{Labels: []string{"a", "b"}, Values: []float32{.8, .2, .6, .4, .3, .7}}
	m, err := Score(p, [][]string{{"a"}, {"b"}, {"c"}})
	if err != nil {
		t.Fatal(err)
	}
	if !near(m.Accuracy, 1./3) || m.Unseen != 1 {
		t.Errorf("accuracy %.4f, %d unseen", m.Accuracy, m.Unseen)
	}
	if want := -(math.Log(.8) + math.Log(.4) + math.Log(floor)) / 3; !near(m.LogLoss, want) {
		t.Errorf("log-loss %.6f, want %.6f", m.LogLoss, want)
	}
	// a: 1 right of 2 predicted, 1 true, F1 2/3; b: predicted and true once, 0; c: 0.
	if !near(m.MacroF1, 2./9) || !near(m.Labels[0].F1, 2./3) || !near(m.Labels[0].Precision, .5) || m.Labels[2].Label != "c" {
		t.Errorf("macro-F1 %.4f, labels %+v", m.MacroF1, m.Labels)
	}
	// Bins of width 1/15 keep the three apart: |1-.8| + |0-.6| + |0-.7|.
	if !near(m.ECE, 1.5/3) {
		t.Errorf("ECE %.4f, want .5", m.ECE)
	}
	if want := (.04 + .04 + .36 + .36 + .09 + .49 + 1) / 3; !near(m.Brier, want) {
		t.Errorf("Brier %.4f, want %.4f", m.Brier, want)
	}
}

func TestScoreSeveralLabels(t *testing.T) {
	p := &Probs{Labels: []string{"a", "b"}, Values: []float32{.9, .6, .4, .2}, MultiLabel: true}
	m, err := Score(p, [][]string{{"a"}, nil})
	if err != nil {
		t.Fatal(err)
	}
	// One exact row of two; one label right, one too many.
	if !near(m.Accuracy, .5) || !near(m.MicroF1, 2./3) || !near(m.MacroF1, .5) {
		t.Errorf("%+v", m)
	}
	if want := -(math.Log(.9) + math.Log(.4) + math.Log(.6) + math.Log(.8)) / 4; !near(m.LogLoss, want) {
		t.Errorf("log-loss %.6f, want %.6f", m.LogLoss, want)
	}
	if _, err := Score(p, [][]string{{"a"}}); err == nil {
		t.Error("two predictions for one row are no error")
	}
}

// Ten rows with logits [2 0], nine of class 0: T = 2/ln 9.
func TestTemperatureWorkedExample(t *testing.T) {
	d := &data{labels: []string{"a", "b"}}
	var logits []float32
	for i := range 10 {
		logits = append(logits, 2, 0)
		d.target = append(d.target, []int32{int32(i / 9)})
		d.rows = append(d.rows, Row{})
	}
	if got := d.temperature(logits, d.all()); !near(got, 2/math.Log(9)) {
		t.Errorf("softmax: T = %.6f, want %.6f", got, 2/math.Log(9))
	}
	// As two logistic labels: class 1's logit 0 has no say, so a = ln 9/2 again.
	d.c.MultiLabel = true
	for i := range d.target {
		if i == 9 {
			d.target[i] = nil
		}
	}
	if got := d.temperature(logits, d.all()); !near(got, 2/math.Log(9)) {
		t.Errorf("logistic: T = %.6f, want %.6f", got, 2/math.Log(9))
	}
}

// On noisy labels a weak penalty is too sure of itself; calibration at least halves the error.
func TestCalibration(t *testing.T) {
	train, test := topicRows(400, .5, 20), topicRows(2000, .5, 21)
	c := small()
	c.C = 100
	raw, _ := mustTrain(t, train, c)
	c.Calibrate = true
	m, r := mustTrain(t, train, c)
	before, after := evaluate(t, raw, test), evaluate(t, m, test)
	if r.Temperature <= 1 || after.ECE > before.ECE/2 || after.Accuracy != before.Accuracy {
		t.Errorf("T %.2f: ECE %.3f to %.3f, accuracy %.3f to %.3f", r.Temperature, before.ECE, after.ECE, before.Accuracy, after.Accuracy)
	}
}

func TestAdjust(t *testing.T) {
	m := &Model{labels: []string{"a", "b"}, prior: []float64{.5, .5}}
	p := &Probs{Labels: m.labels, Values: []float32{.6, .4}}
	if err := m.Adjust(p, map[string]float64{"a": .2, "b": .8}); err != nil {
		t.Fatal(err)
	}
	if !near(float64(p.Row(0)[0]), .12/.44) {
		t.Errorf("adjusted %v, want .2727 and .7273", p.Row(0))
	}
	if err := m.Adjust(p, map[string]float64{"a": 1}); err == nil {
		t.Error("a prior without b is no error")
	}
	// A model trained on even classes predicts a skewed test better once it knows the skew.
	train := topicRows(400, .5, 30)
	rng := rand.New(rand.NewPCG(1, 1))
	var test []Row
	for _, r := range topicRows(4000, .5, 31) {
		if r.Labels[0] == "lamp" || rng.IntN(10) == 0 {
			test = append(test, r)
		}
	}
	lm, _ := mustTrain(t, train, small())
	before := evaluate(t, lm, test).Accuracy
	probs := lm.Predict(texts(test))
	if err := lm.Adjust(probs, map[string]float64{"lamp": .77, "bread": .077, "garden": .077, "train": .076}); err != nil {
		t.Fatal(err)
	}
	if after := accuracy(probs, test, func(Row) bool { return true }); after < before+.05 {
		t.Errorf("accuracy %.3f before, %.3f after the prior is known", before, after)
	}
}
