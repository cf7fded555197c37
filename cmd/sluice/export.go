package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"sluice/cmd/internal/export"
	"sluice/cmd/internal/rows"
	"sluice/cmd/internal/terminal"
	"sluice/pipeline/expr"
	"sluice/schemas"
)

// exportFlags are the flags of export.
type exportFlags struct {
	export.Options
	split, out, where string
	labelIDs, made    bool
	force, skip       bool
}

func newExportCommand(a *app) *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export DATASET --format FORMAT",
		Short: "Write the rows of a dataset in a layout that trainers and tools read",
		Long: `export writes the accepted rows of a dataset, in the order in which they were sealed: the same rows make the same bytes. A file
is written beside its name and takes it when it is whole; one that is there already is not overwritten without --force.

Nothing is lost on the way: a row that the format cannot hold stops the export with what does not fit, or is left out and counted
with --skip. A format that cannot hold this kind of rows at all is refused at once.

Formats:
` + export.Help() + `

Rows of text go into the layouts of conversations when columns are named for the turns: --prompt and --completion, and --system
for a first turn.`,
		Example: `  sluice export out/support --format csv --out support.csv
  sluice export out/support --format classification --label-ids --split test --out test.jsonl
  sluice export out/dialogues --format sharegpt | gzip > dialogues.jsonl.gz
  sluice export out/qa --format chat --prompt text --completion answer --where 'scores.judge >= 0.8' --out qa.jsonl`,
		Args:              exactly("dataset"),
		ValidArgsFunction: datasetFolders,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return a.export(ctx, args[0], f)
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&f.Format, "format", "f", "", "one of "+strings.Join(export.Names(), ", "))
	fs.StringVarP(&f.out, "out", "o", "-", "`file` to write; - is stdout")
	fs.StringVar(&f.split, "split", schemas.RoleTrain, "train, or test for the rows held out")
	fs.StringVar(&f.where, "where", "", "rows for which this `expression` is true, as in sluice show")
	fs.BoolVar(&f.made, "made", false, "made rows alone, no seeds")
	fs.StringSliceVar(&f.Columns, "columns", nil, "csv, tsv and jsonl: these `columns` alone, such as text,label,origin.stage")
	fs.BoolVar(&f.labelIDs, "label-ids", false, "classification: numbers for labels")
	fs.StringVar(&f.Prompt, "prompt", "", "rows of text: the `column` that is the user's turn")
	fs.StringVar(&f.Completion, "completion", "", "rows of text: the `column` that is the assistant's turn")
	fs.StringVar(&f.System, "system", "", "rows of text: the `column` that is the system's turn")
	fs.BoolVar(&f.force, "force", false, "overwrite the file")
	fs.BoolVar(&f.skip, "skip", false, "leave out and count rows that do not fit")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(export.Names(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// exported counts what an export wrote.
type exported struct {
	rows, skipped int64
	misfit        error // the first
}

// export is `sluice export`.
func (a *app) export(ctx context.Context, dir string, f *exportFlags) error {
	if f.split != schemas.RoleTrain && f.split != schemas.RoleTest {
		return &usageError{fmt.Errorf("--split %q: use train or test", f.split), ""}
	}
	format, err := export.Find(f.Format)
	if err != nil {
		return exportError(err)
	}
	d, err := openDataset(dir)
	if err != nil {
		return err
	}
	where, err := condition(f.where, &d.Manifest.Schema, false)
	if err != nil {
		return err
	}
	o := f.Options
	o.Schema = &d.Manifest.Schema
	if f.labelIDs {
		if o.Labels, err = export.Labels(d); err != nil {
			return vanished(d, err)
		}
	}
	if _, err := export.New(io.Discard, o); err != nil { // before a file is made
		return exportError(err)
	}
	if err := outside(d.Dir, f.out, format); err != nil {
		return err
	}
	p := &rows.Pick{Role: f.split, Made: f.made, Where: where}
	var n exported
	if f.out == "-" {
		if format.Binary && terminal.Is(a.stdout) {
			return &usageError{fmt.Errorf("%s is nothing for a terminal", f.Format), "name a file with --out, or send it down a pipe"}
		}
		out := bufio.NewWriterSize(a.stdout, 1<<16)
		if n, err = a.exportTo(ctx, out, d, p, o, f.skip); err == nil {
			err = out.Flush()
		}
	} else {
		n, err = a.exportFile(ctx, d, p, o, f)
	}
	if err != nil {
		return err
	}
	a.tellExport(d, f, o.Labels, n)
	return nil
}

// exportFile writes a file, whole or not at all.
func (a *app) exportFile(ctx context.Context, d *schemas.Dataset, p *rows.Pick, o export.Options, f *exportFlags) (exported, error) {
	file, err := export.Create(f.out, f.force)
	if err != nil {
		return exported{}, exportError(err)
	}
	n, err := a.exportTo(ctx, file, d, p, o, f.skip)
	if err != nil {
		file.Abort()
		return n, err
	}
	return n, exportError(file.Commit())
}

// exportTo writes the rows that p means.
func (a *app) exportTo(ctx context.Context, w io.Writer, d *schemas.Dataset, p *rows.Pick, o export.Options, skip bool) (n exported, err error) {
	x, err := export.New(w, o)
	if err != nil {
		return n, exportError(err)
	}
	for r, err := range p.Of(d) {
		if _, ok := errors.AsType[*expr.Error](err); ok {
			return n, badCondition(err)
		}
		if err != nil {
			return n, vanished(d, err)
		}
		if ctx.Err() != nil {
			return n, &exitError{exitInterrupted, "the same command begins again", errors.New("interrupted: the file was not written")}
		}
		err := x.Write(r.Record)
		if misfit, ok := export.IsMisfit(err); ok {
			if !skip {
				return n, &exitError{exitFailed, "--skip leaves such rows out and counts them; sluice why " + rows.Short(misfit.ID) + " shows this one", err}
			}
			if n.skipped++; n.misfit == nil {
				n.misfit = err
			}
			continue
		}
		if err != nil {
			return n, err
		}
		n.rows++
	}
	return n, x.Close()
}

// tellExport says what was written.
func (a *app) tellExport(d *schemas.Dataset, f *exportFlags, labels []string, n exported) {
	to := ""
	if f.out != "-" {
		to = " to " + f.out
		if st, err := os.Stat(f.out); err == nil && st.Mode().IsRegular() {
			to += ", " + humanize.Bytes(uint64(st.Size()))
		}
	}
	fmt.Fprintf(a.stderr, "sluice: %s as %s%s\n", plurals(int(n.rows), "row", "rows"), f.Format, to)
	if n.skipped > 0 {
		fmt.Fprintf(a.stderr, "sluice: note: %s left out, the first because %s\n", plurals(int(n.skipped), "row was", "rows were"), terminal.Escape(n.misfit.Error()))
	}
	if !d.Manifest.Complete {
		fmt.Fprintf(a.stderr, "sluice: note: %s is not finished: this is what is sealed so far\n", shortest(d.Dir))
	}
	if len(labels) > 0 {
		var parts []string
		for i, l := range labels {
			parts = append(parts, fmt.Sprintf("%d %s", i, terminal.Escape(l)))
		}
		fmt.Fprintf(a.stderr, "sluice: labels: %s\n", strings.Join(parts, ", "))
	}
}

// outside refuses to write into the dataset, and names that promise another form.
func outside(dir, out string, f *export.Format) error {
	if out == "-" {
		return nil
	}
	if e := filepath.Ext(out); e == ".gz" || e == ".zst" && f.Name != "jsonl.zst" || e == ".bz2" || e == ".xz" {
		return &usageError{fmt.Errorf("--out %s: export does not compress %s", out, f.Name), "send it down a pipe: sluice export … | gzip > " + out}
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	to, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(from, to); err == nil && filepath.IsLocal(rel) {
		return &usageError{fmt.Errorf("--out %s lies in the dataset itself", out), "that folder holds what its manifest lists, and nothing else"}
	}
	return nil
}

// exportError gives errors of package export their exit codes.
func exportError(err error) error {
	if e, ok := errors.AsType[*export.UsageError](err); ok {
		return &usageError{e.Err, e.Hint}
	}
	if errors.Is(err, fs.ErrExist) {
		return &usageError{err, "--force overwrites it"}
	}
	return err
}
