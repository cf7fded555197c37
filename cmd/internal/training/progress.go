package training

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"sluice/cmd/internal/terminal"
	"sluice/trainer"
)

// How often a line is written: again and again on a terminal, once in a while elsewhere.
const (
	liveEvery  = 200 * time.Millisecond
	plainEvery = 10 * time.Second
)

// sparks is how many marks a curve of losses has.
const sparks = 24

// A Progress shows how a training goes.
type Progress struct {
	w      io.Writer
	width  int // of the terminal that w is; 0: it is none
	last   time.Time
	shown  bool
	losses []float64 // of all steps
	valid  float64   // of the last look at validation
}

// NewProgress writes to w: on a terminal of some width one line that changes, else a line every ten seconds and at every
// look at validation.
func NewProgress(w io.Writer, width int) *Progress {
	return &Progress{w: w, width: width, valid: math.NaN(), last: time.Now()}
}

// Step takes in a step.
func (p *Progress) Step(s trainer.Step) {
	p.losses = append(p.losses, s.Loss)
	if s.Eval != nil {
		p.valid = s.Eval.Loss
	}
	every := plainEvery
	live := p.width > 0
	if live {
		every = liveEvery
	}
	if s.Step < s.Steps && time.Since(p.last) < every && (live || s.Eval == nil) {
		return
	}
	p.last = time.Now()
	if live {
		fmt.Fprintf(p.w, "\r%s\x1b[K", terminal.Cut(p.line(s), p.width-1))
		p.shown = true
		return
	}
	fmt.Fprintf(p.w, "sluice: %s\n", p.line(s))
}

// Say shows what is done beside the steps.
func (p *Progress) Say(what string) {
	p.End()
	fmt.Fprintf(p.w, "sluice: %s\n", what)
}

// End leaves the line.
func (p *Progress) End() {
	if p.shown {
		fmt.Fprintln(p.w)
		p.shown = false
	}
}

// line is "step 120/600  loss 3.214 ▇▅▃▂▁  validation 3.305  1,597 tokens/s  2m10s left".
func (p *Progress) line(s trainer.Step) string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d/%d  loss %.4f %s", s.Step, s.Steps, s.Loss, Sparkline(p.losses, sparks))
	if !math.IsNaN(p.valid) {
		fmt.Fprintf(&b, "  validation %.4f", p.valid)
	}
	fmt.Fprintf(&b, "  %s tokens/s", humanize.Comma(int64(s.TokensPerSecond)))
	if s.Left > 0 {
		fmt.Fprintf(&b, "  %v left", s.Left.Round(time.Second))
	}
	return b.String()
}

// Sparkline draws values as at most n marks from the lowest to the highest, each the mean of its part.
//
//	3 2 1 1 → "█▅▁▁"
func Sparkline(values []float64, n int) string {
	n = min(n, len(values))
	if n == 0 {
		return ""
	}
	means, low, high := make([]float64, n), math.Inf(1), math.Inf(-1)
	for i := range means {
		from, to := i*len(values)/n, (i+1)*len(values)/n
		for _, v := range values[from:to] {
			means[i] += v / float64(to-from)
		}
		low, high = min(low, means[i]), max(high, means[i])
	}
	marks := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, v := range means {
		at := 0
		if high > low {
			at = int(math.Round((v - low) / (high - low) * float64(len(marks)-1)))
		}
		b.WriteRune(marks[min(max(at, 0), len(marks)-1)])
	}
	return b.String()
}
