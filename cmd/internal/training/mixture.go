package training

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"sluice/cmd/internal/report"
	"sluice/trainer"
)

// WriteMixPlan prints what mixers would do: one with its reasons, several side by side.
func WriteMixPlan(w io.Writer, p *trainer.MixPlan) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s steps of %d examples: %s in all", humanize.Comma(int64(p.Steps)), p.Batch, humanize.Comma(int64(p.Steps)*int64(p.Batch)))
	if p.Repeats > 0 {
		fmt.Fprintf(&b, "; no domain is repeated more than %v times", p.Repeats)
	}
	b.WriteString("\n\n")
	var err error
	if len(p.Mixers) == 1 {
		err = oneMixer(&b, &p.Mixers[0])
	} else {
		err = severalMixers(&b, p.Mixers)
	}
	if err != nil {
		return err
	}
	if p.Guard != "" {
		fmt.Fprintf(&b, "\n%s\n", p.Guard)
	}
	_, err = io.WriteString(w, b.String())
	return err
}

func oneMixer(b *strings.Builder, m *trainer.MixerPlan) error {
	if m.Refused != "" {
		fmt.Fprintf(b, "mixer %s: %s\n", m.Mixer, m.Refused)
		return nil
	}
	fmt.Fprintf(b, "mixer %s\n", m.Mixer)
	t := &report.Table{Left: []int{7}}
	t.Row("domain", "examples", "tokens", "share", "picks", "epochs", "cap", "why")
	for _, d := range m.Domains {
		row := []string{d.Name, humanize.Comma(d.Examples), humanize.Comma(d.Tokens), "", "", "", "", d.Why}
		if m.Waits == nil {
			row[3], row[4], row[5] = percent(d.Share), fmt.Sprintf("%.0f", d.Picks), fmt.Sprintf("%.2f", d.Epochs)
		}
		if d.Cap > 0 {
			row[6] = fmt.Sprintf("%.0f", d.Cap)
		}
		t.Row(row...)
	}
	if err := t.Write(b, ""); err != nil {
		return err
	}
	if m.Waits != nil {
		b.WriteString("\n" + waiting(m.Waits) + ":\n")
		t := &report.Table{}
		head := []string{"run"}
		for _, d := range m.Domains {
			head = append(head, d.Name)
		}
		t.Row(head...)
		for i, shares := range m.Waits.Mixtures {
			row := []string{fmt.Sprint(i + 1)}
			for _, s := range shares {
				row = append(row, percent(s))
			}
			t.Row(row...)
		}
		if err := t.Write(b, "  "); err != nil {
			return err
		}
	}
	for i, n := range m.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString(n + "\n")
	}
	return nil
}

func waiting(w *trainer.Waiting) string {
	done := ""
	if w.Done > 0 {
		done = fmt.Sprintf(", %d of them done", w.Done)
	}
	return fmt.Sprintf("it chooses after %d proxy runs of %d steps%s, about %s in all, which sluice train makes", w.Runs, w.Steps, done,
		time.Duration(w.Seconds*float64(time.Second)).Round(time.Second))
}

// severalMixers is a table with a column for every mixer: shares, and epochs behind them.
func severalMixers(b *strings.Builder, mixers []trainer.MixerPlan) error {
	t := &report.Table{}
	head := []string{"share, epochs"}
	var shown []*trainer.MixerPlan
	for i := range mixers {
		if m := &mixers[i]; m.Refused == "" && m.Waits == nil {
			shown = append(shown, m)
			head = append(head, m.Mixer)
		}
	}
	if len(shown) > 0 {
		t.Row(head...)
		for i, d := range shown[0].Domains {
			row := []string{d.Name}
			for _, m := range shown {
				cell := fmt.Sprintf("%s %.2f", percent(m.Domains[i].Share), m.Domains[i].Epochs)
				if m.Domains[i].Capped {
					cell += "!"
				}
				row = append(row, cell)
			}
			t.Row(row...)
		}
		if err := t.Write(b, ""); err != nil {
			return err
		}
	}
	b.WriteString("\n")
	for _, m := range mixers {
		switch {
		case m.Refused != "":
			fmt.Fprintf(b, "%s: not here: %s\n", m.Mixer, m.Refused)
		case m.Waits != nil:
			fmt.Fprintf(b, "%s: %s\n", m.Mixer, waiting(m.Waits))
		}
		for _, d := range m.Domains {
			if d.Capped {
				fmt.Fprintf(b, "%s: %s: %s\n", m.Mixer, d.Name, d.Why)
			}
		}
		for _, n := range m.Notes {
			fmt.Fprintf(b, "%s: %s\n", m.Mixer, n)
		}
	}
	return nil
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }
