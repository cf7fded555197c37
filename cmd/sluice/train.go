package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/terminal"
	"sluice/cmd/internal/training"
	"sluice/pipeline"
	"sluice/trainer"
)

// trainFlags are the flags of train.
type trainFlags struct {
	place
	plan, fresh, quiet bool
	wait               time.Duration
}

func newTrainCommand(a *app) *cobra.Command {
	f := &trainFlags{}
	cmd := &cobra.Command{
		Use:   "train RECIPE",
		Short: "Train a model by the recipe's train section, or go on with it",
		Long: `train trains a model as the section train of a recipe says: on the recipe's dataset, or on the data that the section names.
model: linear is a classifier on n-grams that takes seconds; everything else is a network.

The same command goes on after an interruption or a crash, and ends in the same bytes as if there had been none. A model that
is of these rows and settings is left alone. Where the dataset has grown since, the model is trained anew in a folder beside it
and takes its place when it is whole; until then the old one serves. Other settings are refused until --new. sluice run
does the same when the dataset is complete, unless --no-train keeps it from it.

The model lands in the folder model of the dataset, or where out says, as the reference libraries read it (of model: linear, one
file model.safetensors), with reports: report.json, report.md and report.html, which needs no network. The rows that the source
held out are looked at once, at the end.

--plan tells what the training needs, memory, time and energy, and trains nothing. The first Ctrl-C saves a checkpoint and ends; a
second one leaves at once, and what was not saved is done again.`,
		Example: `  sluice train recipe.yaml --plan   # what it needs
  sluice train recipe.yaml          # train, or go on`,
		Args:              exactly("recipe"),
		ValidArgsFunction: recipeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, c, err := a.trainRecipe(args[0], f)
			if err != nil {
				return err
			}
			if f.plan {
				ctx, stop := interruptible(cmd)
				defer stop()
				return a.planTraining(ctx, r, c, f)
			}
			signals, stop := interruptible(cmd)
			defer stop()
			silent := context.AfterFunc(signals, func() {
				fmt.Fprintln(a.stderr, "\n"+stoppingTraining)
			})
			defer silent()
			return a.train(cmd.Context(), signals.Done(), r, c, f)
		},
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVarP(&f.out, "out", "o", "", "`folder` of the model, in place of the recipe's")
	fs.BoolVar(&f.plan, "plan", false, "tell what the training needs, and train nothing")
	fs.BoolVar(&f.fresh, "new", false, "train anew, whatever an earlier training in the folder has done; its model stays until the new one is whole")
	fs.DurationVar(&f.wait, "wait", 0, "how long to wait for another training to let go of the model")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	return cmd
}

// trainRecipe reads the section train of a recipe whose data are there.
func (a *app) trainRecipe(path string, f *trainFlags) (*pipeline.Recipe, trainer.Config, error) {
	f.trains = true
	r, err := a.load(path, f.place)
	if err != nil {
		return nil, trainer.Config{}, err
	}
	if r.Train == nil {
		return nil, trainer.Config{}, &usageError{fmt.Errorf("%s has no section train", path), "it says what to train: `train: {model: linear}`, or task, model, steps, …"}
	}
	c, err := trainConfig(r, f.out)
	if err != nil {
		return nil, c, err
	}
	if slices.ContainsFunc(c.Data, func(d trainer.Data) bool { return d.Path == r.Dataset && d.Path != "" }) {
		if !exists(r.Dataset) {
			return nil, c, &usageError{fmt.Errorf("%s: there is no such folder", shortest(r.Dataset)), "sluice run " + path + " makes it"}
		}
		if _, err := openDataset(r.Dataset); err != nil {
			return nil, c, err
		}
	}
	return r, c, nil
}

// train is `sluice train`.
func (a *app) train(ctx context.Context, stop <-chan struct{}, r *pipeline.Recipe, c trainer.Config, f *trainFlags) error {
	width := 0
	if terminal.Is(a.screen) {
		width = terminal.Width(a.screen)
	}
	shown := training.NewProgress(a.stderr, width)
	o := trainer.Options{Fresh: f.fresh, Stop: stop}
	if !f.quiet {
		o.Progress, o.Say = shown.Step, shown.Say
	}
	rep, made, err := a.update(ctx, r, c, o, f.wait)
	shown.End()
	if err != nil || f.quiet {
		return err
	}
	return training.WriteReport(a.stdout, rep, shortest(c.Out), made)
}

// update brings the model up to date under its lock.
func (a *app) update(ctx context.Context, r *pipeline.Recipe, c trainer.Config, o trainer.Options, wait time.Duration) (rep *trainer.Report, made bool, err error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-o.Stop:
			cancel()
		case <-waiting.Done():
		}
	}()
	release, err := pipeline.Lock(waiting, "model", c.Out, wait)
	switch {
	case err != nil && waiting.Err() != nil:
		return nil, false, pipeline.ErrInterrupted
	case err != nil:
		return nil, false, err
	}
	defer release()
	o.Dir = c.Out
	rep, made, err = trainer.Update(ctx, c, o)
	return rep, made, trainError(r, err)
}

// trainError gives errors of the trainer their exit codes.
func trainError(r *pipeline.Recipe, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*trainer.KeyError](err); ok {
		return sectionError(r, err)
	}
	if errors.Is(err, trainer.ErrStopped) {
		return &exitError{exitInterrupted, "the same command goes on where it stopped", err}
	}
	if _, ok := errors.AsType[*trainer.CheckpointError](err); ok {
		return &exitError{exitFailed, "once the disk takes it, the same command goes on from the last checkpoint", err}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{err, "paths in the section train begin at the recipe's folder"}
	}
	if _, ok := errors.AsType[*trainer.DivergedError](err); ok {
		return &exitError{exitFailed, "the last checkpoint is intact; a lower optimizer.lr or a longer schedule.warmup keeps the loss finite", err}
	}
	return err
}

// planTraining is `sluice train --plan`.
func (a *app) planTraining(ctx context.Context, r *pipeline.Recipe, c trainer.Config, f *trainFlags) error {
	o := trainer.Options{Dir: c.Out}
	if !f.quiet {
		o.Say = training.NewProgress(a.stderr, 0).Say
	}
	p, err := trainer.Plan(ctx, c, o)
	if err != nil {
		return trainError(r, err)
	}
	return training.WriteForecast(a.stdout, p)
}
