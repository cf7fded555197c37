package trainer

import (
	"sluice/trainer/mask"
	"sluice/trainer/mix"
)

// Tasks.
const (
	Causal   = "causal"   // predict the next token of texts
	Masked   = "masked"   // guess masked tokens of texts
	Chat     = "chat"     // answer in conversations; also prompts with completions
	Classify = "classify" // one label, or several, for a text
	Regress  = "regress"  // a number for a text
)

// Config is the `train:` section of a recipe. [Default] has the values of keys that a recipe leaves out.
type Config struct {
	Task       string     `yaml:"task"`       // causal, masked, chat, classify or regress; empty: causal, and classify with model: linear
	Data       []Data     `yaml:"data"`       // the domains of the training; empty: the recipe's own dataset
	Validation Validation `yaml:"validation"` // what training is watched by

	Text       string   `yaml:"text"`       // column of texts in plain files
	Label      string   `yaml:"label"`      // column of labels in plain files
	Labels     []string `yaml:"labels"`     // names and order of the classes; empty: those of the training rows, sorted
	MultiLabel bool     `yaml:"multilabel"` // classify: a text has any number of labels
	Target     string   `yaml:"target"`     // regress: the score or column with the number
	Prompt     string   `yaml:"prompt"`     // chat: column of prompts, for rows that are no conversations
	Completion string   `yaml:"completion"` // chat: column of what follows the prompt; only it counts in the loss
	TrainOn    string   `yaml:"train_on"`   // chat: whose turns count in the loss, assistant or all
	Long       string   `yaml:"long"`       // records longer than the context: cut, skip or error; causal and masked texts are split instead
	FIM        float64  `yaml:"fim"`        // causal: share of documents rearranged to fill in the middle

	Model     ModelConfig     `yaml:"model"`     // the network, or `linear`: softmax regression on hashed n-grams of words and characters, also as `linear: {words: 2}`
	Tokenizer TokenizerConfig `yaml:"tokenizer"` // its vocabulary
	Context   int             `yaml:"context"`   // tokens of a row

	Batch      int     `yaml:"batch"`      // rows of a step
	Accumulate int     `yaml:"accumulate"` // pieces that a batch is worked off in; 0: as many as keep a piece near 4096 tokens. Part of the result's bits
	Steps      int     `yaml:"steps"`      // length of the training; 0: by epochs
	Epochs     float64 `yaml:"epochs"`     // times that all data are gone through, when steps is 0
	Seed       uint64  `yaml:"seed"`       // of weights, order, masks and dropout
	Ensemble   int     `yaml:"ensemble"`   // models of consecutive seeds; predictions are their mean

	Optimizer Optimizer `yaml:"optimizer"` // how gradients become steps
	Schedule  Schedule  `yaml:"schedule"`  // the course of the learning rate
	FindLR    bool      `yaml:"find_lr"`   // search for the learning rate first: 100 steps of rising rates
	EMA       float64   `yaml:"ema"`       // decay of the moving average of weights that is evaluated and saved; 0: none

	Dropout   Dropout `yaml:"dropout"`         // what is left out at random
	Smoothing float64 `yaml:"label_smoothing"` // ε of label smoothing
	RDrop     float64 `yaml:"r_drop"`          // classify: weight of the divergence between two draws of dropout; 0: off

	Mask    Masking  `yaml:"mask"`    // masked: the masker, as `token` or `token: {rate: 0.3}`
	Mix     Mixing   `yaml:"mix"`     // the mixer of several domains, as `uniform` or `temperature: {t: 2}`
	Guard   Guarding `yaml:"guard"`   // judge the mixer against uniform mixing first: the share of the steps for it, as `0.1`, or `{share: 0.1, seeds: 3}`
	Proxy   Proxy    `yaml:"proxy"`   // the small trainings that the mixers regmix and law learn from
	Repeats float64  `yaml:"repeats"` // most epochs of any domain; 0: any number
	Follow  bool     `yaml:"follow"`  // take in shards that are sealed while training runs, at the border of an epoch; the next start trains on all from the beginning

	Eval       Eval       `yaml:"eval"`       // when validation is looked at
	Stop       Stop       `yaml:"stop"`       // when training ends early
	Checkpoint Checkpoint `yaml:"checkpoint"` // what is kept to resume from
	Cost       Cost       `yaml:"cost"`       // for the estimate of energy and money

	Threads   int     `yaml:"threads"`   // 0: all of the machine's
	BF16      bool    `yaml:"bf16"`      // matrix products on bfloat16 where the CPU has it
	MemoryGB  float64 `yaml:"memory_gb"` // refuse what needs more; 0: 80 % of what the system grants
	Recompute string  `yaml:"recompute"` // keep less for the backward pass: none, attention, layers, or auto
	Cache     string  `yaml:"cache"`     // folder of token caches; empty: tokens in the output
	Out       string  `yaml:"out"`       // the model's folder; empty: the caller's choice
}

