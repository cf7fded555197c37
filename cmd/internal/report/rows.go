package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sluice/pipeline"
	"sluice/schemas"
)

// widest is how much of a text is shown.
const widest = 140

// Rows writes what became of a few seeds, seed by seed:
//
//	requests.jsonl row 11 [billing]
//	  + seed                   Why was I charged twice?
//	  + generators/paraphrase  I have been billed two times, why?            judge_clarity 0.80
//	  - generators/paraphrase  Charged twice.                                filters/length: too_short
func Rows(w io.Writer, t *pipeline.Tried) error {
	type line struct {
		r      *schemas.Record
		reject *pipeline.Reject
	}
	var lines []line
	for _, r := range t.Records {
		lines = append(lines, line{r: r})
	}
	for i := range t.Rejects {
		lines = append(lines, line{r: t.Rejects[i].Record, reject: &t.Rejects[i]})
	}
	// Seeds first, then what was made of them, in the order of stages and samples; accepted before rejected.
	slices.SortStableFunc(lines, func(a, b line) int { return a.r.Origin.Depth - b.r.Origin.Depth })
	for _, seed := range t.Survey.Sample {
		table := &Table{Left: []int{1, 2, 3}}
		for _, l := range lines {
			if l.r.Origin.Source != seed.Origin.Source || l.r.Origin.Row != seed.Origin.Row {
				continue
			}
			mark, from, fate := "+", "seed", scores(l.r)
			if l.r.Origin.Depth > 0 {
				from = l.r.Origin.Stage
			}
			if l.reject != nil {
				mark, fate = "-", why(l.reject)
			}
			table.Row(mark, from, clip(l.r), fate)
		}
		label := ""
		if len(seed.Labels) > 0 {
			label = " [" + strings.Join(seed.Labels, ", ") + "]"
		}
		if _, err := fmt.Fprintf(w, "%s row %d%s\n", seed.Origin.Source, seed.Origin.Row, label); err != nil {
			return err
		}
		if err := table.Write(w, "  "); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return nil
}

// clip is the beginning of a record's text on one line; of a record that could not be made there is none.
func clip(r *schemas.Record) string {
	text := []rune(strings.Join(strings.Fields(r.Content()), " "))
	if len(text) > widest {
		text = append(text[:widest-1], '…')
	}
	return strings.Map(printable, string(text))
}

// printable keeps control characters of data away from the terminal.
func printable(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		return '·'
	}
	return r
}

// why says where a record left the stream, and for what cause.
func why(x *pipeline.Reject) string {
	s := x.Stage + ": " + x.Reason
	if !x.Owner.IsZero() {
		s += " of " + x.Owner.String()[:8]
	}
	if x.Detail != "" && x.Detail != x.Reason {
		detail := []rune(strings.Map(printable, strings.Join(strings.Fields(x.Detail), " ")))
		if len(detail) > 80 {
			detail = append(detail[:79], '…')
		}
		s += " (" + string(detail) + ")"
	}
	return s
}

func scores(r *schemas.Record) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Scores)) {
		parts = append(parts, fmt.Sprintf("%s %.2f", name, r.Scores[name]))
	}
	return strings.Join(parts, ", ")
}
