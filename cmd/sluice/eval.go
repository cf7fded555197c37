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

	"sluice/cmd/internal/training"
	"sluice/trainer"
)

func newEvalCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "eval MODEL DATA…",
		Short: "Tell what a trained model is worth on data",
		Long: `eval runs a model that sluice train has made on data and prints how good it is: the loss, and what else its task is measured by.
Of datasets it takes the rows that were held out, of other files all rows.`,
		Example: `  sluice eval out/support/model out/support
  sluice eval out/support/model real=reviews.jsonl --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return &usageError{fmt.Errorf("%s needs a model and data", cmd.CommandPath()), "usage: " + cmd.UseLine()}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return a.evaluate(ctx, args[0], args[1:], asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}

// evaluate is `sluice eval`.
func (a *app) evaluate(ctx context.Context, model string, paths []string, asJSON bool) error {
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
	res, err := trainer.Evaluate(ctx, model, data, trainer.Options{Dir: model})
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{err, "name the folder that sluice train has made, such as out/support/model"}
	}
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(res)
	}
	return training.WriteResult(a.stdout, strings.Join(paths, ", "), res)
}
