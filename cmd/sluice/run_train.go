package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"sluice/cmd/internal/logs"
	"sluice/cmd/internal/progress"
	"sluice/cmd/internal/terminal"
	"sluice/cmd/internal/training"
	"sluice/pipeline"
	"sluice/trainer"
)

// afterRun is the training at the end of a run.
type afterRun struct {
	a    *app
	r    *pipeline.Recipe
	c    trainer.Config
	f    *runFlags
	mode string // of display
	log  *slog.Logger
	anew bool // settings differ, and the run may replace the model
}

// training prepares for the training at the end of a run, and refuses what it would refuse then before anything is spent. It is nil where there is nothing to train.
func (a *app) training(r *pipeline.Recipe, f *runFlags, mode string, log *slog.Logger) (*afterRun, error) {
	if r.Train == nil || f.noTrain {
		return nil, nil
	}
	c, err := trainConfig(r, "")
	if err != nil {
		return nil, err
	}
	t := &afterRun{a: a, r: r, c: c, f: f, mode: mode, log: log}
	err = trainer.CheckSettings(c, c.Out)
	if _, ok := errors.AsType[*trainer.ChangedError](err); ok && f.anew {
		t.anew, err = true, nil
	}
	return t, trainError(r, err)
}

// after brings the model up to date when the run has ended well, and says why not when it has not.
func (t *afterRun) after(ctx context.Context, halt *pipeline.Halt, outcome error) error {
	if t == nil {
		return outcome
	}
	select {
	case <-halt.Done():
		if outcome == nil {
			outcome = pipeline.ErrInterrupted
		}
	default:
	}
	if outcome != nil {
		if code, _ := verdict(outcome); !t.f.quiet && code != exitRecipe && code != exitLocked { // those say themselves that nothing was done
			fmt.Fprintln(t.a.stderr, "sluice: note: nothing is trained, for the run did not end well")
		}
		return outcome
	}
	t.a.trains.Store(true)
	defer t.a.trains.Store(false)
	o := trainer.Options{Fresh: t.anew, Stop: halt.Done()}
	end := t.show(&o)
	begun := time.Now()
	rep, made, err := t.a.update(ctx, t.r, t.c, o, t.f.wait)
	end()
	if _, busy := errors.AsType[*pipeline.LockedError](err); busy && t.c.Follow { // it takes in what this run has sealed
		if !t.f.quiet {
			fmt.Fprintf(t.a.stderr, "sluice: note: a training in another process follows the dataset into %s\n", shortest(t.c.Out))
		}
		return nil
	}
	if t.f.log == logs.JSON && !t.f.quiet {
		t.tell(rep, made, time.Since(begun), err)
	}
	if err != nil || t.f.quiet {
		return err
	}
	if _, err := fmt.Fprintln(t.a.stdout); err != nil {
		return err
	}
	return training.WriteReport(t.a.stdout, rep, shortest(t.c.Out), made)
}

// show shows how the training goes, in the way of the run.
func (t *afterRun) show(o *trainer.Options) (end func()) {
	switch t.mode {
	case barMode:
		p := training.NewProgress(t.a.stderr, terminal.Width(t.a.screen))
		o.Progress, o.Say = p.Step, p.Say
		return p.End
	case plainMode:
		last := time.Now()
		o.Say = func(what string) { t.log.Info("train", "doing", what) }
		o.Progress = func(s trainer.Step) {
			if s.Eval == nil && time.Since(last) < progress.Every {
				return
			}
			last = time.Now()
			attrs := []any{"step", s.Step, "of", s.Steps, "loss", digits(s.Loss)}
			if s.Eval != nil {
				attrs = append(attrs, "validation", digits(s.Eval.Loss))
			}
			t.log.Info("train", append(attrs, "tokens_per_s", int64(s.TokensPerSecond), "eta", s.Left.Round(time.Second).String())...)
		}
	}
	return func() {}
}

// tell is the line of a log for the training's end.
func (t *afterRun) tell(rep *trainer.Report, made bool, took time.Duration, err error) {
	code := exitDone
	if err != nil {
		code, _ = verdict(err)
	}
	attrs := []any{"exit", code, "model", t.c.Out, "made", made, "seconds", digits(took.Seconds())}
	if rep != nil {
		attrs = append(attrs, "rows", rep.Rows(), "steps", rep.Step, "tokens", rep.Tokens)
		validation, test := rep.Results()
		for i, r := range []*trainer.Result{validation, test} {
			if r == nil {
				continue
			}
			name := []string{"validation", "held_out"}[i]
			part := []any{"rows", r.Rows, "loss", digits(r.Loss)}
			if r.Interval != nil {
				part = append(part, "accuracy", digits(r.Accuracy), "macro_f1", digits(r.MacroF1))
			}
			attrs = append(attrs, slog.Group(name, part...))
		}
	}
	t.log.Info("trained", attrs...)
}

// digits keeps four decimals.
func digits(x float64) float64 { return math.Round(x*1e4) / 1e4 }