// Data is one domain.
type Data struct {
	Name string `yaml:"name"` // empty: the last part of the path
	Path string `yaml:"path"` // a dataset's folder, a folder of files, or a file: .parquet, .jsonl, .csv, .txt, …; in a recipe, empty: its own dataset
}

// Validation is kept out of training. The test split of a dataset is never part of it.
type Validation struct {
	Share float64 `yaml:"share"` // of the training rows, by families: a seed and what was made of it stay together
	Path  string  `yaml:"path"`  // other data instead
	Rows  int     `yaml:"rows"`  // most rows of each domain that an evaluation looks at; 0: all
}

// TokenizerConfig is a vocabulary: a file, or one trained on the training texts.
type TokenizerConfig struct {
	Path  string `yaml:"path"`  // tokenizer.json or its folder; empty: the model's own, if it has one
	Train string `yaml:"train"` // bpe, wordpiece, unigram, or chars
	Vocab int    `yaml:"vocab"` // tokens to learn
}

// Optimizer says how gradients become steps.
type Optimizer struct {
	Name   string  `yaml:"name"`         // adamw, muon or schedulefree
	LR     float64 `yaml:"lr"`           // learning rate; with muon, of what is no hidden matrix
	MuonLR float64 `yaml:"muon_lr"`      // learning rate of hidden matrices
	Beta1  float64 `yaml:"beta1"`        // decay of the gradient's average
	Beta2  float64 `yaml:"beta2"`        // decay of the average of its square
	Eps    float64 `yaml:"eps"`          // keeps the divisor from zero
	Decay  float64 `yaml:"weight_decay"` // of matrices
	Clip   float64 `yaml:"clip"`         // longest gradient; 0: any
}

// Schedule is the course of the learning rate.
type Schedule struct {
	Kind     string  `yaml:"kind"`     // wsd, cosine, linear or constant
	Warmup   float64 `yaml:"warmup"`   // share of the steps
	Cooldown float64 `yaml:"cooldown"` // share of the steps, of wsd
	Floor    float64 `yaml:"floor"`    // factor at the end
}

// Dropout holds probabilities.
type Dropout struct {
	Hidden     float64 `yaml:"hidden"`     // of every residual branch and of embeddings
	Attention  float64 `yaml:"attention"`  // of attention's weights
	Classifier float64 `yaml:"classifier"` // before the outputs of classify and regress
	Word       float64 `yaml:"word"`       // of tokens, which become the unknown one
	Layer      float64 `yaml:"layer"`      // of whole layers
}

// Eval says when validation is looked at.
type Eval struct {
	Every int `yaml:"every"` // steps; 0: 20 times in a training
}

// Stop ends a training that no longer gets better, and goes back to its best step.
type Stop struct {
	Patience int     `yaml:"patience"`  // evaluations without progress; 0: never stop early, and end with the last step
	Metric   string  `yaml:"metric"`    // loss, or of classify accuracy
	MinDelta float64 `yaml:"min_delta"` // share of the metric that counts as progress
	Smooth   float64 `yaml:"smooth"`    // decay of the moving average of the metric; 0: the metric itself
}

// Checkpoint says what is kept.
type Checkpoint struct {
	Every int `yaml:"every"` // steps; 0: at every evaluation
	Keep  int `yaml:"keep"`  // of the last ones; the best step is kept besides
}

// Cost is what the estimate of energy and money goes by.
type Cost struct {
	WattsPerThread float64 `yaml:"watts_per_thread"` // of the CPU at full load
	MemoryWatts    float64 `yaml:"memory_watts"`     // of all memory
	GramsPerKWh    float64 `yaml:"grams_per_kwh"`    // CO₂ equivalent of the electricity
	PUE            float64 `yaml:"pue"`              // the building's share
	PricePerHour   float64 `yaml:"price_per_hour"`   // of the machine, in any currency
}

// Default gives the values of keys that a recipe leaves out.
func Default() Config {
	return Config{
		Text: "text", Label: "label", TrainOn: "assistant", Long: "cut",
		Validation: Validation{Share: .05},
		Context:    256, Batch: 16, Epochs: 3, Seed: 1, Ensemble: 1,
		Optimizer:  Optimizer{Name: "adamw", LR: 1e-3, MuonLR: .02, Beta1: .9, Beta2: .95, Eps: 1e-8, Decay: .1, Clip: 1},
		Schedule:   Schedule{Kind: "wsd", Warmup: .02, Cooldown: .2},
		Mask:       Masking{"token", mask.Catalog["token"]()},
		Mix:        Mixing{"uniform", mix.Catalog["uniform"]()},
		Stop:       Stop{Metric: "loss", MinDelta: .001},
		Checkpoint: Checkpoint{Keep: 2},
		Cost:       Cost{WattsPerThread: 4, MemoryWatts: 5, GramsPerKWh: 475, PUE: 1},
		Recompute:  "auto",
	}
}

// packed tells whether rows hold several documents.
func (c *Config) packed() bool { return c.Task != Classify && c.Task != Regress }
