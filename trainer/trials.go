package trainer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/schemas"
	"sluice/trainer/mix"
)

// trialsFile keeps the losses of finished trials, each under a hash of everything that determines it, so that no trial is made twice: not after a kill, and not
// when another mixer is judged against the same uniform mixing.
const trialsFile = "trials.json"

// A trialResult is one trial.
type trialResult struct {
	Key     string    `json:"key"`
	What    string    `json:"what"`
	Steps   int64     `json:"steps"`
	Seed    uint64    `json:"seed"`
	Losses  []float64 `json:"losses"` // by validation set
	Seconds float64   `json:"seconds"`
}

// trials are the results in a model's folder.
type trials struct {
	disk schemas.FS
	path string
	all  []trialResult
}

// openTrials reads what is there.
func openTrials(disk schemas.FS, dir string) (trials, error) {
	t := trials{disk: disk, path: filepath.Join(dir, trialsFile)}
	b, err := os.ReadFile(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &t.all)
	}
	if err != nil {
		return t, fmt.Errorf("%s, the results of small trainings, cannot be read: %w; remove it, and they are made again", t.path, err)
	}
	return t, nil
}

func (t *trials) find(key string) *trialResult {
	for i := range t.all {
		if t.all[i].Key == key {
			return &t.all[i]
		}
	}
	return nil
}

// add keeps a result. The file is written anew beside the old one, which it replaces when it is durable.
func (t *trials) add(one trialResult) error {
	t.all = append(t.all, one)
	b, err := json.MarshalIndent(t.all, "", " ")
	if err != nil {
		return err
	}
	if err := t.disk.MkdirAll(filepath.Dir(t.path)); err != nil {
		return err
	}
	return schemas.WriteFile(t.disk, t.path, append(b, '\n'))
}

// trialKey names a trial by what determines its losses, on one instruction set and but for the rounding that the pieces of a batch bring.
func (r *run) trialKey(shape ModelConfig, m mix.Mixer, steps int64, seed uint64) (string, error) {
	q := &run{c: r.trialConfig(shape, steps, seed)}
	q.c.Mix, q.c.Guard, q.c.Proxy, q.c.Repeats = Mixing{}, Guarding{}, Proxy{}, 0
	q.c.Epochs = 0
	settings, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	var runs []mix.Run
	if _, ok := m.(mix.Prober); ok && r.decision != nil {
		runs = r.decision.Runs
	}
	other := ""
	if r.other != nil {
		other = r.other.Hash()
	}
	b, err := json.Marshal([]any{q.c.determining(), fmt.Sprintf("%T", m), settings, runs, r.c.Repeats, r.steps, r.lr, vocabularyKey(r.tok), r.corpus.Hash(), other, r.kernels()})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
