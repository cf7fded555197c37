package generators

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"sluice/pipeline"
	"sluice/schemas"
)

// Infill makes copies of a text with new words inserted, which a small masked language model has guessed from the words around them. The
// model is trained here, on the seeds of the recipe: no key and no download. All words of the seed and their order stay.
//
//	my card has not come   →   my new card has not come yet
//
// Share · words places (at least one) are drawn among the gaps between words, at most one word a gap. In each the model sees [MASK], and one of the
// top_k words that it finds likeliest there is drawn, with probabilities sharpened or flattened by temperature. What can be inserted are
// whole words of letters alone that the seeds hold min_count times or more: no pieces, no punctuation, no English stop words, no words of `exclude`,
// no words of label names and no forms of them (a label "delivery" bars delivered), and no word that the copy
// holds already. Labels are inherited.
//
// The model is a small BERT with a WordPiece vocabulary, trained with whole words masked. It must see all seeds before it can make
// a row, so the run has a phase of its own up to here, and what was learned is kept beside that phase's rows. Held-out rows and rows that other
// generators have made are not learned from. When seeds are appended later, the model is trained anew on all, and only new seeds are copied. Other
// kernel sets of the CPU round otherwise: the set is named in the dataset's manifest.
//
// Fewer than 20 seeds, or fewer words than top_k, are refused: a model of so little guesses at random. With a hundred seeds it knows
// which words are common and little more; with a thousand, which fit.
//
// Source: contextual word insertion, the strongest of the methods without a large model in Cegin et al.: LLMs vs Established Text Augmentation
// Techniques for Classification, 2024 (arXiv 2408.16502); there with a public BERT, here with one of the user's own texts.
type Infill struct {
	Copies      int      `yaml:"copies"`      // per seed
	Share       float64  `yaml:"share"`       // new words per word of the seed
	TopK        int      `yaml:"top_k"`       // likeliest words that one is drawn from
	Temperature float64  `yaml:"temperature"` // of the draw: below 1 prefers the likeliest
	MinCount    int      `yaml:"min_count"`   // how often the seeds must hold a word that is inserted
	Exclude     []string `yaml:"exclude"`     // more words that are never inserted

	Dim    int `yaml:"dim"`    // width of the model; 0: 64 for less than 5,000 words of seeds, else 128
	Layers int `yaml:"layers"` // of the model
	Vocab  int `yaml:"vocab"`  // most tokens of its vocabulary
	Steps  int `yaml:"steps"`  // of its training, 16 rows of 64 tokens each; 0: 40 times through the seeds, at least 60 steps and at most 1,500

	env     *pipeline.Env
	learned *learned
}

// fewestSeeds is how many texts a model is trained on at the least.
const fewestSeeds = 20

// Check finds wrong numbers, and records without text.
func (f *Infill) Check(c pipeline.CheckEnv) error {
	var errs []error
	wrong := func(bad bool, key, what string, args ...any) {
		if bad {
			errs = append(errs, &pipeline.KeyError{Key: key, Err: fmt.Errorf(what, args...)})
		}
	}
	wrong(f.Copies < 1 || f.Copies > maxSamples, "copies", "must be from 1 to %d", maxSamples)
	wrong(!(f.Share > 0 && f.Share <= 1), "share", "must be above 0 and at most 1")
	wrong(f.TopK < 1, "top_k", "must be at least 1")
	wrong(!(f.Temperature > 0) || math.IsInf(f.Temperature, 0), "temperature", "must be above 0")
	wrong(f.MinCount < 1, "min_count", "must be at least 1")
	wrong(f.Dim < 0 || f.Dim > 1024 || f.Dim%headDim != 0, "dim", "must be a multiple of %d up to 1024, or 0", headDim)
	wrong(f.Layers < 1 || f.Layers > 24, "layers", "must be from 1 to 24")
	wrong(f.Vocab < 100, "vocab", "must be at least 100")
	wrong(f.Steps < 0, "steps", "must not be negative")
	return errors.Join(append(errs, wantText(c))...)
}

// Open keeps the run's seed.
func (f *Infill) Open(_ context.Context, env *pipeline.Env) error {
	f.env = env
	return nil
}

// Forecast returns no requests and the copies made.
func (f *Infill) Forecast() (requests, made float64) { return 0, float64(f.Copies) }

// Generate returns the copies of seed. An empty text gives none.
func (f *Infill) Generate(_ context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	text := split(seed.Text)
	if len(text.word) == 0 {
		return nil, nil
	}
	if f.learned == nil {
		return nil, errors.New("it has not seen the seeds yet")
	}
	gaps := gapsOf(text)
	n := min(len(gaps), max(1, int(math.Round(f.Share*float64(len(text.word))))))
	copies := make([]*infilled, f.Copies)
	for i := range copies {
		c := &infilled{words: text.clone(), rng: draw(f.env.Seed, f.env.Stage, seed, i)}
		for _, g := range c.rng.Perm(len(gaps))[:n] {
			c.gaps = append(c.gaps, gaps[g])
		}
		slices.Sort(c.gaps)
		copies[i] = c
	}
	if err := f.learned.guess(copies); err != nil {
		return nil, err
	}
	var out []*schemas.Record
	for i, c := range copies {
		if !f.fill(c) {
			continue
		}
		r := seed.Child(f.env.Stage, seed.Origin.Round, i)
		r.Text = c.words.String()
		out = append(out, r)
	}
	return out, nil
}

// gapsOf lists where a word can be inserted: before every word, and at the end unless the text ends in punctuation.
func gapsOf(w *words) []int {
	var gaps []int
	for i := range w.word {
		gaps = append(gaps, i)
	}
	last := w.word[len(w.word)-1]
	if _, end := core(last); end == len(last) && end > 0 {
		gaps = append(gaps, len(w.word))
	}
	return gaps
}

// fill inserts a word in every gap of c, and reports whether there was one for any.
func (f *Infill) fill(c *infilled) (changed bool) {
	used := map[string]bool{}
	for _, w := range c.words.word {
		used[plain(w)] = true
	}
	for i := len(c.gaps) - 1; i >= 0; i-- { // from the end: gaps before stay valid
		word := f.learned.draw(c.logits[i], f.TopK, f.Temperature, c.rng, used)
		if word == "" {
			continue
		}
		used[plain(word)] = true
		c.words.insert(c.gaps[i], word)
		changed = true
	}
	return changed
}

// plain is a word without its punctuation, in lower case.
func plain(word string) string {
	start, end := core(word)
	return strings.ToLower(word[start:end])
}
