package progress

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// refresh is how often the terminal is drawn anew.
const refresh = 200 * time.Millisecond

// mostStages is how many stages have a line of their own: more would scroll a small terminal.
const mostStages = 12

// mostLines is how many lines there can be below the first: stages, accepted, asked, and a few pauses.
const mostLines = mostStages + 8

// Bar draws m on the terminal out until stop is called, which takes the drawing away. What is to appear above it meanwhile,
// such as log lines, must be written to above; after stop, above writes to out itself.
func Bar(m *Meter, out io.Writer) (above io.Writer, stop func()) { return bar(m, out) }

func bar(m *Meter, out io.Writer, more ...mpb.ContainerOption) (above io.Writer, stop func()) {
	p := mpb.New(append([]mpb.ContainerOption{mpb.WithOutput(out), mpb.WithRefreshRate(refresh)}, more...)...)
	// One bar without a total: mpb's part is to redraw lines in place and to keep what is written above them apart. What
	// they say is one picture, so all lines are drawn from the same.
	var last Picture
	head := mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		last = m.Picture()
		_, err := io.WriteString(w, fit(last.headline(s.AvailableWidth), s.AvailableWidth))
		return err
	})
	// mpb wants one filler for each line; one that writes nothing takes no line.
	below := make([]mpb.BarFiller, mostLines)
	for i := range below {
		below[i] = mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
			lines := last.lines()
			if i >= len(lines) {
				return nil
			}
			_, err := io.WriteString(w, fit(lines[i], s.AvailableWidth)+"\n")
			return err
		})
	}
	b, err := p.Add(0, head, mpb.BarFillerTrim(), mpb.BarBtmExtender(below...))
	if err != nil { // only after a shutdown
		return out, func() {}
	}
	return &abover{p: p, after: out}, func() {
		b.Abort(true)
		p.Wait()
	}
}

// abover writes above the bar while there is one. mpb swallows what is written to it when it is done.
type abover struct {
	p     *mpb.Progress
	after io.Writer
}

func (a *abover) Write(b []byte) (int, error) {
	if n, err := a.p.Write(b); err == nil {
		return n, nil
	}
	return a.after.Write(b)
}

// fit cuts a line to width characters.
func fit(line string, width int) string {
	if r := []rune(line); width > 0 && len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return line
}

// headline is the first line: ━━━━━━───── 41 %  4,120 of 10,003 rows  812 rows/s  ETA 7s
func (p *Picture) headline(width int) string {
	text := p.done() + "  " + p.speed()
	if p.ETA > 0 {
		text += "  ETA " + p.ETA.String()
	}
	if p.Took > time.Minute {
		text += "  after " + p.Took.Round(time.Second).String()
	}
	share := p.share()
	length := min(30, width-utf8.RuneCountInString(text)-8)
	if share < 0 || length < 5 {
		return text
	}
	full := int(share*float64(length) + .5)
	return fmt.Sprintf("%s%s %3.0f %%  %s", strings.Repeat("━", full), strings.Repeat("─", length-full), 100*share, text)
}

// lines are what stands below: stages, what was accepted and why not, what models were asked, what is paused.
func (p *Picture) lines() []string {
	var lines []string
	wide := 0
	for _, t := range p.Stages {
		wide = max(wide, len(t.Stage))
	}
	for i, t := range p.Stages {
		if i == mostStages {
			lines = append(lines, fmt.Sprintf("  … %d more stages", len(p.Stages)-i))
			break
		}
		dropped, failed := t.Lost()
		line := fmt.Sprintf("  %-*s %11s in %11s out", wide, t.Stage, humanize.Comma(t.In), humanize.Comma(t.Out))
		if t.Made > 0 {
			line += "  +" + humanize.Comma(t.Made) + " made"
		}
		if dropped > 0 {
			line += "  -" + humanize.Comma(dropped) + " dropped"
		}
		if failed > 0 {
			line += "  -" + humanize.Comma(failed) + " failed"
		}
		lines = append(lines, line)
	}
	rows := "  accepted " + humanize.Comma(p.Accepted) + ", rejected " + humanize.Comma(p.Dropped+p.Failed)
	if len(p.Reasons) > 0 {
		rows += " (" + strings.Join(p.Reasons, ", ") + ")"
	}
	lines = append(lines, rows)
	if asked := p.asked(); asked != "" {
		lines = append(lines, "  "+asked)
	}
	for _, pause := range p.Paused {
		lines = append(lines, "  "+pause.String())
	}
	return lines
}
