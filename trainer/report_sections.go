package trainer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A section of a report is a heading, words, a chart, and a table; Markdown and HTML are made of the same sections.
type section struct {
	title string
	words string
	chart *chart
	head  []string
	rows  [][]string
}

// sections lays a report out.
func (rep *Report) sections(points []point) []section {
	out := []section{rep.summary(), rep.results()}
	for _, part := range rep.parts() {
		out = append(out, part.r.classesSection(part.name)...)
	}
	if rep.Linear != nil {
		out = append(out, rep.trials()...)
	} else {
		out = append(out, lossCurves(points), validationCurves(points), rep.mixing(points))
	}
	out = append(append(out, rep.decided()...), rep.resources())
	if rep.Calibration != nil {
		out = append(out, rep.calibration())
	}
	if e := rep.Ensemble; e != nil {
		s := section{title: "Ensemble", words: "The mean of the members' predictions against the members.", head: []string{"model", "validation loss", "test loss", "test accuracy"}}
		for _, m := range e.Members {
			s.rows = append(s.rows, []string{fmt.Sprintf("seed %d", m.Seed), lossOf(m.Validation), lossOf(m.Test), accuracyOf(m.Test)})
		}
		s.rows = append(s.rows, []string{"mean of predictions", lossOf(e.Validation), lossOf(e.Test), accuracyOf(e.Test)})
		out = append(out, s)
	}
	return append(out, rep.settings())
}

func (rep *Report) summary() section {
	s := section{title: "Training: " + rep.Task, words: rep.Model, head: []string{"domain", "rows", "tokens", "validation rows", "epochs", "share", "weight at the end"}}
	if rep.Linear != nil {
		s.head = s.head[:2]
	}
	for _, d := range rep.Data {
		if rep.Linear != nil {
			s.rows = append(s.rows, []string{d.Name, fmt.Sprint(d.Rows)})
			continue
		}
		s.rows = append(s.rows, []string{d.Name, fmt.Sprint(d.Rows), fmt.Sprint(d.Tokens), fmt.Sprint(d.Validation), fmt.Sprintf("%.2f", d.Epochs), fmt.Sprintf("%.3f", d.Share), fmt.Sprintf("%.3f", d.Weight)})
	}
	if len(rep.Left) > 0 {
		s.words += ". Records left out or cut: " + reasons(rep.Left)
	}
	for _, n := range rep.Notes {
		s.words += ". " + n
	}
	if rep.Best > 0 {
		s.words += fmt.Sprintf(". Stopped early after step %d, went back to step %d", rep.Step, rep.Best)
	}
	return s
}

// results is the table of what the model is worth, domain by domain: a mean hides the domain that was forgotten.
func (rep *Report) results() section {
	s := section{title: "Results", words: "Loss in nats per target (regress: squared error). The test rows were held out where the data were made; no decision looked at them.",
		head: []string{"rows", "domain", "targets", "loss", "perplexity", "accuracy", "macro F1", "ECE", "RMSE", "Spearman"}}
	if rep.Test == nil {
		s.words += " There are none here."
	}
	if rep.Linear != nil {
		s.words += " Out of fold: every training row by a model that saw neither it nor its family."
	}
	for _, part := range rep.parts() {
		r := part.r
		accuracy := ""
		if r.Interval != nil {
			accuracy = fmt.Sprintf("%s (%s)", num(r.Accuracy), r.Interval)
		}
		s.rows = append(s.rows, []string{part.name, "all", fmt.Sprint(r.Targets), num(r.Loss), some(r.Perplexity), accuracy, some(r.MacroF1), some(r.ECE), some(r.RMSE), some(r.Spearman)})
		for _, name := range slices.Sorted(maps.Keys(r.Domains)) {
			d := r.Domains[name]
			s.rows = append(s.rows, []string{part.name, name, fmt.Sprint(d.Targets), num(d.Loss), "", "", "", "", "", ""})
		}
	}
	return s
}

