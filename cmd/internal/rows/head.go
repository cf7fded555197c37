package rows

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"sluice/cmd/internal/report"
	"sluice/cmd/internal/terminal"
	"sluice/schemas"
)

// Head writes what a dataset holds, from its manifest alone:
//
//	out/support: 580 rows (120 seeds, 460 made), 30 held out, 16 rejected
//	labels: billing 300, refund 280
//	rejects: filters/length too_short 4, too_long 2; dedup/exact duplicate 10
func Head(w io.Writer, name string, m *schemas.Manifest, width int) error {
	labels := report.Labels(m)
	var made int64
	for _, l := range labels {
		made += l.Made
	}
	all := count(m, schemas.RoleTrain)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s rows", terminal.Escape(name), comma(all))
	if m.Schema.Kind != schemas.Multi { // whose rows count once for each of their labels
		fmt.Fprintf(&b, " (%s seeds, %s made)", comma(all-made), comma(made))
	}
	if n := count(m, schemas.RoleTest); n > 0 {
		fmt.Fprintf(&b, ", %s held out", comma(n))
	}
	fmt.Fprintf(&b, ", %s rejected", comma(count(m, schemas.RoleRejects)))
	if !m.Complete {
		b.WriteString("; not finished: this is what is sealed so far")
	}
	b.WriteString("\n")
	if len(labels) > 0 && (len(labels) > 1 || labels[0].Name != "") {
		listed(&b, "labels: ", countsOf(labels), width)
	}
	if lost := losses(m); lost != "" {
		listed(&b, "rejects: ", lost, width)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func count(m *schemas.Manifest, role string) (n int64) {
	for _, s := range m.Shards(role) {
		n += s.Rows
	}
	return n
}

// mostListed bounds the labels that are named.
const mostListed = 12

func countsOf(labels []report.Label) string {
	var parts []string
	for i, l := range labels {
		if i == mostListed && len(labels) > mostListed+1 {
			parts = append(parts, fmt.Sprintf("and %d more", len(labels)-i))
			break
		}
		name := l.Name
		if name == "" {
			name = "(none)"
		}
		parts = append(parts, name+" "+comma(l.Rows))
	}
	return strings.Join(parts, ", ")
}

// losses lists what every stage took out, by reason.
func losses(m *schemas.Manifest) string {
	var stages []string
	for _, t := range m.Counts() {
		var parts []string
		for _, counts := range []map[string]int64{t.Dropped, t.Failed} {
			for _, reason := range schemas.Reasons(counts) {
				if !slices.Contains([]string{"held_out", "seed", "revisited"}, reason) { // they are kept elsewhere, or not at all
					parts = append(parts, reason+" "+comma(counts[reason]))
				}
			}
		}
		if len(parts) > 0 {
			stages = append(stages, t.Stage+" "+strings.Join(parts, ", "))
		}
	}
	return strings.Join(stages, "; ")
}

func listed(b *strings.Builder, mark, text string, width int) {
	p := page{width: width}
	p.text(mark, text)
	b.WriteString(p.b.String())
}

func comma(n int64) string { return humanize.Comma(n) }
