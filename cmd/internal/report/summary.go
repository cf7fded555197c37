package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"sluice/cmd/internal/progress"
	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// Run is what a run has done, for its summary.
type Run struct {
	Dataset string // as the user may name it
	Counts  []pipeline.Tally
	Labels  []Label
	Held    int64 // rows held out, in the dataset's test split
	Models  llm.Status
	Took    time.Duration

	Rows     int64         // source rows read in this run
	Accepted int64         // rows of this run in the dataset
	Kept     progress.Paid // what they cost when they were asked for
	Lost     progress.Paid // and what those cost that were rejected in this run
	Complete bool
}

// Label counts the rows of one label; "" where rows have none.
type Label struct {
	Name       string
	Rows, Made int64
}

// Labels counts the accepted rows of m by label: the commonest first.
func Labels(m *schemas.Manifest) []Label {
	at := map[string]*Label{}
	get := func(name string) *Label {
		if at[name] == nil {
			at[name] = &Label{Name: name}
		}
		return at[name]
	}
	for _, s := range m.Segments {
		for name, n := range s.Labels {
			get(name).Rows += n
		}
		for name, n := range s.Made {
			get(name).Made += n
		}
	}
	var out []Label
	for _, name := range slices.Sorted(maps.Keys(at)) {
		out = append(out, *at[name])
	}
	slices.SortStableFunc(out, func(a, b Label) int { return cmp.Compare(b.Rows, a.Rows) })
	return out
}

// Total is the balance over all stages: Read + Made == Accepted + Dropped + Failed + Waiting.
type Total struct {
	Read, Made, Accepted, Dropped, Failed int64
	Waiting                               int64 // spooled by a phase, not yet read by the next
}

// Sum adds up counts, stage by stage, phase after phase, as a manifest gives them. A phase after the first reads what the one
// before has let through: those rows are not read twice. The error tells of counts that break the conservation law.
func Sum(counts []pipeline.Tally) (Total, error) {
	var t Total
	for i := range counts {
		c := &counts[i]
		if err := c.Check(); err != nil {
			return t, err
		}
		dropped, failed := c.Lost()
		t.Made += c.Made
		t.Dropped += dropped
		t.Failed += failed
		switch {
		case i == 0:
			t.Read = c.In
		case c.In > counts[i-1].Out:
			return t, fmt.Errorf("%s took in %d records of %d that %s let out", c.Stage, c.In, counts[i-1].Out, counts[i-1].Stage)
		default:
			t.Waiting += counts[i-1].Out - c.In
		}
		t.Accepted = c.Out
	}
	return t, nil
}

