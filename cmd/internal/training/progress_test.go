package training

import (
	"bytes"
	"strings"
	"testing"

	"sluice/cmd/internal/terminal"
	"sluice/trainer"
)

func TestSparkline(t *testing.T) {
	for _, c := range []struct {
		values []float64
		n      int
		want   string
	}{
		{nil, 5, ""},
		{[]float64{2}, 5, "▁"},
		{[]float64{3, 3, 3}, 5, "▁▁▁"},
		{[]float64{8, 7, 6, 5, 4, 3, 2, 1}, 8, "█▇▆▅▄▃▂▁"},
		{[]float64{3, 2, 1, 1}, 4, "█▅▁▁"},
		{[]float64{4, 4, 1, 1, 2.5, 2.5}, 3, "█▁▅"},
	} {
		if got := Sparkline(c.values, c.n); got != c.want {
			t.Errorf("%v in %d marks: %s, want %s", c.values, c.n, got, c.want)
		}
	}
}

// Off the terminal there is a line at every look at validation and at the end, whatever the time.
func TestProgressPlain(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, 0)
	for step := 1; step <= 10; step++ {
		s := trainer.Step{Step: step, Steps: 10, Loss: 10 - float64(step), TokensPerSecond: 1597}
		if step == 5 {
			s.Eval = &trainer.Result{Loss: 5.5}
		}
		p.Step(s)
	}
	p.End()
	want := []string{"sluice: step 5/10  loss 5.0000 █▆▅▃▁  validation 5.5000  1,597 tokens/s", "sluice: step 10/10  loss 0.0000 "}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2 || lines[0] != want[0] || !strings.HasPrefix(lines[1], want[1]) {
		t.Errorf("lines %q, want %q", lines, want)
	}
}

// On a terminal the line is written over, and left when something else is said.
func TestProgressLive(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, 40)
	p.Step(trainer.Step{Step: 1, Steps: 1, Loss: 2})
	p.Say("done")
	if got, want := b.String(), "\rstep 1/1  loss 2.0000 ▁  0 tokens/s\x1b[K\nsluice: done\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
	b.Reset()
	NewProgress(&b, 12).Step(trainer.Step{Step: 1, Steps: 1, Loss: 2})
	if got := strings.TrimSuffix(b.String()[1:], "\x1b[K"); got == "" || terminal.Columns(got) > 11 {
		t.Errorf("wrote %q on 12 columns", got)
	}
}
