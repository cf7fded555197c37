package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/export"
	"sluice/cmd/internal/training"
	"sluice/trainer"
)

// evalFlags are the flags of eval.
type evalFlags struct {
	json, force bool
	predictions string
}

func newEvalCommand(a *app) *cobra.Command {
	f := &evalFlags{}
	cmd := &cobra.Command{
		Use:   "eval MODEL DATA…",
		Short: "Tell what a trained model is worth on data",
		Long: `eval runs a model that sluice train has made on data and prints how good it is: the loss, and what else its task is measured by, of a
classifier also label by label. Of datasets it takes the rows that were held out, of other files all rows.

--predictions writes what a classifier says of every row, also of rows that have no label: id, text, the label that the row has,
the predicted one with its probability, and in JSON Lines the probabilities of all labels. Columns are called as the recipe's
train section calls them: text and label, where it says nothing.`,
		Example: `  sluice eval out/support/model out/support
  sluice eval out/support/model real=reviews.jsonl --json
  sluice eval out/support/model inbox.csv --predictions labelled.csv`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return &usageError{fmt.Errorf("%s needs a model and data", cmd.CommandPath()), "usage: " + cmd.UseLine()}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return a.evaluate(ctx, args[0], args[1:], f)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "JSON")
	cmd.Flags().StringVarP(&f.predictions, "predictions", "p", "", "write the classifier's answers to this `file`: .jsonl or .csv; - is stdout, as JSON Lines")
	cmd.Flags().BoolVar(&f.force, "force", false, "overwrite the file")
	return cmd
}

// evaluate is `sluice eval`.
func (a *app) evaluate(ctx context.Context, model string, paths []string, f *evalFlags) error {
	var data []trainer.Data
	for _, p := range paths {
		d := trainer.Data{Path: p}
		if name, path, named := strings.Cut(p, "="); named && !exists(p) {
			d = trainer.Data{Name: name, Path: path}
		}
		if !exists(d.Path) {
			return &usageError{&fs.PathError{Op: "open", Path: d.Path, Err: fs.ErrNotExist}, "name dataset folders or files, as PATH or NAME=PATH"}
		}
		if d.Name == "" {
			d.Name = filepath.Base(filepath.Clean(d.Path))
		}
		data = append(data, d)
	}
	res, err := a.judge(ctx, model, data, f)
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, "the same command begins again", errors.New("interrupted")}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{err, "name the folder that sluice train has made, such as out/support/model"}
	}
	if e, ok := errors.AsType[*trainer.TaskError](err); ok {
		return &usageError{e, "--predictions is for classifiers; without it eval tells what the model is worth"}
	}
	if e, ok := errors.AsType[*trainer.KeyError](err); ok {
		hint := e.Hint
		if e.Key == "label" && f.predictions == "" {
			hint = "--predictions FILE says the labels of rows that have none; of plain files, the key label of the section train named the column"
		}
		return &usageError{err, hint}
	}
	if err != nil {
		return err
	}
	out := a.stdout
	if f.predictions == "-" {
		out = a.stderr
	}
	switch {
	case res == nil:
		_, err = fmt.Fprintln(out, "no row has a label to compare with")
		return err
	case f.json:
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(res)
	}
	return training.WriteResult(out, strings.Join(paths, ", "), res)
}

// judge evaluates, and writes predictions where they are asked for.
func (a *app) judge(ctx context.Context, model string, data []trainer.Data, f *evalFlags) (*trainer.Result, error) {
	o := trainer.Options{Dir: model}
	if f.predictions == "" {
		return trainer.Evaluate(ctx, model, data, o)
	}
	if f.predictions == "-" {
		w := training.NewPredictionWriter("jsonl", a.stdout)
		res, err := trainer.Predict(ctx, model, data, o, w.Write)
		return res, errors.Join(err, w.Close())
	}
	format := strings.TrimPrefix(filepath.Ext(f.predictions), ".")
	if format != "jsonl" && format != "csv" {
		return nil, &usageError{fmt.Errorf("--predictions %s: cannot write %q", f.predictions, format), "use a name that ends in .jsonl or .csv"}
	}
	file, err := export.Create(f.predictions, f.force)
	if err != nil {
		return nil, exportError(err)
	}
	w := training.NewPredictionWriter(format, file)
	res, err := trainer.Predict(ctx, model, data, o, w.Write)
	if err = errors.Join(err, w.Close()); err != nil {
		file.Abort()
		return nil, err
	}
	if err := file.Commit(); err != nil {
		return nil, exportError(err)
	}
	fmt.Fprintf(a.stderr, "sluice: %s in %s\n", plurals(w.Rows, "prediction", "predictions"), f.predictions)
	return res, nil
}