func lossCurves(points []point) section {
	c := &chart{x: "step", y: "training loss"}
	all := &series{name: "all", whole: true}
	by := map[string]*series{}
	for _, p := range points {
		all.add(float64(p.Step), p.Loss)
		for name, v := range p.Domains {
			if by[name] == nil {
				by[name] = &series{name: name}
			}
			by[name].add(float64(p.Step), v)
		}
	}
	c.series = append(c.series, all)
	if len(by) > 1 {
		for _, name := range slices.Sorted(maps.Keys(by)) {
			c.series = append(c.series, by[name])
		}
	}
	for _, s := range c.series {
		s.thin(200)
	}
	return c.section("Loss in training", "Means over stretches of steps.")
}

func validationCurves(points []point) section {
	c := &chart{x: "step", y: "validation loss"}
	by := map[string]*series{}
	all := &series{name: "all", whole: true}
	for _, p := range points {
		if p.Eval == nil {
			continue
		}
		all.add(float64(p.Step), p.Eval.Loss)
		for name, d := range p.Eval.Domains {
			if by[name] == nil {
				by[name] = &series{name: name}
			}
			by[name].add(float64(p.Step), d.Loss)
		}
	}
	c.series = append(c.series, all)
	if len(by) > 1 {
		for _, name := range slices.Sorted(maps.Keys(by)) {
			c.series = append(c.series, by[name])
		}
	}
	return c.section("Loss on validation data", "")
}

func (rep *Report) resources() (s section) {
	s = section{title: "What it took", head: []string{"what", "planned", "measured"}}
	row := func(what, planned, measured string) { s.rows = append(s.rows, []string{what, planned, measured}) }
	defer func() {
		how := "estimated from load"
		if rep.Bill.Counted {
			how = "by the CPU's counters"
		}
		row("energy", "", fmt.Sprintf("%.4g kWh, %.3g g CO₂e (%s)", rep.Bill.KWh, rep.Bill.Grams, how))
		if rep.Bill.Price > 0 {
			row("price", "", fmt.Sprintf("%.4g", rep.Bill.Price))
		}
		row("kernels, threads", "", fmt.Sprintf("%s, %d", rep.Kernels, rep.Threads))
	}()
	f := rep.Forecast
	if f == nil {
		row("memory", "", size(rep.PeakMemory)+" (the whole process)")
		row("time", "", fmt.Sprintf("%.1f s, %.1f CPU-s", rep.Seconds, rep.CPUSeconds))
		return s
	}
	row("memory", size(f.Memory), size(rep.PeakMemory)+" (the whole process)")
	row("… weights, gradients, optimizer, average", size(f.Weights+f.Gradients+f.Optimizer+f.Average), "")
	row("… activations, buffers", size(f.Activations+f.Buffers), "")
	row("steps", fmt.Sprint(f.Steps), fmt.Sprint(rep.Step))
	row("tokens", fmt.Sprint(f.Tokens), fmt.Sprint(rep.Tokens))
	row("time", "", fmt.Sprintf("%.1f s, %.1f CPU-s", rep.Seconds, rep.CPUSeconds))
	if rep.Seconds > 0 {
		row("tokens per second", "", fmt.Sprintf("%.0f", float64(rep.Tokens)/rep.Seconds))
		row("floating-point operations per second", "", fmt.Sprintf("%.1f G", f.FLOPs*float64(rep.Step)/float64(max(1, f.Steps))/rep.Seconds/1e9))
	}
	return s
}

// settings lists the whole config, defaults included.
func (rep *Report) settings() section {
	s := section{title: "Settings", words: "Every key, with the defaults that were taken.", head: []string{"key", "value"}}
	for _, k := range settings(rep.Config) {
		top, _, _ := strings.Cut(k.key, ".")
		top, _, _ = strings.Cut(top, "[")
		if rep.Linear != nil && !slices.Contains(readByLinear, top) {
			continue
		}
		s.rows = append(s.rows, []string{k.key, k.value})
	}
	return s
}

func num(v float64) string { return fmt.Sprintf("%.4f", v) }

func some(v float64) string {
	if v == 0 {
		return ""
	}
	return num(v)
}

func lossOf(r *Result) string {
	if r == nil {
		return ""
	}
	return num(r.Loss)
}

func accuracyOf(r *Result) string {
	if r == nil {
		return ""
	}
	return some(r.Accuracy)
}
