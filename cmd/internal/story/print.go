package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"sluice/cmd/internal/rows"
	"sluice/cmd/internal/terminal"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// inset is how far texts stand in below what they belong to.
const inset = "   "

// Text writes the story for a terminal of that width. asked are the exchanges behind the row itself and behind each of its
// ancestors, by id; none is known of those that are missing.
func (s *Story) Text(width int, asked map[schemas.ID][]Exchange) string {
	var b strings.Builder
	r := s.Record
	fmt.Fprintf(&b, "%s  %s: %s\n", r.ID, s.Fate, s.File)
	if s.Reject != nil {
		b.WriteString(lines(rows.Row{Record: r, Reject: s.Reject}.Fate(), "", width))
	}
	if len(r.Labels) > 0 {
		b.WriteString(lines("["+strings.Join(r.Labels, ", ")+"]", "", width))
	}
	b.WriteString(rows.Text(r, width, inset))
	if s.Owner != nil {
		fmt.Fprintf(&b, "\nit repeats %s\n%s", s.Owner.ID, s.Owner.text(width))
	}
	b.WriteString("\nhow it came to be\n")
	s.descent(&b, width)
	if len(s.Stages) > 0 {
		b.WriteString("\nwhat the stages did\n")
	}
	wide := 0
	for _, p := range s.Stages {
		wide = max(wide, terminal.Columns(terminal.Escape(p.Stage)))
	}
	for _, p := range s.Stages {
		name := terminal.Escape(p.Stage)
		fmt.Fprintf(&b, "%s%s%s  %s\n", inset, name, strings.Repeat(" ", wide-terminal.Columns(name)), p.Did)
	}
	for _, from := range s.Sources() {
		for i, x := range asked[from.ID] {
			of := ""
			if from.ID != r.ID {
				of = " of " + rows.Short(from.ID)
			}
			what, known := "prompt and answer"+of, 0
			if i > 0 { // the turns before are those above
				what, known = "correction"+of, len(asked[from.ID][i-1].Request.Messages)
			}
			fmt.Fprintf(&b, "\n%s\n", what)
			x.print(&b, known, width)
		}
	}
	return b.String()
}

// A Source is a row that a model was asked for, and the key of its answer.
type Source struct {
	ID  schemas.ID
	Key string
}

// Sources are the answers behind the row: those of its ancestors first, the oldest before all.
func (s *Story) Sources() []Source {
	var all []Source
	for i := len(s.Line) - 1; i >= 0; i-- {
		if r := s.Line[i].Record; r != nil && r.Origin.Answer != "" {
			all = append(all, Source{r.ID, r.Origin.Answer})
		}
	}
	if k := s.Record.Origin.Answer; k != "" {
		all = append(all, Source{s.Record.ID, k})
	}
	return all
}

// descent writes the line from the seed to the row.
func (s *Story) descent(b *strings.Builder, width int) {
	o := &s.Record.Origin
	b.WriteString(lines(fmt.Sprintf("seed: %s, row %d (counted from 0)", o.Source, o.Row), inset, width))
	for i := len(s.Line) - 1; i >= 0; i-- {
		a := &s.Line[i]
		if a.Record != nil && a.Record.Origin.Depth > 0 {
			b.WriteString(lines(made(&a.Record.Origin), inset, width))
		}
		b.WriteString(a.text(width))
	}
	if o.Depth > 0 {
		b.WriteString(lines(made(o)+" → this row", inset, width))
	}
	if len(s.Others) > 0 {
		b.WriteString(inset + "it was also made from\n")
	}
	for i := range s.Others {
		b.WriteString(s.Others[i].text(width))
	}
}

// text is an ancestor with the beginning of what it says.
func (a *Ancestor) text(width int) string {
	if a.Record == nil {
		return fmt.Sprintf("%s%s  (the dataset does not keep it)\n", inset, rows.Short(a.ID))
	}
	label := ""
	if len(a.Record.Labels) > 0 {
		label = "  [" + strings.Join(a.Record.Labels, ", ") + "]"
	}
	first := terminal.Cut(fmt.Sprintf("%s  %s%s", rows.Short(a.ID), a.Fate, label), width-len(inset))
	return inset + first + "\n" + inset + inset + terminal.Line(a.Record.Content(), width-2*len(inset)) + "\n"
}

// made says by what and at what price a row was made.
func made(o *schemas.Origin) string {
	s := o.Stage
	if o.Round > 0 {
		s += fmt.Sprintf(", round %d", o.Round)
	}
	if o.Model != "" {
		s += ", model " + o.Model
	}
	if o.Template != "" {
		s += ", template " + o.Template[:min(12, len(o.Template))]
	}
	if o.PromptTokens+o.CompletionTokens > 0 {
		s += fmt.Sprintf(", %s tokens in and %s out", humanize.Comma(o.PromptTokens), humanize.Comma(o.CompletionTokens))
		if o.Estimated {
			s += " (counted by ourselves)"
		}
		s += ", cost " + llm.Money(o.Cost).String()
	}
	return s
}

// print writes an exchange, without the turns that are known.
func (x *Exchange) print(b *strings.Builder, known, width int) {
	q := &x.Request
	about := "asked " + q.Model
	if q.Temperature != nil {
		about += fmt.Sprintf(", temperature %g", *q.Temperature)
	}
	if q.Attempt > 0 {
		about += fmt.Sprintf(", attempt %d", q.Attempt)
	}
	if len(q.Schema) > 0 {
		about += ", JSON by a schema"
	}
	b.WriteString(lines(about+", key "+x.Key, inset, width))
	b.WriteString(turns(q.Messages[known:], width))
	for _, e := range x.Answers {
		b.WriteString(lines(bill(e), inset, width))
		for _, c := range e.Choices {
			if c.Reasoning != "" {
				b.WriteString(lines("reasoning: "+c.Reasoning, inset+inset, width))
			}
			if c.Refusal != "" {
				b.WriteString(lines("refusal: "+c.Refusal, inset+inset, width))
			}
			b.WriteString(turns([]schemas.Message{{Role: "answer", Content: c.Text, ToolCalls: c.ToolCalls}}, width))
		}
	}
}

// bill says when an answer came, from whom and for how much.
func bill(e *llm.Entry) string {
	s := "answered " + e.Time.UTC().Format(time.RFC3339)
	if e.Model != "" {
		s += " by " + e.Model
	}
	s += fmt.Sprintf(": %s tokens in and %s out", humanize.Comma(e.Usage.Prompt), humanize.Comma(e.Usage.Completion))
	if e.Usage.Cached > 0 {
		s += fmt.Sprintf(" (%s cached)", humanize.Comma(e.Usage.Cached))
	}
	if e.Usage.Estimated {
		s += " (counted by ourselves)"
	}
	s += ", cost " + llm.Money(e.Usage.Cost).String()
	for _, c := range e.Choices {
		if c.Finish != "stop" && c.Finish != "" {
			s += ", ended by " + c.Finish
			break
		}
	}
	if e.Mode != "" {
		s += ", asked as " + e.Mode
	}
	if e.RequestID != "" {
		s += ", request " + e.RequestID
	}
	return s
}

func turns(ms []schemas.Message, width int) string {
	return rows.Text(&schemas.Record{Messages: ms}, width, inset+inset)
}

// lines wraps a text that stands in.
func lines(text, inset string, width int) string {
	var b strings.Builder
	for _, l := range terminal.Wrap(text, width-len(inset)) {
		b.WriteString(strings.TrimRight(inset+l, " ") + "\n")
	}
	return b.String()
}
