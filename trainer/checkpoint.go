package trainer

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/model/safetensors"
	"sluice/trainer/optim"
)

// A checkpoint is a folder, written under another name and renamed when it is whole and durable, so that one is there or is not:
//
//	checkpoints/step-000100/model.safetensors   weights
//	checkpoints/step-000100/optim.safetensors   what the optimiser and the average of weights remember
//	checkpoints/step-000100/state.json          all the rest, and the hashes of the other two
//
// The randomness of a run needs no state: it is a function of the seed and the numbers in here.
const (
	checkpointDir = "checkpoints"
	weightsFile   = "model.safetensors"
	momentsFile   = "optim.safetensors"
	stateFile     = "state.json"
)

// state is state.json.
type state struct {
	Version   int                `json:"version"`
	Step      int                `json:"step"`
	Steps     int                `json:"steps"`
	Config    json.RawMessage    `json:"config"` // the keys that determine the result
	Tokenizer string             `json:"tokenizer"`
	Kernels   string             `json:"kernels"` // instruction set: another one gives other bits
	Micros    int                `json:"micros"`
	Feed      *feed.State        `json:"feed"`
	Masker    []byte             `json:"masker,omitempty"`
	Decision  *Decision          `json:"decision,omitempty"`
	Early     early              `json:"early"`
	Numbers   map[string]float64 `json:"numbers"` // of the optimiser and the average
	LR        float64            `json:"lr,omitzero"`
	Tokens    int64              `json:"tokens"`
	Elapsed   time.Duration      `json:"elapsed"`
	Energy    energy             `json:"energy"`
	Notes     []string           `json:"notes,omitempty"`
	Files     map[string]string  `json:"files"` // SHA-256
}

const stateVersion = 1

// determining is the config without the keys that do not determine the result. Paths are as seen from the root, for a recipe may be run from any folder;
// those of the data say nothing, for data may move, and what they hold is checked by hash.
func (c Config) determining() Config {
	c.Threads, c.MemoryGB, c.Recompute, c.Cache, c.Out, c.Cost, c.Checkpoint, c.Accumulate = 0, 0, "", "", "", Cost{}, Checkpoint{}, 0
	c.Data = slices.Clone(c.Data)
	for i := range c.Data {
		c.Data[i].Path = ""
	}
	for _, p := range []*string{&c.Model.Path, &c.Tokenizer.Path, &c.Validation.Path} {
		if abs, err := filepath.Abs(*p); err == nil && *p != "" {
			*p = abs
		}
	}
	return c
}

// memory lists everything that is kept beside the weights.
func (r *run) memory() optim.State {
	s := r.opt.State()
	if r.ema != nil {
		e := r.ema.State()
		s.Slices, s.Numbers = append(s.Slices, e.Slices...), append(s.Numbers, e.Numbers...)
	}
	return s
}

func (r *run) checkpoints() string { return filepath.Join(r.o.Dir, checkpointDir) }

func stepDir(step int) string { return fmt.Sprintf("step-%06d", step) }

// A CheckpointError is a checkpoint that could not be written. The earlier ones are as they were, and the same training goes on from the last of them.
type CheckpointError struct {
	Step int
	Good string // which earlier one there is, in words
	Err  error
}

func (e *CheckpointError) Error() string {
	return fmt.Sprintf("checkpoint of step %d: %v; %s", e.Step, e.Err, e.Good)
}

func (e *CheckpointError) Unwrap() error { return e.Err }

// save writes a checkpoint of the present step and removes those that nobody needs any more. When it fails, the earlier ones are as they were.
func (r *run) save() error {
	if r.saved == r.step && r.step > 0 {
		return nil
	}
	dir := filepath.Join(r.checkpoints(), stepDir(r.step))
	if err := r.write(dir); err != nil {
		return &CheckpointError{r.step, r.lastGood(), err}
	}
	r.saved = r.step
	return r.prune()
}

func (r *run) lastGood() string {
	if steps := listSteps(r.checkpoints()); len(steps) > 0 {
		return fmt.Sprintf("the one of step %d is intact", steps[len(steps)-1])
	}
	return "there is no earlier one"
}

