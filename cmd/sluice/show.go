package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/report"
	"sluice/cmd/internal/rows"
	"sluice/cmd/internal/terminal"
	"sluice/pipeline/catalog"
	"sluice/pipeline/expr"
	"sluice/schemas"
)

// showFlags are the flags of show.
type showFlags struct {
	labels        []string
	reason, stage string
	where         string
	rejects, made bool
	split         string
	n             int
	columns       []string
	json, full    bool
}

func newShowCommand(a *app) *cobra.Command {
	f := &showFlags{}
	cmd := &cobra.Command{
		Use:   "show DATASET",
		Short: "Show rows of a dataset, accepted or rejected",
		Long: `show prints rows of a dataset, in the order in which they were sealed. What the dataset holds altogether is said first, on
stderr. A run that goes on beside it is not disturbed.

Rows are printed for reading: control characters are written out, so that no row can do anything to the terminal. With --json they
are JSON Lines, whole and as they are stored.

--where takes an expression over a row: id, text, label, labels, words, chars, messages, prompt, chosen, rejected, origin.depth,
scores.NAME, and every column by its name; of rejects also reject_stage, reject_reason, reject_detail and reject_score.`,
		Example: `  sluice show out/support --label refund --made
  sluice show out/support --rejects --stage dedup/minhash
  sluice show out/support --reason too_short -n 5
  sluice show out/support --where 'words > 30 && scores.judge_clarity < 0.7'
  sluice show out/support --columns label,text,origin.stage --json -n 0 | jq .text`,
		Args:              exactly("dataset"),
		ValidArgsFunction: datasetFolders,
		RunE:              func(_ *cobra.Command, args []string) error { return a.showRows(args[0], f) },
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.labels, "label", nil, "rows with this `label` (repeat it for any of several)")
	fs.StringVar(&f.reason, "reason", "", "rejects with this `reason`, such as too_short")
	fs.StringVar(&f.stage, "stage", "", "rows that this `stage` made; with --rejects, that it took out")
	fs.StringVar(&f.where, "where", "", "rows for which this `expression` is true")
	fs.BoolVar(&f.rejects, "rejects", false, "what was taken out, and why")
	fs.BoolVar(&f.made, "made", false, "made rows alone, no seeds")
	fs.StringVar(&f.split, "split", schemas.RoleTrain, "train, or test for the rows held out")
	fs.IntVarP(&f.n, "rows", "n", 20, "how many rows; 0 is all")
	fs.StringSliceVar(&f.columns, "columns", nil, "these columns alone, such as text,label,origin.stage")
	fs.BoolVar(&f.json, "json", false, "JSON Lines")
	fs.BoolVar(&f.full, "full", false, "long texts to their end")
	return cmd
}

// linesShown is how much of one text is shown without --full.
const linesShown = 12

