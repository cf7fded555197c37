package progress

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// Picture is what a [Meter] knows at one moment.
type Picture struct {
	Took      time.Duration
	Phase, Of int    // 0: no phase has begun
	Fits      string // stage that looks at all rows before it judges, while the phase has judged none

	Rows, Total int64   // source rows of this phase that are through, and all; Total 0: not known
	PerSecond   float64 // rows, of late
	ETA         time.Duration

	Read            int64 // source rows of this run
	Accepted, Made  int64 // rows of this run in the dataset, and those of them that are no seeds
	Have, Target    int64 // made rows in the dataset, and wanted; Target 0: none
	Dropped, Failed int64
	Reasons         []string // "too_short 12", the commonest first
	Stages          []pipeline.Tally
	Requests, Again int64 // sent, and sent again after a failure
	Answers, Tokens int64
	Cost            llm.Money
	Kept, Lost      Paid // what the rows of this run in the dataset, and those rejected, cost when they were asked for
	Paused          []llm.Pause
}

// Picture returns what is known now.
func (m *Meter) Picture() Picture {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	p := Picture{
		Took: now.Sub(m.begun), Phase: m.phase.I, Of: m.phase.Of, Rows: m.rows(), Total: m.total,
		Read: m.read, Accepted: m.accepted, Made: m.made, Have: m.sealed.made + m.made, Target: m.target,
		Requests: m.sent, Again: m.retried, Answers: m.answers, Tokens: m.tokens, Cost: m.cost,
		Stages: slices.Clone(m.counts), Kept: m.kept, Lost: m.lost,
	}
	if len(m.counts) == 0 {
		p.Fits = m.phase.Fits
	}
	p.PerSecond = m.rates.perSecond(now, m.begun, m.sealed.rows)
	p.ETA = eta(&p)
	for _, counts := range []map[string]int64{m.dropped, m.failed} {
		for _, reason := range schemas.Reasons(counts) {
			p.Reasons = append(p.Reasons, fmt.Sprintf("%s %s", reason, humanize.Comma(counts[reason])))
		}
	}
	for _, n := range m.dropped {
		p.Dropped += n
	}
	for _, n := range m.failed {
		p.Failed += n
	}
	for _, at := range m.paused {
		since := now.Sub(at.since)
		at.For += since
		at.Left = max(at.Left-since, 0)
		p.Paused = append(p.Paused, at.Pause)
	}
	slices.SortFunc(p.Paused, func(a, b llm.Pause) int { return strings.Compare(a.Model, b.Model) })
	return p
}

// eta is the time left: by the target where there is one, else by the rows; 0: not known.
func eta(p *Picture) time.Duration {
	var left float64
	switch {
	case p.Target > 0 && p.Made > 0:
		left = float64(p.Target-p.Have) / (float64(p.Made) / p.Took.Seconds())
	case p.Target == 0 && p.Total > p.Rows && p.PerSecond > 0:
		left = float64(p.Total-p.Rows) / p.PerSecond
	}
	if left <= 0 || left > 1e7 {
		return 0
	}
	return time.Duration(left * float64(time.Second)).Round(time.Second)
}

// share is how much of the work is done, from 0 to 1; negative: not known.
func (p *Picture) share() float64 {
	switch {
	case p.Target > 0:
		return min(float64(p.Have)/float64(p.Target), 1)
	case p.Total > 0:
		return min(float64(p.Rows)/float64(p.Total), 1)
	}
	return -1
}

// done says how far the run is: "1,200 of 10,003 rows", "phase 2 of 2, 800 rows", "410 of 5,000 rows accepted".
func (p *Picture) done() string {
	var b strings.Builder
	if p.Of > 1 {
		fmt.Fprintf(&b, "phase %d of %d, ", p.Phase, p.Of)
	}
	switch {
	case p.Fits != "":
		fmt.Fprintf(&b, "%s looks at all rows", p.Fits)
	case p.Target > 0:
		fmt.Fprintf(&b, "%s of %s rows accepted", humanize.Comma(p.Have), humanize.Comma(p.Target))
	case p.Total > 0:
		fmt.Fprintf(&b, "%s of %s rows", humanize.Comma(p.Rows), humanize.Comma(p.Total))
	default:
		fmt.Fprintf(&b, "%s rows", humanize.Comma(p.Rows))
	}
	return b.String()
}

// speed says how fast it goes: "812 rows/s", "0.4 rows/s".
func (p *Picture) speed() string {
	if p.PerSecond < 10 {
		return fmt.Sprintf("%.1f rows/s", p.PerSecond)
	}
	return humanize.Comma(int64(p.PerSecond)) + " rows/s"
}

// asked says what models were asked and what that cost; "" where none was.
func (p *Picture) asked() string {
	if p.Requests == 0 {
		return ""
	}
	s := humanize.Comma(p.Requests) + " requests"
	if p.Again > 0 {
		s += fmt.Sprintf(" (%s again)", humanize.Comma(p.Again))
	}
	s += ", " + humanize.Comma(p.Tokens) + " tokens"
	if p.Cost > 0 {
		s += ", " + p.Cost.String() + " spent"
	}
	return s
}
