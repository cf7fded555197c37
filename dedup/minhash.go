package dedup

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sluice/pipeline"
	"sluice/pipeline/text"
	"sluice/schemas"
)

// MinHash drops a record that is nearly the same as an earlier one that was kept.
//
// Similarity is that of Jaccard, of the sets of all runs of five words (shingles) of the two texts, in lower case and without
// punctuation: J = |A ∩ B| / |A ∪ B|. "the quick brown fox jumps over the lazy dog" and the same with "cat" share 4 of 6 runs, so J
// is 0.67. A sketch of 128 numbers stands for the set (Fast Similarity Sketching, Dahlgaard, Knudsen and Thorup
// 2017). Two records are compared if all 8 numbers of one of 14 bands are equal, which happens with probability 1 - (1 - J^8)^14:
//
//	J         .5    .6    .7    .8    .9
//	compared  .053  .211  .565  .924  1.0
//
// A compared record repeats the earlier one if the whole sketch says so too: see verify. Keys and sketches outlive the run,
// so new rows are held against all that the dataset has. Who came first in the stream is kept; chains A ~ B ~ C do not
// swallow C, because B, once dropped, drops nobody.
//
// Presets: fineweb (the above, as FineWeb and datatrove), rpv2-0.8 and strict (RedPajama-V2 at 0.8 and 0.9, 13 words),
// nemo (24 characters, as NeMo Curator), short-text (2 words, for questions and answers of a line or two), core (2 words, as
// text-dedup for abstracts).
//
// A text without words is like no other. A text shorter than a run of words is one run: it repeats only the same words.
type MinHash struct {
	// Preset sets all that is left out below. Default fineweb.
	Preset string `yaml:"preset"`

	// Bands and Rows cut the sketch: more bands compare more, more rows compare less. Bands × rows is at most slots.
	Bands int `yaml:"bands"`
	Rows  int `yaml:"rows"`

	// Slots of the sketch: 128, 256 or 512. More estimate better: the error at J = 0.8 is 0.035 with 128.
	Slots int `yaml:"slots"`

	// Shingle is the length of a run, in units of words or characters.
	Shingle int    `yaml:"shingle"`
	Unit    string `yaml:"unit"`

	// Verify is how a compared pair is judged: a similarity such as 0.70 that the sketches must agree on; exact, which keeps the sets of
	// runs (about 2 bytes a word) and wants the true J to be at least accept; or off: sharing a band is enough.
	Verify string `yaml:"verify"`

	// Accept is the true J from which verify: exact drops. Default 0.8.
	Accept float64 `yaml:"accept"`

	// Scope says which records are compared: dataset (all that the dataset holds, over all runs), run (this run alone), source (each
	// source by itself) or global (every dataset that names the same state). Default dataset.
	Scope string `yaml:"scope"`

	// Seed makes another, independent sketch. Default 0.
	Seed uint64 `yaml:"seed"`

	once    sync.Once
	plan    minHashPlan // what the settings come to
	planErr error
	pool    sync.Pool // of *signer
}

// minHashPlan is a preset, or the settings with the preset filled in.
type minHashPlan struct {
	bands, rows, slots, shingle int
	unit                        string
	verify                      string // "", sketch or exact
	accept                      float64
}

var presets = map[string]minHashPlan{
	"fineweb":    {14, 8, 128, 5, "words", "sketch", 0.70},
	"rpv2-0.8":   {9, 13, 128, 13, "words", "sketch", 0.70},
	"strict":     {5, 25, 128, 13, "words", "sketch", 0.70},
	"nemo":       {20, 13, 512, 24, "characters", "sketch", 0.70},
	"short-text": {32, 4, 128, 2, "words", "sketch", 0.50},
	"core":       {50, 4, 256, 2, "words", "sketch", 0.50},
}

