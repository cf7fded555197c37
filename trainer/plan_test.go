package trainer

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The plan adds up, and steps keep to it.
func TestPlan(t *testing.T) {
	c := with(tiny(t, Causal, sentences(200, 1)), func(c *Config) { c.EMA, c.Steps = .9, 20 })
	f, err := Plan(t.Context(), c, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if f.Memory != f.Weights+f.Gradients+f.Optimizer+f.Average+f.Activations+f.Buffers || f.Weights != int64(4*f.Parameters) || f.Optimizer != 2*f.Weights ||
		f.Average != f.Weights || f.Gradients != f.Weights || f.Activations == 0 || f.Seconds <= 0 || f.Bill.KWh <= 0 {
		t.Errorf("%+v", f)
	}
	if f.Tokens != 20*8*32 || f.Epochs["data"] <= 0 {
		t.Errorf("%d tokens, epochs %v", f.Tokens, f.Epochs)
	}
	// Records of a row each are counted as long as they are, not as long as they may be.
	c = with(tiny(t, Classify, labeled(200, 1)), func(c *Config) { c.Steps, c.Context = 20, 512 })
	dir := t.TempDir()
	if f, err = Plan(t.Context(), c, Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	rep := train(t, with(c, func(*Config) {}), Options{Dir: dir})
	if ratio := float64(f.Tokens) / float64(rep.Tokens); ratio < 1 || ratio > 2 {
		t.Errorf("%d tokens planned, %d without padding trained on", f.Tokens, rep.Tokens)
	}
}

// Rows that are no longer than their texts cost no more than those do.
func TestPlanOfShortRows(t *testing.T) {
	c := with(tiny(t, Classify, labeled(60, 1)), func(c *Config) { c.Context, c.Steps = 512, 20 })
	f, err := Plan(t.Context(), c, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	rep := train(t, with(c, func(*Config) {}), Options{Dir: t.TempDir()})
	if f.Tokens < rep.Tokens || f.Tokens > 2*rep.Tokens {
		t.Errorf("planned %d tokens with padding, trained on %d without", f.Tokens, rep.Tokens)
	}
}

// Where memory is scarce, first more is computed again, then the pieces of a batch get smaller; the bits of the first change nothing.
func TestPlanFits(t *testing.T) {
	config := func() Config {
		return with(tiny(t, Causal, sentences(100, 1)), func(c *Config) {
			c.Context, c.Batch, c.Steps, c.Model.Layers, c.Model.Dim = 64, 32, 3, 4, 64
		})
	}
	want := t.TempDir()
	train(t, config(), Options{Dir: want})
	whole, err := Plan(t.Context(), config(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rep := train(t, with(config(), func(c *Config) { c.MemoryGB = (float64(whole.Memory) - float64(whole.Activations)/4) / 1e9 }), Options{Dir: dir})
	if rep.Forecast.Recompute == "none" || rep.Forecast.Pieces != whole.Pieces || weights(t, dir) != weights(t, want) {
		t.Errorf("recompute %s, %d pieces; same weights: %v", rep.Forecast.Recompute, rep.Forecast.Pieces, weights(t, dir) == weights(t, want))
	}
	small, err := Plan(t.Context(), with(config(), func(c *Config) { c.MemoryGB = (float64(whole.Memory) - .9*float64(whole.Activations)) / 1e9 }), Options{Dir: t.TempDir()})
	if err != nil || small.Pieces <= whole.Pieces {
		t.Errorf("%+v, %v: want more pieces", small, err)
	}
}

// Reports hold the same figures in all forms, and text of the user's cannot break out.
func TestReport(t *testing.T) {
	c := with(tiny(t, Causal, sentences(60, 1)), func(c *Config) { c.Steps = 10 })
	evil := `a<script>|alert("x")`
	c.Data = append(c.Data, Data{Name: evil, Path: jsonl(t, filepath.Join(t.TempDir(), "b.jsonl"), sentences(30, 2)...)})
	dir := t.TempDir()
	rep := train(t, c, Options{Dir: dir})
	page, err := os.ReadFile(filepath.Join(dir, reportPage))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, reportText))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(page), "<script") || strings.Contains(string(text), "<script") {
		t.Error("a name of the user's is not escaped")
	}
	for _, want := range []string{num(rep.Validation.Loss), "&lt;script&gt;", "<svg", "Mixing weights"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(string(page), "http://") && strings.Count(string(page), "http://") != strings.Count(string(page), `xmlns="http://www.w3.org/2000/svg"`) || strings.Contains(string(page), "src=") {
		t.Error("the page needs something from outside")
	}
	if !strings.Contains(string(text), num(rep.Validation.Loss)) {
		t.Error("the text lacks the validation loss")
	}
	if len(rep.Validation.Domains) != 2 || len(rep.Data) != 2 || rep.Data[0].Epochs == 0 {
		t.Errorf("%+v", rep.Data)
	}
}

// Logits that are five times too large get a temperature near 5, which makes them honest.
func TestCalibrate(t *testing.T) {
	var logits [][]float64
	var truth []int32
	for i := range 3000 {
		p := .5 + .4*float64(i%10)/10 // how often class 0 is right
		z := math.Log(p / (1 - p))
		logits = append(logits, []float64{5 * z, 0})
		k := int32(1)
		if float64(i*7919%3000)/3000 < p {
			k = 0
		}
		truth = append(truth, k)
	}
	c := calibrate(&predictions{logits: logits, classes: truth, labels: make([]string, len(logits[0]))})
	if c.Temperature < 4 || c.Temperature > 6 || c.After > .3*c.Before {
		t.Errorf("%+v", c)
	}
}

// By hand: two rows at .9, one right, and one at .7, wrong: |1 - 1.8|/3 + |0 - .7|/3.
func TestECE(t *testing.T) {
	got := ece([][]float64{{.9, .1}, {.9, .1}, {.7, .3}}, []int32{0, 1, 1})
	if want := (.8 + .7) / 3; math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestEarlyExample(t *testing.T) {
	var e early
	for i, want := range []struct{ best, bad int }{{1, 0}, {2, 0}, {2, 1}, {2, 2}} {
		e.see(Stop{Patience: 2}, i+1, []float64{3, 2, 2.5, 2.1}[i])
		if e.BestStep != want.best || e.Bad != want.bad {
			t.Errorf("metric %d: best step %d, %d bad, want %+v", i, e.BestStep, e.Bad, want)
		}
	}
}

func TestRanks(t *testing.T) {
	if got := pearson(ranks([]float64{1, 10, 100}), ranks([]float64{2, 3, 50})); math.Abs(got-1) > 1e-12 {
		t.Errorf("Spearman of the same order is %v", got)
	}
	if got := ranks([]float64{5, 1, 5}); got[0] != 2.5 || got[1] != 1 || got[2] != 2.5 {
		t.Errorf("ranks %v", got)
	}
}

// A training without early stopping whose last step is worse than an earlier one says so; one that has only fluctuated does not.
func TestOvertrainedNote(t *testing.T) {
	for last, want := range map[float64]int{2: 0, 2.03: 0, 2.1: 1} {
		r := &run{history: &history{points: []point{{Step: 1, Eval: &Result{Loss: 3}}, {Step: 2, Eval: &Result{Loss: 2}}, {Step: 3}, {Step: 4, Eval: &Result{Loss: last}}}}}
		if r.overtrained(); len(r.notes) != want || want > 0 && !strings.Contains(r.notes[0], "was 2.0000 at step 2 and is 2.1000") {
			t.Errorf("%v at the end: %q", last, r.notes)
		}
		r.notes, r.c.Stop.Patience = nil, 3
		if r.overtrained(); len(r.notes) > 0 {
			t.Errorf("with early stopping: %q", r.notes)
		}
	}
}
