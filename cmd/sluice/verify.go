package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"sluice/cmd/internal/terminal"
	"sluice/schemas"
)

func newVerifyCommand(a *app) *cobra.Command {
	var quick bool
	cmd := &cobra.Command{
		Use:   "verify DATASET",
		Short: "Check that a dataset is what was sealed",
		Long: `verify compares a dataset with its manifest: every file is there with its size and SHA-256, its footer tells the rows and the schema
that are listed, and the counts of each segment obey the conservation law (what went in and was made is what came out, was
dropped or failed) and explain the rows of its files. Then every row is read, labels are counted anew, and no id may occur twice;
--quick leaves that out.

Each fault is one line that names the file; then the exit code is 6. Files that no manifest lists are noted, but harmless: an
interrupted run leaves them, and the next one removes them.`,
		Example:           "  sluice verify out/support\n  sluice verify --quick out/support && rsync -a out/support backup:",
		Args:              exactly("dataset"),
		ValidArgsFunction: datasetFolders,
		RunE:              func(_ *cobra.Command, args []string) error { return a.verify(args[0], quick) },
	}
	cmd.Flags().BoolVar(&quick, "quick", false, "do not read every row")
	return cmd
}

// verify is `sluice verify`.
func (a *app) verify(dir string, quick bool) error {
	d, err := openDataset(dir)
	if err != nil {
		return a.unreadable(dir, err)
	}
	var faults []schemas.Fault
	for tries := 0; ; tries++ {
		if faults, err = schemas.Verify(dir, !quick); err != nil {
			return a.unreadable(dir, err)
		}
		now, err := openDataset(dir)
		if err != nil {
			return a.unreadable(dir, err)
		}
		if len(faults) == 0 || sameShards(now.Manifest, d.Manifest) || tries == 2 {
			d = now
			break
		}
		d = now // a run sealed more meanwhile: what looked wrong may have been replaced
	}
	if !exists(filepath.Join(dir, schemas.RecipeFile)) {
		faults = append(faults, schemas.Fault{File: schemas.RecipeFile, Problem: "is missing: the recipe that made the dataset", Note: true})
	}
	wrong := 0
	for _, f := range faults {
		kind := "note"
		if !f.Note {
			kind = "fault"
			wrong++
		}
		if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", kind, terminal.Escape(f.String())); err != nil {
			return err
		}
	}
	if err := checked(a.stdout, d.Manifest, quick); err != nil {
		return err
	}
	if wrong > 0 {
		return &exitError{exitAudit, "restore the files from a copy, or build the dataset again with `sluice run --new`: answers are not paid again",
			fmt.Errorf("%s is damaged: %d %s", shortest(dir), wrong, plural(wrong, "fault", "faults"))}
	}
	_, err = fmt.Fprintf(a.stdout, "%s is whole\n", shortest(dir))
	return err
}

// unreadable tells of a dataset whose manifest cannot be read: that is a fault as well, if it ever was a dataset.
func (a *app) unreadable(dir string, err error) error {
	_, usage := errors.AsType[*usageError](err)
	sealed := exists(filepath.Join(dir, schemas.DataDir))
	missing := errors.Is(err, schemas.ErrNoManifest) || usage
	if errors.Is(err, fs.ErrPermission) || missing && !sealed {
		return err
	}
	problem := "is missing"
	if !missing {
		problem = strings.TrimPrefix(err.Error(), filepath.Join(dir, schemas.ManifestFile)+" ")
	}
	fmt.Fprintf(a.stdout, "fault: %s: %s\n", schemas.ManifestFile, terminal.Escape(problem))
	return &exitError{exitAudit, "restore it from a copy, or build the dataset again with `sluice run --new`: answers are not paid again",
		fmt.Errorf("%s is damaged: its manifest cannot be read", shortest(dir))}
}

// checked says what was looked at.
func checked(w io.Writer, m *schemas.Manifest, quick bool) error {
	var segments, files int
	var bytes int64
	rows := map[string]int64{}
	for s := range m.All() {
		segments++
		for _, f := range s.Files {
			files++
			bytes += f.Bytes
			rows[f.Role] += f.Rows
		}
	}
	what := "sizes, hashes, footers, counts; every row read, labels counted, ids compared"
	if quick {
		what = "sizes, hashes, footers, counts; rows were not read"
	}
	_, err := fmt.Fprintf(w, "checked %s in %s and %s, %s: %s rows, %s held out, %s rejects\n  %s\n",
		humanize.Bytes(uint64(bytes)), plurals(files, "file", "files"), plurals(segments, "segment", "segments"), finished(m),
		humanize.Comma(rows[schemas.RoleTrain]), humanize.Comma(rows[schemas.RoleTest]), humanize.Comma(rows[schemas.RoleRejects]), what)
	return err
}

func finished(m *schemas.Manifest) string {
	if m.Complete {
		return "complete"
	}
	return "not finished"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func plurals(n int, one, many string) string {
	return humanize.Comma(int64(n)) + " " + plural(n, one, many)
}
