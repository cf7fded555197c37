package trainer

import (
	"fmt"
)

// String is the interval in words: 95 %: .744 to .965.
func (i *Interval) String() string { return fmt.Sprintf("95 %%: %.3f to %.3f", i.Low, i.High) }

// classesSection is the tables of a classifier: label by label, and the mistakes that occur most.
func (r *Result) classesSection(name string) (out []section) {
	if len(r.Labels) == 0 {
		return nil
	}
	s := section{title: "Labels: " + name, words: fmt.Sprintf("Macro F1 %s is the mean over the labels.", num(r.MacroF1)), head: []string{"label", "rows", "said", "precision", "recall", "F1"}}
	for _, c := range r.Labels {
		s.rows = append(s.rows, []string{c.Label, fmt.Sprint(c.Rows), fmt.Sprint(c.Said), num(c.Precision), num(c.Recall), num(c.F1)})
	}
	out = append(out, s)
	if len(r.Confused) > 0 {
		s := section{title: "Mistakes: " + name, words: fmt.Sprintf("Those that occur most, at most %d kinds.", mostConfused), head: []string{"label", "said instead", "rows"}}
		for _, c := range r.Confused {
			s.rows = append(s.rows, []string{c.Is, c.Said, fmt.Sprint(c.Rows)})
		}
		out = append(out, s)
	}
	return out
}

func (rep *Report) calibration() section {
	c := rep.Calibration
	s := section{title: "Calibration", words: "Expected calibration error over 15 bins and Brier score, before and after dividing the logits by the temperature.",
		head: []string{"rows", "temperature", "ECE before", "after", "Brier before", "after"},
		rows: [][]string{{rep.Watched(), num(c.Temperature), num(c.Before), num(c.After), num(c.BrierBefore), num(c.BrierAfter)}}}
	if rep.Test != nil {
		s.rows = append(s.rows, []string{"test", num(c.Temperature), num(c.TestBefore), num(c.TestAfter), num(c.TestBrierBefore), num(c.TestBrierAfter)})
	}
	return s
}

// trials is how C was chosen, where it was.
func (rep *Report) trials() []section {
	if len(rep.Linear.Tried) == 0 {
		return nil
	}
	s := section{title: "Choice of C", words: "By held-out accuracy on folds of the training rows; on real rows alone where there are made ones.", head: []string{"C", "accuracy", "log-loss", ""}}
	for _, t := range rep.Linear.Tried {
		mark := ""
		if t.C == rep.Linear.C {
			mark = "taken"
		}
		s.rows = append(s.rows, []string{fmt.Sprint(t.C), num(t.Accuracy), num(t.LogLoss), mark})
	}
	return []section{s}
}