func (r *run) write(dir string) (err error) {
	fs, tmp := r.o.FS, dir+".tmp"
	defer func() {
		if err != nil {
			err = errors.Join(err, fs.RemoveAll(tmp))
		}
	}()
	if err := fs.RemoveAll(tmp); err != nil {
		return err
	}
	if err := fs.MkdirAll(tmp); err != nil {
		return err
	}
	s, err := r.state()
	if err != nil {
		return err
	}
	var weights, moments []safetensors.Tensor
	for _, p := range r.model.Params() {
		weights = append(weights, safetensors.Tensor{Name: p.Name(), DType: safetensors.F32, Shape: p.Shape(), Values: p.Value()})
	}
	for _, m := range r.memory().Slices {
		moments = append(moments, safetensors.Tensor{Name: m.Name, DType: safetensors.F32, Shape: m.Shape, Values: m.Values})
	}
	for name, tensors := range map[string][]safetensors.Tensor{weightsFile: weights, momentsFile: moments} {
		if s.Files[name], err = writeTensors(fs, filepath.Join(tmp, name), tensors); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	if err := schemas.WriteFile(fs, filepath.Join(tmp, stateFile), append(b, '\n')); err != nil {
		return err
	}
	if err := fs.RemoveAll(dir); err != nil { // of an earlier run that went another way
		return err
	}
	if err := fs.Rename(tmp, dir); err != nil {
		return err
	}
	return fs.SyncDir(filepath.Dir(dir))
}

// state gathers what is no tensor.
func (r *run) state() (*state, error) {
	c, err := json.Marshal(r.c.determining())
	if err != nil {
		return nil, err
	}
	s := &state{Version: stateVersion, Step: r.step, Steps: r.steps, Config: c, Tokenizer: vocabularyKey(r.tok), Kernels: r.kernels(), Micros: r.micros, Decision: r.decision, Early: r.early,
		Numbers: map[string]float64{}, LR: r.lr, Tokens: r.tokens, Elapsed: r.elapsed, Energy: r.meter.read(), Notes: r.notes, Files: map[string]string{}}
	if s.Feed, err = r.feed.State(); err != nil {
		return nil, err
	}
	if r.learner != nil {
		if s.Masker, err = r.learner.MarshalBinary(); err != nil {
			return nil, err
		}
	}
	for _, n := range r.memory().Numbers {
		s.Numbers[n.Name] = *n.Value
	}
	return s, nil
}

// writeTensors writes and syncs a file and gives its hash.
func writeTensors(fs schemas.FS, path string, tensors []safetensors.Tensor) (sha string, err error) {
	f, err := fs.Create(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	w := bufio.NewWriterSize(strict{f, h}, 1<<20)
	if err = safetensors.Write(w, tensors, nil); err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Close())
}

// strict hashes what it writes, and a short write is an error.
type strict struct {
	w io.Writer
	h hash.Hash
}

func (s strict) Write(b []byte) (int, error) {
	s.h.Write(b)
	n, err := s.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, err
}

// prune keeps the last checkpoints and the best one, and removes what is left of one that was never finished.
func (r *run) prune() error {
	entries, err := os.ReadDir(r.checkpoints())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "step-") && strings.HasSuffix(e.Name(), ".tmp") {
			if err := r.o.FS.RemoveAll(filepath.Join(r.checkpoints(), e.Name())); err != nil {
				return err
			}
		}
	}
	steps := listSteps(r.checkpoints())
	for i, step := range steps {
		if i >= len(steps)-r.c.Checkpoint.Keep || step == r.early.BestStep || step > r.step {
			continue
		}
		if err := r.o.FS.RemoveAll(filepath.Join(r.checkpoints(), stepDir(step))); err != nil {
			return err
		}
	}
	return nil
}

// listSteps lists the checkpoints of a folder, the first step first.
func listSteps(dir string) (steps []int) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		n, err := strconv.Atoi(strings.TrimPrefix(e.Name(), "step-"))
		if err == nil && e.Name() == stepDir(n) {
			steps = append(steps, n)
		}
	}
	slices.Sort(steps)
	return steps
}
