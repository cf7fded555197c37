package model

import (
	"fmt"
	"math"
	"slices"
)

// A Family is an architecture, by the model_type of config.json.
type Family string

const (
	BERT    Family = "bert" // MiniLM too
	RoBERTa Family = "roberta"
	GPT2    Family = "gpt2"
	Llama   Family = "llama" // SmolLM too
)

// Decoder tells whether tokens see only what comes before them.
func (f Family) Decoder() bool { return f == GPT2 || f == Llama }

// A Head is what follows the body.
type Head string

const (
	AsStored Head = ""          // in LoadOptions: what the files hold
	Body     Head = "body"      // none: hidden states, for embeddings
	MaskedLM Head = "masked-lm" // encoders
	CausalLM Head = "causal-lm" // decoders
	Classify Head = "classify"  // a sequence: classes, independent labels, or numbers, as Problem says
	Tag      Head = "tag"       // every token
)

// A Problem is what the outputs of a Classify head mean, by the problem_type of config.json.
type Problem string

const (
	SingleLabel Problem = "single_label_classification"
	MultiLabel  Problem = "multi_label_classification"
	Regression  Problem = "regression"
)

// Drop holds probabilities, in training only.
type Drop struct {
	Embedding, Hidden, Attention, Classifier float32
	Layer                                    float32 // of leaving a whole layer out (LayerDrop, arXiv 1909.11556)
}

// A Config is the shape of a model. New and Load fill what is zero with the family's usual value, except dropout.
type Config struct {
	Family  Family
	Head    Head
	Problem Problem
	Labels  []string // names of the outputs of Classify and Tag

	Vocab, Hidden, Layers, Heads int
	KVHeads                      int    // Llama: key and value heads; 0: Heads
	HeadDim                      int    // Llama; 0: Hidden/Heads
	FFN                          int    // inner width of the feed-forward part; 0: 4·Hidden, Llama 8/3·Hidden rounded up to a multiple of 64
	Positions                    int    // longest sequence; 0: 512 tokens, 1024 (GPT-2), 2048 (Llama)
	Types                        int    // BERT's segments; 0: 2, RoBERTa 1
	Activation                   string // gelu (erf), gelu_new (tanh), relu2; Llama: silu
	Eps                          float64
	Rope                         RopeConfig // Llama
	Untied                       bool       // the language-modelling head has a matrix of its own
	Pooler                       bool       // Body of BERT or RoBERTa: the pooler's weights are kept, though hidden states do not need them
	PadID                        int32      // RoBERTa's positions begin behind it; -1: none
	BOS                          int32      // -1: none
	EOS                          []int32
	InitRange                    float64 // standard deviation of new weights; 0: .02
	Drop                         Drop
}

// filled gives the config with the usual values in place of zeros.
func (c Config) filled() Config {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	switch c.Family {
	case BERT, RoBERTa:
		set(&c.Positions, 512+c.firstPosition())
		set(&c.Types, map[Family]int{BERT: 2, RoBERTa: 1}[c.Family])
	case GPT2:
		set(&c.Positions, 1024)
	case Llama:
		set(&c.Positions, 2048)
		set(&c.FFN, (c.Hidden*8/3+63)/64*64)
	}
	set(&c.FFN, 4*c.Hidden)
	set(&c.KVHeads, c.Heads)
	set(&c.HeadDim, c.Hidden/max(1, c.Heads))
	if c.Activation == "" {
		c.Activation = map[Family]string{GPT2: "gelu_new", Llama: "silu"}[c.Family]
		if c.Activation == "" {
			c.Activation = "gelu"
		}
	}
	if c.Eps == 0 {
		c.Eps = 1e-5
		if c.Family == BERT {
			c.Eps = 1e-12
		}
	}
	if c.Rope.Theta == 0 {
		c.Rope.Theta = 10000
	}
	if c.InitRange == 0 {
		c.InitRange = .02
	}
	if c.Problem == "" && c.Head == Classify {
		c.Problem = SingleLabel
	}
	return c
}

// limit keeps products of two sizes in range.
const limit = math.MaxInt32

// validate finds what no model can have.
func (c Config) validate() error {
	if !slices.Contains([]Family{BERT, RoBERTa, GPT2, Llama}, c.Family) {
		return fmt.Errorf("model_type %q is not supported: want bert, roberta, gpt2 or llama", c.Family)
	}
	for _, n := range []struct {
		what string
		n    int
	}{{"vocabulary", c.Vocab}, {"hidden size", c.Hidden}, {"number of layers", c.Layers}, {"number of heads", c.Heads}, {"number of key heads", c.KVHeads},
		{"head size", c.HeadDim}, {"feed-forward size", c.FFN}, {"number of positions", c.Positions}} {
		if n.n < 1 || n.n > limit {
			return fmt.Errorf("%s is %d", n.what, n.n)
		}
	}
	switch {
	case c.Layers > 10000:
		return fmt.Errorf("number of layers is %d", c.Layers)
	case c.Family != Llama && (c.Hidden%c.Heads != 0 || c.HeadDim != c.Hidden/c.Heads || c.KVHeads != c.Heads):
		return fmt.Errorf("hidden size %d does not fit %d heads", c.Hidden, c.Heads)
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("%d heads cannot share %d key heads", c.Heads, c.KVHeads)
	case c.Family == Llama && c.HeadDim%2 != 0:
		return fmt.Errorf("head size %d is odd: rotary positions turn pairs", c.HeadDim)
	case !c.Family.Decoder() && (c.Types < 1 || c.Types > limit):
		return fmt.Errorf("number of token types is %d", c.Types)
	case !(c.Eps > 0 && c.Eps < 1) || !(c.InitRange > 0 && c.InitRange < 10):
		return fmt.Errorf("epsilon %g or initial range %g makes no sense", c.Eps, c.InitRange)
	}
	acts := []string{"gelu", "gelu_new", "gelu_pytorch_tanh", "relu2"}
	if c.Family == Llama {
		acts = []string{"silu"}
	}
	if !slices.Contains(acts, c.Activation) {
		return fmt.Errorf("activation %q is not supported: want one of %v", c.Activation, acts)
	}
	for _, p := range []float32{c.Drop.Embedding, c.Drop.Hidden, c.Drop.Attention, c.Drop.Classifier, c.Drop.Layer} {
		if !(p >= 0 && p < 1) {
			return fmt.Errorf("dropout %g is not in [0, 1)", p)
		}
	}
	if c.Family == Llama {
		if err := c.Rope.validate(); err != nil {
			return err
		}
	}
	return c.validateHead()
}

func (c Config) validateHead() error {
	switch c.Head {
	case Body:
	case MaskedLM, CausalLM:
		if (c.Head == CausalLM) != c.Family.Decoder() {
			return fmt.Errorf("a %s has no %s head", c.Family, c.Head)
		}
	case Classify, Tag:
		if len(c.Labels) == 0 {
			return fmt.Errorf("a %s head needs labels", c.Head)
		}
		if c.Head == Classify && !slices.Contains([]Problem{SingleLabel, MultiLabel, Regression}, c.Problem) {
			return fmt.Errorf("problem_type %q is unknown", c.Problem)
		}
	default:
		return fmt.Errorf("unknown head %q", c.Head)
	}
	return nil
}

// firstPosition is the row of the position table that belongs to a sequence's first token.
func (c Config) firstPosition() int {
	if c.Family == RoBERTa {
		return int(max(0, c.PadID)) + 1
	}
	return 0
}

// MaxTokens is the number of tokens that the positions suffice for.
func (c Config) MaxTokens() int { return c.Positions - c.firstPosition() }
