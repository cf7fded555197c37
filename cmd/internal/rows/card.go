package rows

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sluice/cmd/internal/terminal"
	"sluice/schemas"
)

// A Cards writes rows as text:
//
//	1  9f3ac0d1a2b4  [billing]  generators/eda of requests.jsonl row 11
//	   Why was I charged two times?
//	   judge_clarity 0.80
type Cards struct {
	Width   int      // columns of a line
	Lines   int      // of one text that are shown; 0: all
	Columns []Column // these alone, each on lines of its own; nil: what the row says, and its scores and columns

	n int
}

// Write writes one more row.
func (c *Cards) Write(w io.Writer, r Row) error {
	c.n++
	number := fmt.Sprint(c.n)
	inset := strings.Repeat(" ", max(3, len(number)+1))
	p := page{width: c.Width, lines: c.Lines, inset: inset}
	head := fmt.Sprintf("%-*s%s", len(inset), number, Short(r.Record.ID))
	if c.Columns != nil {
		for _, col := range c.Columns {
			p.text(col.Name+": ", Plain(col.Get(r)))
		}
	} else {
		if len(r.Record.Labels) > 0 {
			head += "  [" + strings.Join(r.Record.Labels, ", ") + "]"
		}
		head += "  " + Birth(&r.Record.Origin)
		if r.Reject != nil {
			p.text("rejected by ", r.Fate())
		}
		p.content(r.Record)
		p.extras(r.Record)
	}
	_, err := io.WriteString(w, terminal.Cut(head, c.Width)+"\n"+p.b.String()+"\n")
	return err
}

// Text is a record's content as indented lines, whole.
func Text(r *schemas.Record, width int, inset string) string {
	p := page{width: width, inset: inset}
	p.content(r)
	p.extras(r)
	return p.b.String()
}

// Plain is a value in words: texts as they are, all else as JSON.
func Plain(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case nil:
		return "(none)"
	}
	return string(AppendValue(nil, v))
}

// page gathers indented lines.
type page struct {
	b     strings.Builder
	inset string
	width int
	lines int
}

// text adds a text behind a mark. Its further lines stand below its first.
func (p *page) text(mark, text string) {
	mark = terminal.Escape(mark)
	hang := strings.Repeat(" ", min(terminal.Columns(mark), p.width/3))
	lines, more := terminal.Clip(terminal.Wrap(text, p.width-len(p.inset)-terminal.Columns(mark)), p.lines)
	for i, l := range lines {
		if i == 0 {
			l = mark + l
		} else if l != "" {
			l = hang + l
		}
		p.b.WriteString(strings.TrimRight(p.inset+l, " ") + "\n")
	}
	if more > 0 {
		fmt.Fprintf(&p.b, "%s%s… %d more lines\n", p.inset, hang, more)
	}
}

// content adds what a record of any kind says.
func (p *page) content(r *schemas.Record) {
	switch {
	case len(r.Messages) > 0:
		p.turns("", r.Messages)
	case len(r.Prompt)+len(r.Chosen)+len(r.Rejected) > 0:
		p.turns("prompt · ", r.Prompt)
		p.turns("chosen · ", r.Chosen)
		p.turns("rejected · ", r.Rejected)
	case r.Text != "":
		p.text("", r.Text)
	default:
		p.text("", "(no text)")
	}
}

func (p *page) turns(mark string, ms []schemas.Message) {
	for _, m := range ms {
		who := m.Role
		if m.Name != "" {
			who += " " + m.Name
		}
		if m.Content != "" || len(m.ToolCalls) == 0 {
			p.text(mark+who+": ", m.Content)
		}
		for _, c := range m.ToolCalls {
			p.text(mark+who+" calls ", c.Name+"("+c.Arguments+")")
		}
	}
}

// extras adds scores and user columns.
func (p *page) extras(r *schemas.Record) {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Scores)) {
		parts = append(parts, fmt.Sprintf("%s %.4g", name, r.Scores[name]))
	}
	if len(parts) > 0 {
		p.text("scores · ", strings.Join(parts, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Columns)) {
		if v := r.Columns[name]; v != nil {
			p.text(name+": ", Plain(v))
		}
	}
}
