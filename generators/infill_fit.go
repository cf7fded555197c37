package generators

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/schemas"
	"sluice/trainer"
	"sluice/trainer/kernel"
	"sluice/trainer/mask"
	"sluice/trainer/model"
	"sluice/trainer/tokenizer"
)

// The shape of the model and its training that a recipe does not choose.
const (
	headDim     = 32 // of attention
	infillRow   = 64 // tokens of a row in training, and most that a guess looks at
	infillBatch = 16 // rows of a step
)

// infillSteps is the length of a training on so many words: 40 times through them, but no less than 60 steps and no more than 1,500. Measured on
// 1,000 questions to a bank of 12 words: after 400 steps the held-out words that could be inserted have a perplexity of 37, by frequency alone 218.
// On 120 such questions no length of training beats frequency, and a long one is worse.
func infillSteps(words int) int {
	return min(1500, max(60, 40*words/(infillBatch*infillRow)))
}

// infillDim is the width of a model of so many words.
func infillDim(words int) int {
	if words < 5000 {
		return 2 * headDim
	}
	return 4 * headDim
}

// learnedFiles are the files of a trained model that are kept.
var learnedFiles = []string{"config.json", "model.safetensors", "tokenizer.json"}

// fitState is the binary form of what was learned.
type fitState struct {
	Words []insertable      `json:"words"`
	Files map[string][]byte `json:"files"` // learnedFiles by name; none: there were no seeds
}

// fewError refuses to train on too little.
type fewError struct{ problem, hint string }

func (e *fewError) Error() string { return e.problem }
func (e *fewError) Hint() string  { return e.hint }

// Versions names the kernel set: what is made here depends on it.
func (f *Infill) Versions() (map[string]string, error) {
	set, err := kernel.Default()
	if err != nil {
		return nil, err
	}
	return map[string]string{"kernels": set.String()}, nil
}

// Fit trains the model on the texts of the seeds among records.
func (f *Infill) Fit(ctx context.Context, records iter.Seq2[*schemas.Record, error]) error {
	f.learned = nil
	return f.inFolder(func(dir string) error {
		path := filepath.Join(dir, "seeds.jsonl")
		seen, err := writeSeeds(path, records)
		if err != nil || seen.texts == 0 {
			return err
		}
		words := seen.insertable(f.MinCount, f.Exclude)
		if err := f.enough(seen, words); err != nil {
			return err
		}
		out := filepath.Join(dir, "model")
		if _, err := trainer.Train(ctx, f.training(path, seen.total), trainer.Options{Dir: out, Fresh: true}); err != nil {
			return fmt.Errorf("train the masked language model: %w", err)
		}
		l, err := openLearned(out)
		if err != nil {
			return err
		}
		l.choose(words, seen)
		if len(l.words) < f.TopK {
			return f.enough(seen, make([]string, len(l.words)))
		}
		f.learned = l
		return nil
	})
}

// inFolder calls use with a folder for what lies on disk meanwhile.
func (f *Infill) inFolder(use func(dir string) error) (err error) {
	dir := f.env.Work
	if dir == "" {
		dir, err = os.MkdirTemp("", "sluice-infill-")
	} else {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	err = use(dir)
	return errors.Join(err, os.RemoveAll(dir))
}

// writeSeeds writes the texts of the seeds to a file of JSON lines and counts their words.
func writeSeeds(path string, records iter.Seq2[*schemas.Record, error]) (seen *counted, err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriter(file)
	enc := json.NewEncoder(w)
	seen = newCounted()
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		if r.Origin.Depth > 0 || strings.TrimSpace(r.Text) == "" {
			continue
		}
		seen.add(r)
		if err := enc.Encode(map[string]string{"text": r.Text}); err != nil {
			return nil, err
		}
	}
	return seen, w.Flush()
}

// enough refuses seeds that a model could learn nothing from.
func (f *Infill) enough(seen *counted, words []string) error {
	switch {
	case seen.texts < fewestSeeds:
		return &fewError{fmt.Sprintf("%d seeds with text are too few to train a language model on: at least %d", seen.texts, fewestSeeds),
			"generators/eda and generators/aeda edit words without a model, from the first seed on"}
	case len(words) < f.TopK:
		return &fewError{fmt.Sprintf("the %d seeds hold %d words that could be inserted, and top_k wants %d to draw from: words of letters that occur "+
			"min_count (%d) times, are no stop words and stand in no label name", seen.texts, len(words), f.TopK, f.MinCount),
			"give more seeds, or lower top_k or min_count; generators/eda edits words without a model"}
	}
	return nil
}

// training is the trainer's config for the seeds at path.
func (f *Infill) training(path string, words int) trainer.Config {
	c := trainer.Default()
	c.Task = trainer.Masked
	c.Data = []trainer.Data{{Name: "seeds", Path: path}}
	c.Validation.Share = 0
	dim := f.Dim
	if dim == 0 {
		dim = infillDim(words)
	}
	c.Model = trainer.ModelConfig{Arch: "bert", Dim: dim, Layers: f.Layers, Heads: dim / headDim}
	c.Tokenizer = trainer.TokenizerConfig{Train: "wordpiece", Vocab: f.Vocab}
	c.Context, c.Batch, c.Steps = infillRow, infillBatch, f.Steps
	if c.Steps == 0 {
		c.Steps = infillSteps(words)
	}
	c.Seed = draw(f.env.Seed, f.env.Stage, &schemas.Record{}, 0).Uint64()
	c.Optimizer.Name, c.Optimizer.LR = "muon", 2e-3 // in as many steps AdamW gets half as far
	budget := mask.DefaultBudget()
	budget.Rate = .3                                                           // more to guess in every step: better after a short training than 15 %
	c.Mask = trainer.Masking{Name: "word", Masker: &mask.Word{Budget: budget}} // what is inserted is a whole word
	c.Checkpoint.Every = c.Steps
	return c
}

// openLearned reads a trained model.
func openLearned(dir string) (*learned, error) {
	set, err := kernel.Default()
	if err != nil {
		return nil, err
	}
	l := &learned{set: set, files: map[string][]byte{}}
	for _, name := range learnedFiles {
		if l.files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	if l.tok, err = tokenizer.Load(dir); err != nil {
		return nil, err
	}
	l.model, err = model.Load(dir, model.LoadOptions{})
	return l, err
}

// choose keeps the words that are one token, in their usual spelling.
func (l *learned) choose(words []string, seen *counted) {
	unknown := l.tok.Special().UNK
	for _, w := range words {
		if ids := l.tok.AppendIDs(nil, w, false); len(ids) == 1 && ids[0] != unknown {
			l.words = append(l.words, insertable{ids[0], seen.words[w].form(w)})
		}
	}
}

// MarshalBinary writes what Fit learnt.
func (f *Infill) MarshalBinary() ([]byte, error) {
	s := fitState{}
	if f.learned != nil {
		s.Words, s.Files = f.learned.words, f.learned.files
	}
	return json.Marshal(s)
}

// UnmarshalBinary reads what [Infill.MarshalBinary] wrote.
func (f *Infill) UnmarshalBinary(b []byte) error {
	var s fitState
	f.learned = nil
	if err := json.Unmarshal(b, &s); err != nil || len(s.Files) == 0 {
		return err
	}
	return f.inFolder(func(dir string) error {
		for name, data := range s.Files {
			if !slices.Contains(learnedFiles, name) {
				return fmt.Errorf("what was learned has an unknown part %q", name)
			}
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
		l, err := openLearned(dir)
		if err != nil {
			return err
		}
		l.words = s.Words
		f.learned = l
		return nil
	})
}
