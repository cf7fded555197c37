package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/rows"
	"sluice/pipeline/expr"
	"sluice/schemas"
)

// openDataset opens the dataset in dir for reading. It needs no lock: a run that goes on beside it does not disturb it.
func openDataset(dir string) (*schemas.Dataset, error) {
	d, err := schemas.OpenDataset(dir)
	switch {
	case err == nil:
		return d, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, err
	}
	switch st, statErr := os.Stat(dir); {
	case errors.Is(statErr, fs.ErrNotExist) && exists(dir+".swap"):
		return nil, &exitError{exitFailed, "run its recipe once more: that finishes the swap", fmt.Errorf("%s: a crash came between while --new swapped it", dir)}
	case errors.Is(statErr, fs.ErrNotExist) && exists(filepath.Join(dir+".new", schemas.ManifestFile)):
		return nil, &usageError{fmt.Errorf("%s: there is no such folder", dir), "it is being built in " + dir + ".new"}
	case errors.Is(statErr, fs.ErrNotExist):
		return nil, &usageError{fmt.Errorf("%s: there is no such folder", dir), "name the folder that `dataset:` of the recipe names"}
	case statErr != nil:
		return nil, statErr
	case !st.IsDir():
		return nil, &usageError{fmt.Errorf("%s is a file, not a dataset folder", dir), datasetHint(dir)}
	}
	if !errors.Is(err, schemas.ErrNoManifest) {
		return nil, &exitError{exitFailed, "sluice verify tells what else is wrong; if it cannot be restored, `sluice run --new` builds the dataset again, and answers are not paid again", err}
	}
	if exists(filepath.Join(dir, schemas.RunsDir)) {
		return nil, &exitError{exitFailed, "a run has begun it and sealed nothing yet", fmt.Errorf("%s: %w", dir, schemas.ErrNoManifest)}
	}
	return nil, &usageError{fmt.Errorf("%s is no dataset: it has no %s", dir, schemas.ManifestFile), "name the folder that `dataset:` of the recipe names"}
}

// datasetHint tells which folder a recipe names, if path is one.
func datasetHint(path string) string {
	if e := strings.ToLower(filepath.Ext(path)); e == ".yaml" || e == ".yml" {
		if f, err := recipeFolders(path); err == nil && f.Dataset != "" {
			return "the dataset of this recipe is in " + shortest(inFolder(filepath.Dir(path), f.Dataset))
		}
	}
	return "name the folder, not a file in it"
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// vanished explains a shard that went away while d was read: a run has gone on and replaced its last one.
func vanished(d *schemas.Dataset, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return damaged(err, d.Dir)
	}
	now, readErr := schemas.ReadManifest(d.Dir)
	if readErr == nil && !sameShards(now, d.Manifest) {
		return &exitError{exitFailed, "run this command again", fmt.Errorf("a run has gone on in %s meanwhile and replaced its last shard: %w", d.Dir, err)}
	}
	return damaged(err, d.Dir)
}

// damaged is the error of a shard that cannot be read.
func damaged(err error, dir string) error {
	return &exitError{exitFailed, "sluice verify " + shortest(dir) + " tells what is damaged", err}
}

func sameShards(a, b *schemas.Manifest) bool {
	return strings.Join(a.Tokens(), " ") == strings.Join(b.Tokens(), " ")
}

// condition compiles --where; "" is none.
func condition(src string, s *schemas.Schema, rejects bool) (*expr.Program, error) {
	if src == "" {
		return nil, nil
	}
	p, err := rows.Where(src, s, rejects)
	return p, badCondition(err)
}

// badCondition makes a mistake in an expression one of the command line.
func badCondition(err error) error {
	if _, ok := errors.AsType[*expr.Error](err); ok {
		return &usageError{fmt.Errorf("--where: %w", err), ""} // it has its hint in it
	}
	return err
}

// columnsOf finds the columns that --columns names; none is nil.
func columnsOf(names []string, s *schemas.Schema, rejects bool) ([]rows.Column, error) {
	if len(names) == 0 {
		return nil, nil
	}
	cs, err := rows.Select(rows.Columns(s, rejects), names)
	if e, ok := errors.AsType[*rows.UnknownColumn](err); ok {
		hint := "they have " + strings.Join(e.Has, ", ")
		if e.Near != "" {
			hint = "did you mean " + e.Near + "?"
		}
		return nil, &usageError{fmt.Errorf("--columns: %w", err), hint}
	}
	return cs, err
}

// datasetFolders completes folders in a shell.
func datasetFolders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}
