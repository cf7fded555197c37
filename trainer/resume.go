package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/model/safetensors"
	"sluice/trainer/tensor"
)

// resume puts the run where an earlier one with the same config was, or at its beginning. A finished run gives its report.
func (r *run) resume(ctx context.Context) (*Report, error) {
	if r.o.Fresh {
		for _, name := range []string{checkpointDir, reportFile, metricsFile, trialsFile} {
			if err := r.o.FS.RemoveAll(filepath.Join(r.o.Dir, name)); err != nil {
				return nil, err
			}
		}
		r.trials.all = nil
	}
	if err := r.optimise(); err != nil {
		return nil, err
	}
	r.meter = newMeter(r.c.Cost, r.c.Threads)
	s, err := r.load()
	if err != nil {
		return nil, err
	}
	r.engine.Reserve(tensor.Plan{Arena: r.plan.Activations})
	if s != nil {
		if done, err := readReport(r.o.Dir); err == nil && done.Step == s.Step && (s.Step == r.steps || r.over()) {
			return done, nil
		}
	}
	var from *feed.State
	if s != nil {
		from = s.Feed
	} else {
		if r.c.FindLR {
			if err := r.findLR(ctx); err != nil {
				return nil, err
			}
		}
		if err := r.decide(ctx); err != nil {
			return nil, err
		}
	}
	if r.feed, err = feed.New(ctx, r.corpus, r.order, r.mixer, r.c.Batch, r.micros, from); err != nil {
		return nil, err
	}
	r.history, err = openHistory(r.o.FS, r.o.Dir, r.step)
	return nil, err
}

// load reads the last checkpoint that is whole; nil where there is none.
func (r *run) load() (*state, error) {
	steps := listSteps(r.checkpoints())
	var damaged []error
	for _, step := range slices.Backward(steps) {
		dir := filepath.Join(r.checkpoints(), stepDir(step))
		s, err := readState(dir)
		if err != nil {
			damaged = append(damaged, err)
			r.note("checkpoint of step %d is left out: %v", step, err)
			continue
		}
		if err := r.take(dir, s); err != nil {
			return nil, err
		}
		return s, r.prune() // what a run that was killed behind a checkpoint had no time for
	}
	if len(damaged) > 0 {
		return nil, fmt.Errorf("no checkpoint is whole, --new begins anew: %w", errors.Join(damaged...))
	}
	return nil, nil
}

// readState reads state.json and holds the other files against their hashes.
func readState(dir string) (*state, error) {
	path := filepath.Join(dir, stateFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("%s has version %d, this sluice reads version %d", path, s.Version, stateVersion)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		file := filepath.Join(dir, name)
		sha, _, err := schemas.HashFile(file)
		if err == nil && sha != s.Files[name] {
			err = fmt.Errorf("%s is damaged: its hash is not the one in %s", file, stateFile)
		}
		if err != nil {
			return nil, err
		}
	}
	return &s, nil
}

// take makes the run what the checkpoint says.
func (r *run) take(dir string, s *state) error {
	if err := r.same(s); err != nil {
		return err
	}
	if s.Kernels != r.kernels() {
		r.note("resumed on the kernels %s; the checkpoint was made on %s: from here on the bits differ", r.kernels(), s.Kernels)
	}
	if r.steps, r.lr = s.Steps, s.LR; r.micros != s.Micros {
		r.micros = s.Micros // pieces are part of the result's bits
		if err := r.fit(false); err != nil {
			return fmt.Errorf("go on from step %d: %w", s.Step, err)
		}
	}
	r.sched.Steps = r.steps + 1
	if r.lr > 0 {
		if err := r.optimise(); err != nil {
			return err
		}
	}
	if err := r.weights(dir, s); err != nil {
		return err
	}
	r.decision = s.Decision
	if err := r.obey(); err != nil {
		return err
	}
	r.step, r.saved, r.tokens, r.elapsed, r.early = s.Step, s.Step, s.Tokens, s.Elapsed, s.Early
	fresh := r.notes
	r.notes = slices.Clone(s.Notes)
	for _, n := range fresh {
		if !slices.Contains(r.notes, n) {
			r.notes = append(r.notes, n)
		}
	}
	r.meter.add(s.Energy)
	if r.learner != nil {
		return r.learner.UnmarshalBinary(s.Masker)
	}
	return nil
}

// A ChangedError refuses to go on with a training under what would have made another model.
type ChangedError struct {
	Dir  string
	Diff []string // what was and what is
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s holds a training with other settings: %s", e.Dir, strings.Join(e.Diff, "; "))
}

// same holds the settings of a checkpoint against those of the run.
func (r *run) same(s *state) error {
	var was Config
	if err := json.Unmarshal(s.Config, &was); err != nil {
		return fmt.Errorf("settings of the checkpoint: %w", err)
	}
	diff := differences(was, r.c.determining())
	if r.c.Accumulate > 0 && r.c.Accumulate != s.Micros {
		diff = append(diff, fmt.Sprintf("accumulate was %d, is %d", s.Micros, r.c.Accumulate))
	}
	if s.Tokenizer != vocabularyKey(r.tok) {
		diff = append(diff, "the tokenizer is another one")
	}
	if s.Steps != r.steps && !r.c.Follow {
		diff = append(diff, fmt.Sprintf("its %d steps would be %d with today's data; steps sets them", s.Steps, r.steps))
	}
	gained, err := r.corpus.Arrange(s.Feed)
	if err != nil {
		diff = append(diff, err.Error())
	}
	if diff != nil {
		return &ChangedError{r.o.Dir, diff}
	}
	if gained > 0 && !r.c.Follow {
		r.note("the data have gained %d files since this training began; it goes on without them", gained)
	}
	return nil
}

// weights reads the tensors of a checkpoint.
func (r *run) weights(dir string, s *state) error {
	f, err := safetensors.Open(filepath.Join(dir, weightsFile))
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range r.model.Params() {
		if err := readTensor(f, p.Name(), p.Value()); err != nil {
			return err
		}
	}
	m, err := safetensors.Open(filepath.Join(dir, momentsFile))
	if err != nil {
		return err
	}
	defer m.Close()
	memory := r.memory()
	for _, v := range memory.Slices {
		if err := readTensor(m, v.Name, v.Values); err != nil {
			return err
		}
	}
	for _, n := range memory.Numbers {
		*n.Value = s.Numbers[n.Name]
	}
	return nil
}

func readTensor(f *safetensors.File, name string, dst []float32) error {
	info, ok := f.Info(name)
	if !ok || info.Len() != len(dst) {
		return fmt.Errorf("%s: tensor %s has shape %v, want %d elements", f.Path(), name, info.Shape, len(dst))
	}
	return f.Read(name, dst)
}