// showRows is `sluice show`.
func (a *app) showRows(dir string, f *showFlags) error {
	switch {
	case f.n < 0:
		return &usageError{fmt.Errorf("-n %d: use 0 for all rows, or a number of them", f.n), ""}
	case f.split != schemas.RoleTrain && f.split != schemas.RoleTest:
		return &usageError{fmt.Errorf("--split %q: use train or test", f.split), "rejects are shown by --rejects"}
	}
	f.rejects = f.rejects || f.reason != ""
	if f.rejects && f.split != schemas.RoleTrain {
		return &usageError{errors.New("--split test and --rejects exclude each other: rejects have no splits"), ""}
	}
	d, err := openDataset(dir)
	if err != nil {
		return err
	}
	where, err := condition(f.where, &d.Manifest.Schema, f.rejects)
	if err != nil {
		return err
	}
	columns, err := columnsOf(f.columns, &d.Manifest.Schema, f.rejects)
	if err != nil {
		return err
	}
	if err := rows.Head(a.stderr, shortest(dir), d.Manifest, terminal.Width(a.screen)); err != nil {
		return err
	}
	fmt.Fprintln(a.stderr)
	p := &rows.Pick{Rejects: f.rejects, Role: f.split, Labels: f.labels, Stage: f.stage, Reason: f.reason, Made: f.made, Where: where}
	to := a.stdout
	if f.json {
		to = terminal.JSON(to)
	}
	out := bufio.NewWriter(to)
	n, more, err := a.writeRows(out, d, p, f, columns)
	if e := out.Flush(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	switch {
	case n == 0:
		fmt.Fprintln(a.stderr, "sluice: no row matches")
		if hint := misnamed(d.Manifest, f); hint != "" {
			fmt.Fprintf(a.stderr, "sluice: hint: %s\n", hint)
		}
	case more:
		fmt.Fprintf(a.stderr, "sluice: these are the first %d; -n 0 shows all\n", n)
	}
	return nil
}

// writeRows writes up to f.n rows and tells whether there are more.
func (a *app) writeRows(w io.Writer, d *schemas.Dataset, p *rows.Pick, f *showFlags, columns []rows.Column) (n int, more bool, err error) {
	write, finish, err := a.rowWriter(w, &d.Manifest.Schema, f, columns)
	if err != nil {
		return 0, false, err
	}
	for r, err := range p.Of(d) {
		if _, ok := errors.AsType[*expr.Error](err); ok {
			return n, false, badCondition(err)
		}
		if err != nil {
			return n, false, vanished(d, err)
		}
		if f.n > 0 && n == f.n {
			more = true
			break
		}
		if err := write(r); err != nil {
			return n, false, err
		}
		n++
	}
	return n, more, finish()
}

// rowWriter returns how a row is written, and what ends it all.
func (a *app) rowWriter(w io.Writer, s *schemas.Schema, f *showFlags, columns []rows.Column) (write func(rows.Row) error, finish func() error, err error) {
	nothing := func() error { return nil }
	switch {
	case f.json && columns != nil:
		var o rows.Object
		return func(r rows.Row) error {
			o.Open()
			for _, c := range columns {
				o.Value(c.Name, c.Get(r))
			}
			_, err := w.Write(o.Close())
			return err
		}, nothing, nil
	case f.json && f.rejects:
		x, err := schemas.NewRejectWriter("jsonl", w, s, schemas.WriteOptions{})
		if err != nil {
			return nil, nil, err
		}
		return func(r rows.Row) error { return x.Write([]schemas.Reject{*r.Reject}) }, x.Close, nil
	case f.json:
		x, err := schemas.NewWriter("jsonl", w, s, schemas.WriteOptions{})
		if err != nil {
			return nil, nil, err
		}
		return func(r rows.Row) error { return x.Write([]*schemas.Record{r.Record}) }, x.Close, nil
	}
	cards := &rows.Cards{Width: terminal.Width(a.stdout), Columns: columns}
	if !f.full {
		cards.Lines = linesShown
	}
	return func(r rows.Row) error { return cards.Write(w, r) }, nothing, nil
}

// misnamed looks for a name among the flags that the dataset does not have.
func misnamed(m *schemas.Manifest, f *showFlags) string {
	var labels, stages, reasons []string
	for _, l := range report.Labels(m) {
		labels = append(labels, l.Name)
	}
	for _, t := range m.Counts() {
		stages = append(stages, t.Stage)
		reasons = append(reasons, append(schemas.Reasons(t.Dropped), schemas.Reasons(t.Failed)...)...)
	}
	for _, look := range []struct {
		flag  string
		given []string
		known []string
	}{{"--label", f.labels, labels}, {"--stage", []string{f.stage}, stages}, {"--reason", []string{f.reason}, reasons}} {
		for _, name := range look.given {
			if name == "" || slices.Contains(look.known, name) {
				continue
			}
			if near := catalog.Nearest(name, look.known); near != "" {
				return fmt.Sprintf("%s %s: did you mean %s?", look.flag, terminal.Escape(name), near)
			}
			return fmt.Sprintf("%s %s is not in this dataset", look.flag, terminal.Escape(name))
		}
	}
	return ""
}
