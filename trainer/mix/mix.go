// Package mix decides from which domain the next training example comes. A domain is a dataset, or a part of one; a mixer is one file, named as
// recipes name it; its struct is its configuration. A mixer knows sizes, losses and its own past, and nothing of models: training tells it losses and asks
// for domains. All it has learned is in its binary form, which checkpoints keep, so that a resumed run picks the same domains.
//
// No reactive method beats uniform mixing reliably (arXiv 2411.05735); uniform is therefore the default.
//
//	mix.go        what a mixer is, the catalog      deal.go   exact shares, and random draws
//	uniform.go proportional.go temperature.go fixed.go unimax.go            shares from sizes, or from the recipe
//	quality.go distinct.go dsir.go (importance.go)                          shares from what the records are
//	odm_paper.go odm_code.go odm_exp3.go progress.go ado.go (adofit.go)     shares that follow the training losses; policy.go what they share
//	aioli.go                                                                shares that follow the validation losses
//	regmix.go law.go                                                        shares from proxy runs (runs.go) of mixtures (space.go)
//	guard.go      is a mixer better than uniform?   plan.go   what a mixer will do, and why
//	bfgs.go       small fits    state.go content.go  bytes and texts
package mix

import (
	"encoding"
	"fmt"
	"iter"
	"math/rand/v2"

	"sluice/pipeline/catalog"
	"sluice/schemas"
)

// Catalog lists every mixer with its defaults.
var Catalog = catalog.Catalog[Mixer]{
	"ado":          func() Mixer { return &ADO{Every: 1000} },
	"aioli":        func() Mixer { return &Aioli{Every: 250, Sweeps: 4, Steps: 5, Focus: .6, Eta: .3, Keep: .3} },
	"distinct":     func() Mixer { return &Distinct{} },
	"dsir":         func() Mixer { return &DSIR{Take: .1, Words: 100} },
	"fixed":        func() Mixer { return &Fixed{} },
	"law":          func() Mixer { return &Law{} },
	"odm_code":     func() Mixer { return &ODMCode{Decay: .9} },
	"odm_exp3":     func() Mixer { return &ODMExp3{} },
	"odm_paper":    func() Mixer { return &ODMPaper{Decay: .9} },
	"progress":     func() Mixer { return &Progress{Decay: .9, Smooth: .9} },
	"proportional": func() Mixer { return &Proportional{} },
	"quality":      func() Mixer { return &Quality{Score: "quality", Power: 1, Epochs: 4} },
	"regmix":       func() Mixer { return &RegMix{Simulate: 100000, Best: 100} },
	"temperature":  func() Mixer { return &Temperature{T: 2} },
	"uniform":      func() Mixer { return &Uniform{} },
	"unimax":       func() Mixer { return &UniMax{Epochs: 4} },
}

// A Mixer picks the domain of the next example. Calls come from one goroutine, in the order of training: the picks of a step's examples, then
// what was learned from them.
type Mixer interface {
	// Pick gives the domain of the next example of a step. The rng is a function of the run's seed and the number of the example.
	Pick(step int64, rng *rand.Rand) (domain int)
	// Learn tells the mean training loss of a domain's examples in a step that is over. Domains without an example are not mentioned.
	Learn(step int64, domain int, loss float64)
	// Weights gives the chance of every domain now; their sum is 1. It is what reports show.
	Weights() []float64
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// An Opener is prepared once, before the first pick.
type Opener interface{ Open(Env) error }

// Env is what a mixer may know before the first pick.
type Env struct {
	Domains []Domain
	Steps   int64    // length of the training
	Batch   int      // examples of a step
	Seed    uint64   // of the run
	Repeats float64  // most epochs of any domain; 0: any number
	Judged  []string // names of what validation losses are of; nil: of the domains, all of them

	Records func(domain int) iter.Seq2[*schemas.Record, error] // the domain's training records with their scores, in order
}

// Examples is the number of examples the training will ask for.
func (e Env) Examples() float64 { return float64(e.Steps) * float64(e.Batch) }

func (e Env) judged() []string {
	if e.Judged != nil {
		return e.Judged
	}
	var names []string
	for _, d := range e.Domains {
		names = append(names, d.Name)
	}
	return names
}

// A Domain is one source of examples.
type Domain struct {
	Name     string
	Examples int64 // of one epoch: packed rows, or records
	Tokens   int64
}

// A Validator also learns from validation losses, which cost a pass over the validation data.
type Validator interface {
	// Due tells whether losses are wanted after this many steps.
	Due(step int64) bool
	// Validate gets the mean validation loss of every domain; NaN where a domain has no validation data.
	Validate(step int64, losses []float64)
}

// Open prepares m and refuses domains that nobody can pick from.
func Open(m Mixer, env Env) error {
	if len(env.Domains) == 0 {
		return fmt.Errorf("nothing to mix: there is no domain")
	}
	for _, d := range env.Domains {
		if d.Examples == 0 {
			return fmt.Errorf("domain %s is empty: it has no example to train on; leave it out", d.Name)
		}
	}
	if most := limit(env); env.Repeats > 0 && env.Examples() > most {
		return fmt.Errorf("%.0f examples are asked for, but all domains at most %v times are %.0f: lower steps or raise repeats", env.Examples(), env.Repeats, most)
	}
	if o, ok := m.(Opener); ok {
		return o.Open(env)
	}
	return nil
}

// limit is the number of examples that all domains have together under the cap on repetition.
func limit(env Env) (n float64) {
	for _, d := range env.Domains {
		n += env.Repeats * float64(d.Examples)
	}
	return n
}
