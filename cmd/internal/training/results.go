package training

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"sluice/cmd/internal/report"
	"sluice/trainer"
)

// WriteForecast prints what a training needs.
func WriteForecast(w io.Writer, f *trainer.Forecast) error {
	size := func(n int64) string { return humanize.Bytes(uint64(max(0, n))) }
	t := &report.Table{Left: []int{1}}
	t.Row("parameters", humanize.Comma(int64(f.Parameters)))
	if f.Linear != nil {
		return linearForecast(w, t, f)
	}
	var parts []string
	for _, p := range []struct {
		name  string
		bytes int64
	}{{"weights", f.Weights}, {"gradients", f.Gradients}, {"optimizer", f.Optimizer}, {"average", f.Average}, {"activations", f.Activations}, {"buffers", f.Buffers}} {
		if p.bytes > 0 {
			parts = append(parts, p.name+" "+size(p.bytes))
		}
	}
	t.Row("memory", size(f.Memory)+": "+strings.Join(parts, ", "))
	if f.Limit > 0 {
		t.Row("granted", size(f.Limit))
	}
	if f.Recompute != "none" {
		t.Row("computed again", f.Recompute)
	}
	steps := humanize.Comma(int64(f.Steps))
	if f.Pieces > 1 {
		steps += fmt.Sprintf(", each in %d pieces", f.Pieces)
	}
	t.Row("steps", steps)
	t.Row("tokens", humanize.Comma(f.Tokens))
	for _, name := range slices.Sorted(maps.Keys(f.Epochs)) {
		t.Row("epochs", fmt.Sprintf("%.2f of %s", f.Epochs[name], name))
	}
	for _, x := range f.Trials {
		done := ""
		if x.Done > 0 {
			done = fmt.Sprintf(", %d of them done", x.Done)
		}
		t.Row("before", fmt.Sprintf("%s: %d small trainings of %s steps%s, %.0f %% of the training's operations", x.What, x.Runs, humanize.Comma(int64(x.Steps)), done, 100*x.FLOPs/f.FLOPs))
	}
	if f.Models > 0 {
		t.Row("models", fmt.Sprintf("%d, one after the other: time and energy are of all", f.Models))
	}
	return bill(w, t, f)
}

// linearForecast prints what the linear student needs.
func linearForecast(w io.Writer, t *report.Table, f *trainer.Forecast) error {
	l := f.Linear
	t.Row("memory", "about "+humanize.Bytes(uint64(max(0, f.Memory))))
	if f.Limit > 0 {
		t.Row("granted", humanize.Bytes(uint64(f.Limit)))
	}
	t.Row("rows", fmt.Sprintf("%s of %d labels", humanize.Comma(int64(l.Rows)), l.Labels))
	t.Row("n-grams", humanize.Comma(int64(l.Features)))
	t.Row("fits", fmt.Sprintf("%d: one to all rows, %d to folds of them", l.Fits, l.Fits-1))
	return bill(w, t, f)
}

// bill ends a forecast with time, energy and price.
func bill(w io.Writer, t *report.Table, f *trainer.Forecast) error {
	took := time.Duration(f.Seconds * float64(time.Second))
	switch {
	case took < time.Second:
		t.Row("time", "less than a second")
	case took < 10*time.Second:
		t.Row("time", "about "+took.Round(100*time.Millisecond).String())
	default:
		t.Row("time", "about "+took.Round(time.Second).String())
	}
	t.Row("energy", energy(f.Bill))
	if f.Bill.Price > 0 {
		t.Row("price", fmt.Sprintf("%.2f", f.Bill.Price))
	}
	return t.Write(w, "")
}

// energy is "about 1.2 mWh, 0.6 mg CO₂e": without "about" where the CPU has counted it.
func energy(b trainer.Bill) string {
	text := humanize.SIWithDigits(1000*b.KWh, 1, "Wh") + ", " + humanize.SIWithDigits(b.Grams, 1, "g CO₂e")
	if b.Counted {
		return text
	}
	return "about " + text
}

