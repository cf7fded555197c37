package trainer

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"sluice/schemas"
	"sluice/trainer/model"
	"sluice/trainer/tokenizer"
)

// finish goes back to the best step where early stopping asks for it, says what the model is worth, and leaves it with its report.
func (r *run) finish(ctx context.Context) (*Report, error) {
	best := 0
	if r.c.Stop.Patience > 0 && r.early.BestStep > 0 && r.early.BestStep != r.step {
		best = r.early.BestStep
		dir := filepath.Join(r.checkpoints(), stepDir(best))
		s, err := readState(dir)
		if err == nil {
			err = r.weights(dir, s)
		}
		if err != nil {
			return nil, fmt.Errorf("go back to the best step, %d: %w", best, err)
		}
	}
	if a := r.averager(); a != nil {
		defer a.Average(r.engine.Team())()
	}
	r.overtrained()
	rep := r.report(best)
	if err := r.worth(ctx, rep); err != nil {
		return nil, err
	}
	if err := r.model.Save(r.o.Dir, model.SaveOptions{}); err != nil {
		return nil, err
	}
	if err := writeTokenizer(r.o.FS, filepath.Join(r.o.Dir, tokenizerFile), r.tok); err != nil {
		return nil, err
	}
	beside, err := r.tok.Companion(r.model.Config.MaxTokens())
	if err != nil {
		return nil, err
	}
	if err := schemas.WriteFile(r.o.FS, filepath.Join(r.o.Dir, tokenizer.ConfigName), beside); err != nil {
		return nil, err
	}
	c := r.c
	if c.Cache == r.ownCache() {
		c.Cache = "" // the folder may be renamed
	}
	if err := writeConfig(r.o.FS, r.o.Dir, c); err != nil {
		return nil, err
	}
	rep.Bill, rep.CPUSeconds = r.c.Cost.bill(r.meter.read()), r.meter.read().CPU.Seconds()
	return rep, rep.write(r.o.FS, r.o.Dir, r.history.points)
}

// overtrained notes that the last step's model, which is kept, does worse on validation data than an earlier one did:
// without early stopping nobody would see it.
func (r *run) overtrained() {
	if r.c.Stop.Patience > 0 || len(r.history.points) == 0 {
		return
	}
	last, best := r.history.points[len(r.history.points)-1], point{}
	for _, p := range r.history.points {
		if p.Eval != nil && (best.Eval == nil || p.Eval.Loss < best.Eval.Loss) {
			best = p
		}
	}
	if last.Eval != nil && last.Eval.Loss > best.Eval.Loss*(1+overshoot) {
		r.notes = append(r.notes, fmt.Sprintf("validation loss was %.4f at step %d and is %.4f at the end: `stop: {patience: 3}` ends such a training early and keeps the best step",
			best.Eval.Loss, best.Step, last.Eval.Loss))
	}
}

// overshoot is the share by which validation loss may lie above its lowest at the end without a word.
const overshoot = .02

// worth evaluates the finished weights: on validation data, calibrates on them, and, once, on the test rows that no decision was made by.
func (r *run) worth(ctx context.Context, rep *Report) (err error) {
	if len(r.valid) > 0 {
		if rep.Validation, err = r.evaluate(ctx, r.valid); err != nil {
			return err
		}
		if said := rep.Validation.said; r.c.Task == Classify && !r.c.MultiLabel && len(said.classes) > 0 {
			rep.Calibration = calibrate(said)
		}
	}
	sets, err := r.openTest(ctx, r.c.Data, false)
	if err != nil || len(sets) == 0 {
		return err
	}
	if rep.Test, err = r.evaluate(ctx, sets); err != nil {
		if ctx.Err() != nil {
			return err
		}
		r.note("the test rows could not be evaluated: %v", err) // no reason to lose the model
		rep.Notes, rep.Test = r.notes, nil
		return nil
	}
	if said := rep.Test.said; rep.Calibration != nil && len(said.classes) > 0 {
		rep.Calibration.tested(said)
	}
	return nil
}

func writeConfig(fs schemas.FS, dir string, c Config) error {
	b, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err
	}
	return schemas.WriteFile(fs, filepath.Join(dir, configFile), append(b, '\n'))
}