// Summary writes what a run has done.
func Summary(w io.Writer, r *Run) error {
	t, err := Sum(r.Counts)
	if err != nil {
		return err
	}
	table := &Table{Left: []int{6}}
	if len(r.Counts) > 0 {
		table.Row("stage", "in", "made", "dropped", "failed", "out")
	}
	for i := range r.Counts {
		c := &r.Counts[i]
		dropped, failed := c.Lost()
		if i > 0 && border(c.Stage) && c.In == r.Counts[i-1].Out && c.Out == c.In {
			continue // all rows went on: the recipe's stages tell the way
		}
		table.Row(c.Stage, comma(c.In), some(c.Made), some(dropped), some(failed), comma(c.Out), "  "+reasons(c))
	}
	if err := table.Write(w, ""); err != nil {
		return err
	}
	var b strings.Builder
	if len(r.Counts) == 0 {
		b.WriteString("nothing is sealed yet\n")
	}
	fmt.Fprintf(&b, "\n%s read + %s made = %s accepted + %s dropped + %s failed", comma(t.Read), comma(t.Made), comma(t.Accepted), comma(t.Dropped), comma(t.Failed))
	if t.Waiting > 0 {
		fmt.Fprintf(&b, " + %s waiting for the next phase", comma(t.Waiting))
	}
	b.WriteString("\n")
	if r.Held > 0 {
		fmt.Fprintf(&b, "%s of the dropped rows are held out: the test split\n", comma(r.Held))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if err := labels(w, r.Labels); err != nil {
		return err
	}
	b.Reset()
	models(&b, r)
	fmt.Fprintf(&b, "\n%s rows read and %s accepted in %s%s\n", comma(r.Rows), comma(r.Accepted), took(r.Took), speed(r))
	if r.Complete {
		fmt.Fprintf(&b, "dataset: %s\nnext: sluice show %s · sluice verify %s\n", r.Dataset, r.Dataset, r.Dataset)
	} else {
		fmt.Fprintf(&b, "dataset: %s (not finished: the same command goes on)\n", r.Dataset)
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// border tells whether what is counted is where one phase ends and the next begins.
func border(stage string) bool {
	return stage == schemas.RoleSpool || strings.HasPrefix(stage, schemas.PhasesDir+"/")
}

// reasons lists why rows left a stage, the commonest first: near_duplicate 12, exact 3.
func reasons(c *pipeline.Tally) string {
	var parts []string
	for _, counts := range []map[string]int64{c.Dropped, c.Failed} {
		for _, r := range schemas.Reasons(counts) {
			parts = append(parts, r+" "+comma(counts[r]))
		}
	}
	return strings.Join(parts, ", ")
}

// mostLabels is how many labels are listed; of more, the commonest and the rarest say most.
const mostLabels = 20

func labels(w io.Writer, all []Label) error {
	if len(all) == 0 || len(all) == 1 && all[0].Name == "" {
		return nil
	}
	t := &Table{}
	t.Row("label", "accepted", "of them made")
	for i, l := range all {
		if n := len(all); n > mostLabels && i >= mostLabels-2 && i < n-2 {
			if i == mostLabels-2 {
				t.Row(fmt.Sprintf("… %d more labels", n-mostLabels))
			}
			continue
		}
		name := l.Name
		if name == "" {
			name = "(none)"
		}
		t.Row(name, comma(l.Rows), comma(l.Made))
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return t.Write(w, "")
}

// models tells what was asked and paid; nothing where no model was.
func models(b *strings.Builder, r *Run) {
	s := &r.Models
	if s.Sum.Requests == 0 && s.CachedAnswers == 0 {
		return
	}
	money := func(m llm.Money) string { return m.String() + " " + s.Currency }
	fmt.Fprintf(b, "\nmodels: %s requests, %s tokens in, %s out, %s", comma(s.Sum.Requests), comma(s.Sum.Prompt), comma(s.Sum.Completion), money(llm.Money(s.Sum.Cost)))
	if s.Sum.Estimated > 0 {
		fmt.Fprintf(b, " (%s counted by ourselves)", comma(s.Sum.Estimated))
	}
	b.WriteString("\n")
	if s.Cap >= 0 {
		fmt.Fprintf(b, "budget: %s of %s spent\n", s.Spent, money(s.Cap))
	}
	if s.CachedAnswers > 0 {
		fmt.Fprintf(b, "ledger: %s answers were there already, which saved %s\n", comma(s.CachedAnswers), money(s.Saved))
	}
	all := progress.Paid{Cost: r.Kept.Cost + r.Lost.Cost, Tokens: r.Kept.Tokens + r.Lost.Tokens}
	if r.Accepted == 0 || all.Tokens == 0 {
		return
	}
	fmt.Fprintf(b, "per accepted row: %s tokens, %s; %.0f %% of the tokens went into rows that were rejected\n",
		comma(all.Tokens/r.Accepted), money(all.Cost/llm.Money(r.Accepted)), 100*float64(r.Lost.Tokens)/float64(all.Tokens))
}

func speed(r *Run) string {
	if s := r.Took.Seconds(); s > 0 && r.Rows > 0 {
		return fmt.Sprintf(": %s rows/s in, %s rows/s out", number(float64(r.Rows)/s), number(float64(r.Accepted)/s))
	}
	return ""
}

func took(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// number writes x with as many digits as matter.
func number(x float64) string {
	if x < 10 {
		return fmt.Sprintf("%.1f", x)
	}
	return humanize.Comma(int64(x + .5))
}

func comma(n int64) string { return humanize.Comma(n) }

// some leaves a zero out.
func some(n int64) string {
	if n == 0 {
		return ""
	}
	return comma(n)
}
