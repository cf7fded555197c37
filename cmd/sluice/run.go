package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/logs"
	"sluice/cmd/internal/progress"
	"sluice/cmd/internal/report"
	"sluice/pipeline"
	"sluice/schemas"
)

// runFlags are the flags of run.
type runFlags struct {
	place
	noTrain  bool
	wait     time.Duration
	progress string
	log      string
	quiet    bool
}

func newRunCommand(a *app) *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run RECIPE",
		Short: "Make the dataset of a recipe, go on with it, or add new seeds to it",
		Long: `run takes the seed rows of a recipe through its stages into its dataset.

The same command does what is left to do: it makes the dataset, goes on after an interruption or a crash, and adds the rows that
the sources have gained since. Answers of models are stored before they are used, so nothing is paid twice. A recipe that
would have made other rows is refused with its differences; --new builds the dataset anew beside the old one and takes
its place when all is sealed.

When the dataset is complete and the recipe has a section train, the model is brought up to date: trained where there is none or
the dataset has changed since, and left alone where it is of these rows. The old model serves until the new one is whole. After
a run that ended with another code than 0 nothing is trained; if the training fails, the code is the training's.

The first Ctrl-C stops softly: requests that have left are waited for, and what is whole is sealed; a training
saves a checkpoint. A second one leaves at once, which loses only time.

` + exitCodes(),
		Args:              exactly("recipe"),
		ValidArgsFunction: recipeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runRecipe(cmd.Context(), args[0], f)
		},
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&f.anew, "new", false, "build the dataset anew beside the old one, and swap when it is sealed")
	cmd.Flags().BoolVar(&f.noTrain, "no-train", false, "make the dataset only: leave the recipe's train section out")
	cmd.Flags().DurationVar(&f.wait, "wait", 0, "how long to wait for another run to let go of the dataset, the store and the model")
	cmd.Flags().StringVar(&f.progress, "progress", "auto", "auto, bar (a terminal), plain (a line every 10 s) or none")
	cmd.Flags().StringVar(&f.log, "log", logs.Text, "form of log lines: text or json")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors: no progress, no summary")
	return cmd
}

// runRecipe is `sluice run`.
func (a *app) runRecipe(ctx context.Context, path string, f *runFlags) error {
	log, err := logs.New(a.stderr, f.log)
	if err != nil {
		return &usageError{err, ""}
	}
	mode, err := a.display(f)
	if err != nil {
		return err
	}
	r, err := a.load(path, f.place)
	if err != nil {
		return err
	}
	t, err := a.training(r, f, mode, log)
	if err != nil {
		return err
	}
	halt := pipeline.NewHalt()
	ctx, begun, unlisten := a.listen(ctx, halt)
	defer unlisten()
	o := options(ctx, r, f.anew, f.wait)
	o.Halt = halt
	meter := progress.NewMeter(goesOnFrom(r, f.anew))
	o.Events, o.LLM = meter.Events(), meter.LLM()
	if !f.quiet {
		notes, models := progress.Notes(log, mode == plainMode)
		o.Events, o.LLM = pipeline.Join(o.Events, notes), progress.JoinLLM(o.LLM, models)
	}
	o.Events = pipeline.Join(o.Events, pipeline.Events{RunStarted: func(pipeline.RunInfo) { begun.Store(true) }})
	undisplay := a.show(ctx, meter, mode, log, r)
	res, err := pipeline.Run(ctx, r, o)
	undisplay()
	err = interrupted(ctx, err)
	if begun.Load() {
		if e := a.summary(res, r, f, meter.Picture(), log, err); e != nil && err == nil {
			err = e
		}
	}
	return t.after(ctx, halt, err)
}

// goesOnFrom is the manifest that the run will go on from; nil: a new one.
func goesOnFrom(r *pipeline.Recipe, anew bool) *schemas.Manifest {
	dir := r.Dataset
	if anew {
		dir += ".new"
	}
	m, err := schemas.ReadManifest(dir)
	if err != nil || m.Fingerprint != r.Fingerprint().Hash {
		return nil // the engine says what is wrong with it
	}
	return m
}

// summary tells what the run has done: on stdout as a table, and for readers of JSON as a last line of the log.
func (a *app) summary(res *pipeline.Result, r *pipeline.Recipe, f *runFlags, p progress.Picture, log *slog.Logger, outcome error) error {
	if f.quiet || res.Manifest == nil {
		return nil
	}
	dir := r.Dataset
	if _, err := os.Stat(dir + ".new"); err == nil && f.anew && outcome != nil {
		dir += ".new"
	}
	counts := allCounts(dir, res.Manifest)
	s := &report.Run{
		Dataset: shortest(dir), Counts: counts, Labels: report.Labels(res.Manifest), Models: res.Models, Took: res.Took,
		Rows: p.Read, Accepted: p.Accepted, Kept: p.Kept, Lost: p.Lost, Complete: res.Manifest.Complete,
	}
	for _, t := range res.Manifest.Shards(schemas.RoleTest) {
		s.Held += t.Rows
	}
	if f.log == logs.JSON {
		t, err := report.Sum(counts)
		if err != nil {
			return err
		}
		code, _ := verdict(outcome)
		if outcome == nil {
			code = exitDone
		}
		log.Info("done", "exit", code, "dataset", dir, "complete", s.Complete, "read", t.Read, "made", t.Made, "accepted", t.Accepted,
			"dropped", t.Dropped, "failed", t.Failed, "waiting", t.Waiting, "held_out", s.Held, "requests", s.Models.Sum.Requests,
			"cached_answers", s.Models.CachedAnswers, "tokens", s.Models.Sum.Tokens(), "spent", s.Models.Spent.String(),
			"currency", s.Models.Currency, "seconds", s.Took.Seconds())
	}
	return report.Summary(a.stdout, s)
}

// allCounts sums the counts of all phases. An interrupted phase before the last has sealed more than the dataset's manifest
// tells yet: its own knows.
func allCounts(dir string, m *schemas.Manifest) []schemas.Tally {
	var sum []schemas.Tally
	for i := 1; ; i++ {
		p, err := schemas.ReadManifest(filepath.Join(dir, schemas.PhasesDir, fmt.Sprint(i)))
		if err != nil {
			break // there is no such phase
		}
		sum = append(sum, p.Counts()...)
	}
	last := schemas.Manifest{Segments: m.Segments}
	return append(sum, last.Counts()...)
}

// shortest is path as it is shortest to type: relative to the working directory where that does not climb.
func shortest(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || len(rel) >= len(path) {
		return path
	}
	return rel
}
