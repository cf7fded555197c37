package generators

import (
	"context"
	"errors"
	"fmt"

	"sluice/pipeline"
	"sluice/schemas"
)

// AEDA makes copies of a text with punctuation marks inserted at random places, without a model: an easier data augmentation. All
// words and their order stay. From 1 to share · words marks of . ; ? : ! , are inserted, each before a word of its own.
//
//	my card has not come   →   my ; card has not ! come
//
// Source: Karimi, Rossi, Prati: AEDA: An Easier Data Augmentation Technique for Text Classification, 2021 (arXiv 2108.13230).
type AEDA struct {
	Copies int     `yaml:"copies"` // per seed
	Share  float64 `yaml:"share"`  // most marks per word

	env *pipeline.Env
}

var aedaMarks = [...]string{".", ";", "?", ":", "!", ","}

// Check finds wrong numbers, and records without text.
func (a *AEDA) Check(c pipeline.CheckEnv) error {
	var errs []error
	if a.Copies < 1 || a.Copies > maxSamples {
		errs = append(errs, &pipeline.KeyError{Key: "copies", Err: fmt.Errorf("must be from 1 to %d", maxSamples)})
	}
	if !(a.Share > 0 && a.Share <= 1) {
		errs = append(errs, &pipeline.KeyError{Key: "share", Err: errors.New("must be above 0 and at most 1")})
	}
	return errors.Join(append(errs, wantText(c))...)
}

// Open keeps the run's seed.
func (a *AEDA) Open(_ context.Context, env *pipeline.Env) error {
	a.env = env
	return nil
}

// Forecast returns no requests and the copies made.
func (a *AEDA) Forecast() (requests, made float64) { return 0, float64(a.Copies) }

// Generate returns the copies of seed. An empty text gives none.
func (a *AEDA) Generate(_ context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	text := split(seed.Text)
	if len(text.word) == 0 {
		return nil, nil
	}
	var out []*schemas.Record
	for i := range a.Copies {
		rng := draw(a.env.Seed, a.env.Stage, seed, i)
		n := 1 + rng.IntN(max(1, int(a.Share*float64(len(text.word)))))
		marked := make([]string, len(text.word))
		for _, place := range rng.Perm(len(text.word))[:n] {
			marked[place] = aedaMarks[rng.IntN(len(aedaMarks))]
		}
		w := text.clone()
		for place := len(marked) - 1; place >= 0; place-- { // from the end: places before stay valid
			if marked[place] != "" {
				w.insert(place, marked[place])
			}
		}
		r := seed.Child(a.env.Stage, seed.Origin.Round, i)
		r.Text = w.String()
		out = append(out, r)
	}
	return out, nil
}
