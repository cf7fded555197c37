package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/terminal"
	"sluice/cmd/internal/training"
	"sluice/trainer"
)

// trainFlags are the flags of train.
type trainFlags struct {
	place
	out                string
	plan, fresh, quiet bool
}

func newTrainCommand(a *app) *cobra.Command {
	f := &trainFlags{}
	cmd := &cobra.Command{
		Use:   "train RECIPE",
		Short: "Train a model by the recipe's train section, or go on with it",
		Long: `train trains a model as the section train of a recipe says: on the recipe's dataset, or on the data that the section names. The
same command goes on after an interruption or a crash, and ends in the same bytes as if there had been none.

The model lands in the folder model of the dataset, or where out says, as the reference libraries read it, with reports:
report.json, report.md and report.html, which needs no network. The rows that the source held out are looked at once, at the end.

--plan tells what the training needs, memory, time and energy, and trains nothing. The first Ctrl-C saves a checkpoint and ends; a
second one leaves at once, and what was not saved is done again.`,
		Example: `  sluice train recipe.yaml --plan   # what it needs
  sluice train recipe.yaml          # train, or go on`,
		Args:              exactly("recipe"),
		ValidArgsFunction: recipeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.trainConfig(args[0], f)
			if err != nil {
				return err
			}
			if f.plan {
				ctx, stop := interruptible(cmd)
				defer stop()
				return a.planTraining(ctx, c, f)
			}
			signals, stop := interruptible(cmd)
			defer stop()
			silent := context.AfterFunc(signals, func() {
				fmt.Fprintln(a.stderr, "\nsluice: stopping: a checkpoint is saved first; once more to leave at once")
			})
			defer silent()
			return a.train(cmd.Context(), signals.Done(), c, f)
		},
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVarP(&f.out, "out", "o", "", "`folder` of the model, in place of the recipe's")
	fs.BoolVar(&f.plan, "plan", false, "tell what the training needs, and train nothing")
	fs.BoolVar(&f.fresh, "new", false, "throw away what an earlier training in the folder has done, and begin anew")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	return cmd
}

// trainConfig reads the section train of a recipe. Paths in it begin at the recipe's folder.
func (a *app) trainConfig(path string, f *trainFlags) (trainer.Config, error) {
	c := trainer.Default()
	r, err := a.load(path, f.place)
	if err != nil {
		return c, err
	}
	if r.Train == nil {
		return c, &usageError{fmt.Errorf("%s has no section train", path), "it says what to train: task, model, steps, …"}
	}
	if err := r.Train.Decode(&c); err != nil {
		return c, err
	}
	dir := filepath.Dir(path)
	for i := range c.Data {
		c.Data[i].Path = inFolder(dir, c.Data[i].Path)
	}
	for _, p := range []*string{&c.Validation.Path, &c.Model.Path, &c.Tokenizer.Path, &c.Cache, &c.Out} {
		if *p != "" {
			*p = inFolder(dir, *p)
		}
	}
	if len(c.Data) == 0 {
		if !exists(r.Dataset) {
			return c, &usageError{fmt.Errorf("%s: there is no such folder", shortest(r.Dataset)), "sluice run " + path + " makes it"}
		}
		if _, err := openDataset(r.Dataset); err != nil {
			return c, err
		}
		c.Data = []trainer.Data{{Path: r.Dataset}}
	}
	switch {
	case f.out != "":
		c.Out = f.out
	case c.Out == "":
		c.Out = filepath.Join(r.Dataset, "model")
	}
	if err := c.Check(); err != nil {
		return c, &usageError{fmt.Errorf("%s: train: %w", path, err), ""}
	}
	return c, nil
}

// train is `sluice train`.
func (a *app) train(ctx context.Context, stop <-chan struct{}, c trainer.Config, f *trainFlags) error {
	o := trainer.Options{Dir: c.Out, Fresh: f.fresh, Stop: stop}
	width := 0
	if terminal.Is(a.screen) {
		width = terminal.Width(a.screen)
	}
	shown := training.NewProgress(a.stderr, width)
	if !f.quiet {
		o.Progress, o.Say = shown.Step, shown.Say
	}
	rep, err := trainer.Train(ctx, c, o)
	shown.End()
	if err != nil {
		return trainError(err)
	}
	if f.quiet {
		return nil
	}
	return a.tellTraining(rep, c)
}

// trainError gives errors of the trainer their exit codes.
func trainError(err error) error {
	if errors.Is(err, trainer.ErrStopped) {
		return &exitError{exitInterrupted, "the same command goes on where it stopped", err}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{err, "paths in the section train begin at the recipe's folder"}
	}
	if _, ok := errors.AsType[*trainer.BusyError](err); ok {
		return &exitError{exitLocked, "wait for it to end, or give this one a folder of its own with --out", err}
	}
	if _, ok := errors.AsType[*trainer.DivergedError](err); ok {
		return &exitError{exitFailed, "the last checkpoint is intact; a lower optimizer.lr or a longer schedule.warmup keeps the loss finite", err}
	}
	return err
}

// planTraining is `sluice train --plan`.
func (a *app) planTraining(ctx context.Context, c trainer.Config, f *trainFlags) error {
	o := trainer.Options{Dir: c.Out}
	if !f.quiet {
		o.Say = training.NewProgress(a.stderr, 0).Say
	}
	p, err := trainer.Plan(ctx, c, o)
	if err != nil {
		return trainError(err)
	}
	return training.WriteForecast(a.stdout, p)
}

// tellTraining prints what the model is worth.
func (a *app) tellTraining(rep *trainer.Report, c trainer.Config) error {
	for _, s := range []struct {
		on string
		r  *trainer.Result
	}{{"validation", rep.Validation}, {"held out", rep.Test}} {
		if s.r != nil {
			if err := training.WriteResult(a.stdout, s.on, s.r); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(a.stderr, "sluice: the model and its report are in %s\n", shortest(c.Out))
	return nil
}
