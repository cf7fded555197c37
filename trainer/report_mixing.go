package trainer

import (
	"fmt"
	"slices"
	"strings"
)

// mixing shows what share every domain had in the course of the training.
func (rep *Report) mixing(points []point) section {
	c := &chart{x: "step", y: "share"}
	for k, d := range rep.Data {
		s := &series{name: d.Name}
		for _, p := range points {
			if k < len(p.Weights) {
				s.add(float64(p.Step), p.Weights[k])
			}
		}
		s.thin(200)
		c.series = append(c.series, s)
	}
	slices.SortFunc(c.series, func(a, b *series) int { return strings.Compare(a.name, b.name) })
	return c.section("Mixing weights", "Mixer: "+rep.Config.Mix.Name+".")
}

// decided shows what was tried before the first step.
func (rep *Report) decided() (out []section) {
	d := rep.Decision
	if d == nil {
		return nil
	}
	if len(d.Runs) > 0 {
		s := section{title: "Proxy runs", words: fmt.Sprintf("Small trainings of %d steps each, from which the mixer learned: the shares of the domains, and the validation losses that they led to.", d.Steps),
			head: []string{"run"}}
		for _, one := range rep.Data {
			s.head = append(s.head, "share of "+one.Name)
		}
		for _, name := range d.Judged {
			s.head = append(s.head, "loss on "+name)
		}
		for i, r := range d.Runs {
			row := []string{fmt.Sprint(i + 1)}
			for _, v := range append(append([]float64{}, r.Shares...), r.Losses...) {
				row = append(row, num(v))
			}
			s.rows = append(s.rows, row)
		}
		out = append(out, s)
	}
	if v := d.Verdict; v != nil {
		s := section{title: "Guard", words: fmt.Sprintf("The mixer %s against uniform mixing, side by side in trainings of %d steps: %s.", rep.Config.Mix.Name, v.Steps, v), head: []string{"pair", "excess of the validation loss, %"}}
		for i, p := range v.Pairs {
			s.rows = append(s.rows, []string{fmt.Sprint(i + 1), fmt.Sprintf("%+.3f", 100*p)})
		}
		out = append(out, s)
	}
	return out
}
