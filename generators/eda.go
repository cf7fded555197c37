package generators

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"sluice/pipeline"
	"sluice/schemas"
)

// EDA makes copies of a text with a few words changed, without a model: easy data augmentation. Each copy gets one of four
// operations, in turn from a random start; n = max(1, alpha · words) places are changed:
//
//	synonym   n words that are no stop words are replaced by a synonym
//	insert    n synonyms of random words are inserted at random places
//	swap      n times two random words change places
//	delete    each word is left out with probability alpha; one always stays
//
// Synonyms come from a small table of common English words; where a text has none of them, and in other languages, the
// next operation takes over. Gaps and punctuation stay. A text that no operation changes, such as one word, gives no copy.
// Labels are inherited: do not use it where one word decides the label.
//
// Source: Wei, Zou: EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks, 2019 (arXiv 1901.11196),
// which recommends alpha 0.05 and 16 copies at 500 seeds, 8 at 2,000, and alpha 0.1 and 4 copies from 5,000.
type EDA struct {
	Copies     int      `yaml:"copies"`     // per seed
	Alpha      float64  `yaml:"alpha"`      // share of words changed
	Operations []string `yaml:"operations"` // of synonym, insert, swap, delete; empty: all four

	env *pipeline.Env
}

var edaOperations = []string{"synonym", "insert", "swap", "delete"}

// Check finds wrong numbers and operations, and records without text.
func (e *EDA) Check(c pipeline.CheckEnv) error {
	var errs []error
	if e.Copies < 1 || e.Copies > maxSamples {
		errs = append(errs, &pipeline.KeyError{Key: "copies", Err: fmt.Errorf("must be from 1 to %d", maxSamples)})
	}
	if !(e.Alpha > 0 && e.Alpha <= 1) {
		errs = append(errs, &pipeline.KeyError{Key: "alpha", Err: errors.New("must be above 0 and at most 1")})
	}
	for _, o := range e.Operations {
		if !slices.Contains(edaOperations, o) {
			errs = append(errs, &pipeline.KeyError{Key: "operations", Hint: "there are " + strings.Join(edaOperations, ", "),
				Err: fmt.Errorf("unknown operation %q", o)})
		}
	}
	return errors.Join(append(errs, wantText(c))...)
}

// wantText refuses kinds of record whose content is messages.
func wantText(c pipeline.CheckEnv) error {
	if c.Schema != nil && (c.Schema.Kind == schemas.Chat || c.Schema.Kind == schemas.Preference) {
		return fmt.Errorf("it edits plain text, and these records are of kind %s", c.Schema.Kind)
	}
	return nil
}

// Open keeps the run's seed.
func (e *EDA) Open(_ context.Context, env *pipeline.Env) error {
	e.env = env
	return nil
}

// Forecast returns no requests and the copies made.
func (e *EDA) Forecast() (requests, made float64) { return 0, float64(e.Copies) }

// Generate returns the copies of seed.
func (e *EDA) Generate(_ context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	ops := e.Operations
	if len(ops) == 0 {
		ops = edaOperations
	}
	text := split(seed.Text)
	start := draw(e.env.Seed, e.env.Stage, seed, maxSamples).IntN(len(ops))
	var out []*schemas.Record
	for i := range e.Copies {
		rng := draw(e.env.Seed, e.env.Stage, seed, i)
		for j := range ops { // the next operation takes over from one that changes nothing
			changed := edit(ops[(start+i+j)%len(ops)], text, e.Alpha, rng).String()
			if changed != seed.Text {
				r := seed.Child(e.env.Stage, seed.Origin.Round, i)
				r.Text = changed
				out = append(out, r)
				break
			}
		}
	}
	return out, nil
}

// edit returns a changed copy of the text, or an equal one where the operation has nothing to work on.
func edit(operation string, text *words, alpha float64, rng *rand.Rand) *words {
	w := text.clone()
	n := max(1, int(alpha*float64(len(w.word))))
	switch operation {
	case "synonym":
		replaceSynonyms(w, n, rng)
	case "insert":
		insertSynonyms(w, n, rng)
	case "swap":
		for range n {
			if len(w.word) > 1 {
				i := rng.IntN(len(w.word))
				j := (i + 1 + rng.IntN(len(w.word)-1)) % len(w.word)
				w.word[i], w.word[j] = withCore(w.word[i], w.word[j]), withCore(w.word[j], w.word[i])
			}
		}
	case "delete":
		for i := len(w.word) - 1; i >= 0; i-- {
			if len(w.word) > 1 && rng.Float64() < alpha {
				w.remove(i)
			}
		}
	}
	return w
}

func replaceSynonyms(w *words, n int, rng *rand.Rand) {
	for _, i := range rng.Perm(len(w.word)) {
		start, end := core(w.word[i])
		old := w.word[i][start:end]
		if s := synonymsOf(old); len(s) > 0 && n > 0 {
			w.word[i] = w.word[i][:start] + inCase(s[rng.IntN(len(s))], old) + w.word[i][end:]
			n--
		}
	}
}

func insertSynonyms(w *words, n int, rng *rand.Rand) {
	var from []string // all synonyms of all words
	for _, word := range w.word {
		start, end := core(word)
		from = append(from, synonymsOf(word[start:end])...)
	}
	for range n {
		if len(from) > 0 {
			w.insert(rng.IntN(len(w.word)+1), from[rng.IntN(len(from))])
		}
	}
}
