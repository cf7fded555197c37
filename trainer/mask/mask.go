// Package mask chooses which tokens a masked language model must guess, anew in every epoch. A masker is one file, named as recipes name it; its
// struct is its configuration. Masks are functions of (seed, epoch, record, position) and of what a masker has learned, never of time or order of
// work: a run that is killed and resumed masks the same tokens.
//
// It is not the place for loss masks of chats and prompts, which follow from roles, not from chance: that is the feed of package trainer.
//
//	mask.go      what a masker is, the catalog     bits.go    the random words behind a mask
//	budget.go    how much is masked, the race between units, and what stands in a masked token's place
//	words.go     where words are, how often        token.go word.go span.go pmi.go rare.go entropy.go    one masker each
package mask

import (
	"encoding"
	"fmt"
	"iter"

	"sluice/pipeline/catalog"
)

// Catalog lists every masker with its defaults.
var Catalog = catalog.Catalog[Masker]{
	"entropy": func() Masker { return &Entropy{Budget: DefaultBudget(), Decay: .9} },
	"pmi":     func() Masker { return &PMI{Budget: DefaultBudget(), Top: 10000, MinCount: 10} },
	"rare":    func() Masker { return &Rare{Budget: DefaultBudget()} },
	"span":    func() Masker { return &Runs{Budget: DefaultBudget(), P: .2, Most: 10} },
	"token":   func() Masker { return &Token{Budget: DefaultBudget()} },
	"word":    func() Masker { return &Word{Budget: DefaultBudget()} },
}

// A Masker marks the positions of a sequence that count in the loss and writes what the model sees instead.
//
// Mask fills in and counts, both as long as x.IDs: in[i] is x.IDs[i] wherever counts[i] is false, and may be so where it is true. It is called by
// one goroutine at a time, so a masker may keep scratch memory. Between two calls of [Learner.Learn] it must depend on x and bits alone.
type Masker interface {
	Mask(x Tokens, bits Bits, in []int32, counts []bool)
}

// Tokens is one sequence to mask.
type Tokens struct {
	IDs   []int32
	Words []bool  // a word begins here (tokenizer.WordStarts); as long as IDs
	Fixed []bool  // never masked: special tokens; as long as IDs, or nil
	Done  float64 // share of the training that is over, 0…1: what a rate schedule goes by
}

// maskable tells whether position i may be chosen.
func (x Tokens) maskable(i int) bool { return x.Fixed == nil || !x.Fixed[i] }

// Env is what a masker may know before the first step.
type Env struct {
	MaskID  int32                // the id that stands for "guess"
	Vocab   int                  // ids are below this
	Special func(id int32) bool  // ids that never stand in for others
	Corpus  func() iter.Seq[Seq] // the training sequences in their order on disk; may be ranged over more than once
}

// A Seq is a sequence of the training data with its word borders, as in [Tokens].
type Seq struct {
	IDs   []int32
	Words []bool
}

// An Opener is prepared once, before the first mask. Maskers that embed [Budget] are.
type Opener interface{ Open(Env) error }

// A Learner's masks depend on how training goes. After every step it is told the true ids of the masked positions and how surprised the model was by
// each, -ln p(true id) in nats, in the order of the batch; over many positions its mean is the model's entropy there, as far as the model is calibrated.
// All that it has learned is in its binary form, which checkpoints keep.
type Learner interface {
	Learn(ids []int32, surprise []float32)
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// Open prepares m if it wants to be.
func Open(m Masker, env Env) error {
	if env.MaskID < 0 {
		return fmt.Errorf("the tokenizer has no mask token: masked training needs one, such as [MASK]; train one with `special: [[PAD], [UNK], [CLS], [SEP], [MASK]]`")
	}
	if o, ok := m.(Opener); ok {
		return o.Open(env)
	}
	return nil
}
