package trainer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"sluice/trainer/feed"
	"sluice/trainer/model/safetensors"
	"sluice/trainer/tensor"
)

// resume puts the run where an earlier one with the same config was, or at its beginning. A finished run gives its report.
func (r *run) resume(ctx context.Context) (*Report, error) {
	if r.o.Fresh {
		for _, name := range []string{checkpointDir, reportFile, metricsFile} {
			if err := r.o.FS.RemoveAll(filepath.Join(r.o.Dir, name)); err != nil {
				return nil, err
			}
		}
	}
	if err := r.optimise(); err != nil {
		return nil, err
	}
	r.engine.Reserve(tensor.Plan{Arena: r.plan.Activations})
	r.meter = newMeter(r.c.Cost, r.c.Threads)
	s, err := r.load()
	if err != nil {
		return nil, err
	}
	if s != nil {
		if done, err := readReport(r.o.Dir); err == nil && done.Step == s.Step && (s.Step == r.steps || r.over()) {
			return done, nil
		}
	}
	var from *feed.State
	if s != nil {
		from = s.Feed
	} else if r.c.FindLR {
		if err := r.findLR(ctx); err != nil {
			return nil, err
		}
	}
	if r.feed, err = feed.New(ctx, r.corpus, r.order, r.c.Mix.Mixer, r.c.Batch, r.micros, from); err != nil {
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
		return s, r.take(dir, s)
	}
	if len(damaged) > 0 {
		return nil, fmt.Errorf("no checkpoint is whole: %w", errors.Join(damaged...))
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
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		f.Close()
		if err == nil && hex.EncodeToString(h.Sum(nil)) != s.Files[name] {
			err = fmt.Errorf("%s is damaged: its hash is not the one in %s", f.Name(), stateFile)
		}
		if err != nil {
			return nil, err
		}
	}
	return &s, nil
}

// take makes the run what the checkpoint says.
func (r *run) take(dir string, s *state) error {
	mine, err := r.fingerprint()
	if err != nil {
		return err
	}
	if !bytes.Equal(mine, compact(s.Config)) {
		return fmt.Errorf("%s holds a training with other settings (%s): change them back, give another folder, or begin anew with --new", r.o.Dir, difference(s.Config, mine))
	}
	if s.Tokenizer != r.tok.Hash() {
		return fmt.Errorf("%s holds a training with another tokenizer: give another folder, or begin anew with --new", r.o.Dir)
	}
	if s.Steps != r.steps && !r.c.Follow {
		return fmt.Errorf("%s holds a training of %d steps, with today's data it would be %d: set steps, give another folder, or begin anew with --new", r.o.Dir, s.Steps, r.steps)
	}
	if s.Kernels != r.engine.Set().String() {
		r.note("resumed on the kernels %s; the checkpoint was made on %s: from here on the bits differ", r.engine.Set(), s.Kernels)
	}
	r.steps, r.micros, r.lr = s.Steps, s.Micros, s.LR
	r.sched.Steps = r.steps + 1
	if r.lr > 0 {
		if err := r.optimise(); err != nil {
			return err
		}
	}
	if err := r.weights(dir, s); err != nil {
		return err
	}
	r.step, r.saved, r.tokens, r.elapsed, r.early = s.Step, s.Step, s.Tokens, s.Elapsed, s.Early
	r.notes = append(slices.Clone(s.Notes), r.notes...)
	r.meter.add(s.Energy)
	if r.learner != nil {
		return r.learner.UnmarshalBinary(s.Masker)
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

// compact takes the white space out of JSON.
func compact(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return b
	}
	return out.Bytes()
}

// difference names the keys in which two configs differ, as recipes write them: optimizer.lr was 0.001, is 0.5.
func difference(a, b []byte) string {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return "unknown"
	}
	var out []string
	differ("", reflect.TypeFor[Config](), x, y, &out)
	if len(out) == 0 {
		return "keys that this version does not know"
	}
	return strings.Join(out, "; ")
}

func differ(key string, t reflect.Type, x, y any, out *[]string) {
	a, ok := x.(map[string]any)
	b, also := y.(map[string]any)
	if !ok || !also {
		was, _ := json.Marshal(x)
		is, _ := json.Marshal(y)
		if !bytes.Equal(was, is) {
			*out = append(*out, fmt.Sprintf("%s was %.80s, is %.80s", key, was, is))
		}
		return
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	both := maps.Clone(a)
	maps.Copy(both, b)
	for _, name := range slices.Sorted(maps.Keys(both)) {
		below, written := reflect.Type(nil), name
		if t != nil && t.Kind() == reflect.Struct {
			if f, ok := t.FieldByName(name); ok {
				below = f.Type
				if tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); tag != "" {
					written = tag
				}
			}
		}
		if key != "" {
			written = key + "." + written
		}
		differ(written, below, a[name], b[name], out)
	}
}
