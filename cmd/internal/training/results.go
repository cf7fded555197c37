package training

import (
	"fmt"
	"io"
	"maps"
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
	t.Row("memory", fmt.Sprintf("%s: weights %s, gradients %s, optimizer %s, average %s, activations %s, buffers %s", size(f.Memory), size(f.Weights),
		size(f.Gradients), size(f.Optimizer), size(f.Average), size(f.Activations), size(f.Buffers)))
	if f.Limit > 0 {
		t.Row("granted", size(f.Limit))
	}
	t.Row("computed again", f.Recompute)
	t.Row("steps", fmt.Sprintf("%s, each in %d pieces", humanize.Comma(int64(f.Steps)), f.Pieces))
	t.Row("tokens", humanize.Comma(f.Tokens))
	for _, name := range slices.Sorted(maps.Keys(f.Epochs)) {
		t.Row("epochs", fmt.Sprintf("%.2f of %s", f.Epochs[name], name))
	}
	t.Row("time", "about "+(time.Duration(f.Seconds*float64(time.Second))).Round(time.Second).String())
	t.Row("energy", fmt.Sprintf("about %.3g kWh, %.3g g CO₂e", f.Bill.KWh, f.Bill.Grams))
	if f.Bill.Price > 0 {
		t.Row("price", fmt.Sprintf("%.2f", f.Bill.Price))
	}
	return t.Write(w, "")
}

// WriteResult prints what a model is worth on some data: the measures that its task has.
func WriteResult(w io.Writer, on string, r *trainer.Result) error {
	parts := []string{fmt.Sprintf("loss %.4f", r.Loss)}
	add := func(name string, v float64) {
		if v != 0 {
			parts = append(parts, fmt.Sprintf("%s %.4g", name, v))
		}
	}
	add("perplexity", r.Perplexity)
	add("accuracy", r.Accuracy)
	add("macro F1", r.MacroF1)
	add("micro F1", r.MicroF1)
	add("ECE", r.ECE)
	add("Brier", r.Brier)
	add("RMSE", r.RMSE)
	add("MAE", r.MAE)
	add("Pearson", r.Pearson)
	add("Spearman", r.Spearman)
	_, err := fmt.Fprintf(w, "%s: %s (%s targets)\n", on, strings.Join(parts, ", "), humanize.Comma(r.Targets))
	if err == nil && len(r.Domains) > 1 {
		for _, name := range slices.Sorted(maps.Keys(r.Domains)) {
			if _, err = fmt.Fprintf(w, "  %s: loss %.4f (%s targets)\n", name, r.Domains[name].Loss, humanize.Comma(r.Domains[name].Targets)); err != nil {
				break
			}
		}
	}
	return err
}