// settings fills the preset into what was left out.
func (m *MinHash) settings() (p minHashPlan, err error) {
	p, ok := presets[m.Preset]
	if !ok {
		names := slices.Sorted(maps.Keys(presets))
		return p, fmt.Errorf("preset: unknown %q%s: want %s", m.Preset, didYouMean(m.Preset, names), strings.Join(names, ", "))
	}
	for _, f := range []struct {
		name     string
		set      int
		to       *int
		min, max int
	}{
		{"bands", m.Bands, &p.bands, 1, 256},
		{"rows", m.Rows, &p.rows, 1, 512},
		{"slots", m.Slots, &p.slots, 128, 512},
		{"shingle", m.Shingle, &p.shingle, 1, 1000},
	} {
		if f.set == 0 {
			continue
		}
		if f.set < f.min || f.set > f.max {
			return p, fmt.Errorf("%s: %d is not between %d and %d", f.name, f.set, f.min, f.max)
		}
		*f.to = f.set
	}
	switch m.Unit {
	case "":
	case "words", "characters":
		p.unit = m.Unit
	default:
		return p, fmt.Errorf("unit: unknown %q: want words or characters", m.Unit)
	}
	switch v := m.Verify; v {
	case "":
	case "off":
		p.verify, p.accept = "", 0
	case "exact":
		p.verify, p.accept = "exact", 0.8
	default:
		p.verify = "sketch"
		if p.accept, err = strconv.ParseFloat(v, 64); err != nil || !(p.accept > 0 && p.accept <= 1) {
			return p, fmt.Errorf("verify: %q is neither a similarity above 0 and up to 1, nor exact, nor off", v)
		}
	}
	if m.Accept != 0 {
		if p.verify != "exact" {
			return p, fmt.Errorf("accept: only with verify: exact; otherwise give the similarity as verify: %g", m.Accept)
		}
		if !(m.Accept > 0 && m.Accept <= 1) {
			return p, fmt.Errorf("accept: %g is not above 0 and up to 1", m.Accept)
		}
		p.accept = m.Accept
	}
	if n := p.bands * p.rows; n > p.slots {
		return p, fmt.Errorf("bands: %d bands of %d rows need %d slots, there are %d", p.bands, p.rows, n, p.slots)
	}
	if _, err := text.NewFSS(p.slots, 0); err != nil {
		return p, fmt.Errorf("slots: %w", err)
	}
	return p, nil
}

// Check implements [pipeline.Checker].
func (m *MinHash) Check(pipeline.CheckEnv) error {
	if _, err := m.settings(); err != nil {
		return err
	}
	return checkScope(m.Scope)
}

// Scheme implements [pipeline.Keyed].
func (m *MinHash) Scheme() (pipeline.Scheme, string) {
	p, _ := m.planned()
	return pipeline.Scheme{
		Name:     fmt.Sprintf("fss%d/1", p.slots),
		Settings: fmt.Sprintf("%s, %d %s, %d×%d, seed %d", text.Normaliser, p.shingle, p.unit, p.bands, p.rows, m.Seed),
		Bands:    p.bands, Verify: p.verify, Accept: p.accept,
	}, m.Scope
}

func (m *MinHash) planned() (minHashPlan, error) {
	m.once.Do(func() { m.plan, m.planErr = m.settings() })
	return m.plan, m.planErr
}

// Keys implements [pipeline.Deduper]: one key of 64 bits for each band, and what verify compares.
func (m *MinHash) Keys(_ context.Context, r *schemas.Record) (pipeline.Likeness, error) {
	p, err := m.planned()
	if err != nil {
		return pipeline.Likeness{}, err
	}
	s, _ := m.pool.Get().(*signer)
	if s == nil {
		if s, err = newSigner(p, m.Seed); err != nil {
			return pipeline.Likeness{}, err
		}
	}
	defer m.pool.Put(s)
	if !s.sign(r.Content()) {
		return pipeline.Likeness{}, nil
	}
	l := pipeline.Likeness{Keys: make([]pipeline.Key, len(s.keys))}
	for i, k := range s.keys {
		l.Keys[i] = pipeline.Key{Band: uint8(i), Lo: k}
	}
	if p.verify != "" {
		l.Sketch = slices.Clone(s.sketch)
	}
	return l, nil
}

var (
	_ pipeline.Checker = (*MinHash)(nil)
	_ pipeline.Keyed   = (*MinHash)(nil)
)