// WriteReport prints what a training has made and what it is worth. dir is the model's folder as the user may name it; made tells whether it was made now.
func WriteReport(w io.Writer, rep *trainer.Report, dir string, made bool) error {
	var b strings.Builder
	if made {
		fmt.Fprintf(&b, "trained: %s\n", doing(rep))
	} else {
		fmt.Fprintf(&b, "%s is the model of these rows and settings: nothing to train\n", dir)
	}
	validation, test := rep.Results()
	if e := rep.Ensemble; e != nil {
		fmt.Fprintf(&b, "ensemble of %d: the mean of their predictions; what follows is of it\n", len(e.Members))
	}
	table := test
	if validation != nil {
		if table == nil {
			table = validation
		}
		line(&b, rep.Watched(), validation)
	}
	if test != nil {
		line(&b, "held out", test)
	}
	if c := rep.Calibration; c != nil && made && rep.Ensemble == nil {
		fmt.Fprintf(&b, "temperature %.3g: ECE %.3f → %.3f, Brier %.3f → %.3f %s", c.Temperature, c.Before, c.After, c.BrierBefore, c.BrierAfter, rep.Watched())
		if test != nil {
			fmt.Fprintf(&b, "; %.3f → %.3f, %.3f → %.3f held out", c.TestBefore, c.TestAfter, c.TestBrierBefore, c.TestBrierAfter)
		}
		b.WriteString("\n")
	}
	about := "note"
	if e := rep.Ensemble; e != nil {
		about = fmt.Sprintf("note on the best one alone, of seed %d", e.Members[e.Best].Seed)
	}
	for _, n := range rep.Notes {
		fmt.Fprintf(&b, "%s: %s\n", about, n)
	}
	if made && table != nil {
		if err := classes(&b, table); err != nil {
			return err
		}
	}
	if made {
		fmt.Fprintf(&b, "model: %s · report: %s\nnext: sluice eval %s DATA", dir, filepath.Join(dir, "report.html"), dir)
		if rep.Task == trainer.Classify {
			b.WriteString(" --predictions labelled.jsonl")
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// doing says what a training did and what it took, in a line.
func doing(rep *trainer.Report) string {
	what := fmt.Sprintf("%s, on %s rows", rep.Model, humanize.Comma(int64(rep.Rows())))
	if rep.Linear == nil {
		what += fmt.Sprintf("; %s steps, %s tokens, loss %.4f", humanize.Comma(int64(rep.Step)), humanize.Comma(rep.Tokens), rep.Loss)
	}
	what += fmt.Sprintf(" in %.1f s, %.1f CPU-s, %s", rep.Seconds, rep.CPUSeconds, energy(rep.Bill))
	if rep.Bill.Price > 0 {
		what += fmt.Sprintf(", price %.4g", rep.Bill.Price)
	}
	return what
}

// WriteResult prints what a model is worth on some data: the measures that its task has, of a classifier label by label.
func WriteResult(w io.Writer, on string, r *trainer.Result) error {
	var b strings.Builder
	line(&b, on, r)
	if len(r.Unseen) > 0 {
		fmt.Fprintf(&b, "note: the model never saw %s: such rows count as wrong\n", strings.Join(r.Unseen, ", "))
	}
	if err := classes(&b, r); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line is "held out: loss 0.2110, accuracy 0.9333 (95 %: 0.787 to 0.982), macro F1 0.93, … (30 rows)", and below it the domains where there are several.
func line(b *strings.Builder, on string, r *trainer.Result) {
	parts := []string{fmt.Sprintf("loss %.4f", r.Loss)}
	add := func(name string, v float64) {
		if v != 0 {
			parts = append(parts, fmt.Sprintf("%s %.4g", name, v))
		}
	}
	add("perplexity", r.Perplexity)
	if r.Interval != nil {
		parts = append(parts, fmt.Sprintf("accuracy %.4g (%s)", r.Accuracy, r.Interval))
	}
	add("macro F1", r.MacroF1)
	add("micro F1", r.MicroF1)
	add("ECE", r.ECE)
	add("Brier", r.Brier)
	add("RMSE", r.RMSE)
	add("MAE", r.MAE)
	add("Pearson", r.Pearson)
	add("Spearman", r.Spearman)
	n := humanize.Comma(r.Targets) + " targets"
	if r.Rows > 0 {
		n = humanize.Comma(int64(r.Rows)) + " rows"
	}
	fmt.Fprintf(b, "%s: %s (%s)\n", on, strings.Join(parts, ", "), n)
	if len(r.Domains) > 1 {
		for _, name := range slices.Sorted(maps.Keys(r.Domains)) {
			fmt.Fprintf(b, "  %s: loss %.4f (%s targets)\n", name, r.Domains[name].Loss, humanize.Comma(r.Domains[name].Targets))
		}
	}
}

// Of more labels than this, those on which the model is worst are printed; the report has all.
const mostLabels, worstLabels, mostMistakes = 20, 10, 5

// classes writes a classifier's labels, and the mistakes that occur most.
func classes(b *strings.Builder, r *trainer.Result) error {
	if len(r.Labels) == 0 {
		return nil
	}
	labels, title := r.Labels, "label"
	if n := len(labels); n > mostLabels {
		labels = slices.Clone(labels)
		slices.SortStableFunc(labels, func(a, b trainer.Class) int { return cmp.Compare(a.F1, b.F1) })
		labels, title = labels[:worstLabels], fmt.Sprintf("the %d worst of %d labels", worstLabels, n)
	}
	t := &report.Table{}
	t.Row(title, "rows", "said", "precision", "recall", "F1")
	for _, c := range labels {
		t.Row(c.Label, humanize.Comma(int64(c.Rows)), humanize.Comma(int64(c.Said)), fmt.Sprintf("%.3f", c.Precision), fmt.Sprintf("%.3f", c.Recall), fmt.Sprintf("%.3f", c.F1))
	}
	b.WriteString("\n")
	if err := t.Write(b, ""); err != nil {
		return err
	}
	var mistakes []string
	for i, c := range r.Confused {
		if i == mostMistakes {
			break
		}
		mistakes = append(mistakes, fmt.Sprintf("%s for %s %d", c.Said, c.Is, c.Rows))
	}
	if mistakes != nil {
		fmt.Fprintf(b, "mistakes: %s\n", strings.Join(mistakes, ", "))
	}
	b.WriteString("\n")
	return nil
}
