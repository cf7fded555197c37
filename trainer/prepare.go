package trainer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/kernel"
	"sluice/trainer/mask"
	"sluice/trainer/mix"
	"sluice/trainer/model"
	"sluice/trainer/optim"
	"sluice/trainer/tensor"
	"sluice/trainer/tokenizer"
)

// A run is one training: everything that the loop works on.
type run struct {
	c Config
	o Options

	tok       *tokenizer.Tokenizer
	corpus    *feed.Corpus // training, and validation by share
	other     *feed.Corpus // validation by path, or nil
	tests     []*feed.Corpus
	train     []*feed.Set
	valid     []*feed.Set
	labels    []string
	order     feed.Order
	env       mix.Env
	mixer     mix.Mixer // in use; the config's is only its pattern
	decision  *Decision
	trials    trials
	steps     int
	micros    int
	epoch     int64 // rows of all domains together, once
	engine    *tensor.CPU
	model     *model.Model
	params    []optim.Param
	opt       optim.Optimizer
	ema       *optim.EMA
	sched     optim.Schedule
	feed      *feed.Feed
	masker    mask.Masker
	learner   mask.Learner
	yardstick mask.Masker // of evaluations
	words     []bool      // scratch of masking
	fixed     []bool
	counts    []bool

	step    int
	saved   int     // step of the last checkpoint
	factor  float64 // of the learning rate, in the search for it; 0: as scheduled
	tokens  int64   // trained on so far
	elapsed time.Duration
	early   early
	history *history
	plan    *Forecast
	meter   *meter
	lr      float64 // found by FindLR; 0: the config's
	notes   []string
	last    *Result // of the last evaluation
}

// prepare does everything before the first step but the feed.
func prepare(ctx context.Context, c Config, o Options) (*run, error) {
	return begin(ctx, c, o, (*run).vocabulary, (*run).data, func(r *run, _ context.Context) error { return r.network() },
		func(r *run, _ context.Context) error { return r.masking() }, (*run).length, func(r *run, _ context.Context) error { return r.fit(r.c.Accumulate == 0) })
}

// begin makes a run and takes the first steps of its preparation.
func begin(ctx context.Context, c Config, o Options, steps ...func(*run, context.Context) error) (ready *run, err error) {
	if o.FS == nil {
		o.FS = schemas.Disk
	}
	if err := c.settle(); err != nil {
		return nil, err
	}
	if err := vacant(o.Dir); err != nil {
		return nil, err
	}
	if c.Model.Path != "" && filepath.Clean(c.Model.Path) == filepath.Clean(o.Dir) {
		return nil, bad("out", "model.path and the folder of the new model are both %s: give another folder", o.Dir)
	}
	if c.Threads == 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	r := &run{c: c, o: o}
	if r.c.Cache == "" {
		r.c.Cache = r.ownCache()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	set, err := kernel.Default()
	if err != nil {
		return nil, err
	}
	r.engine = tensor.NewCPU(tensor.Options{Set: set, Threads: c.Threads, BF16: c.BF16})
	for _, step := range steps {
		if err := step(r, ctx); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// tokensDir is where tokens are kept when the config does not say.
const tokensDir = "tokens"

func (r *run) ownCache() string { return filepath.Join(r.o.Dir, tokensDir) }

func (r *run) close() (err error) {
	if r.feed != nil {
		err = r.feed.Close()
	}
	for _, c := range append(r.tests, r.corpus, r.other) {
		if c != nil {
			err = errors.Join(err, c.Close())
		}
	}
	if r.history != nil {
		err = errors.Join(err, r.history.close())
	}
	return err
}

func (r *run) say(what string) {
	if r.o.Say != nil {
		r.o.Say(what)
	}
}

func (r *run) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
	r.say(r.notes[len(r.notes)-1])
}

func (r *run) sources() []feed.Source { return sources(r.c.Data) }

func sources(data []Data) (out []feed.Source) {
	for _, d := range data {
		out = append(out, feed.Source{Name: d.Name, Path: d.Path})
	}
	return out
}

// form says how records become tokens.
func (r *run) form() feed.Form {
	f := feed.Form{Kind: feed.Plain, Text: r.c.Text, Label: r.c.Label}
	switch r.c.Task {
	case Chat:
		f.Kind, f.TrainOn = feed.Chat, r.c.TrainOn
		if r.c.Prompt != "" {
			f.Kind, f.Prompt, f.Completion, f.TrainOn = feed.Completion, r.c.Prompt, r.c.Completion, ""
		}
	case Classify:
		f.Kind = feed.Labeled
	case Regress:
		f.Kind, f.Target = feed.Number, r.c.Target
	}
	if f.Kind != feed.Plain {
		f.Length, f.Long = r.c.Context, r.c.Long
	}
	return f
}

func (r *run) options(sources []feed.Source, role string, share float64) feed.Options {
	return feed.Options{Sources: sources, Role: role, Tokenizer: r.tok, Form: r.form(), Cache: r.c.Cache, Validation: share,
		Threads: r.c.Threads, FS: r.o.FS, Progress: r.o.Say}
}

// data opens training and validation data and settles the classes.
func (r *run) data(ctx context.Context) (err error) {
	share := r.c.Validation.Share
	if r.c.Validation.Path != "" {
		share = 0
		src := []feed.Source{{Name: "validation", Path: r.c.Validation.Path}}
		if r.other, err = feed.Open(ctx, r.options(src, "", 0)); err != nil {
			return err
		}
		r.valid = append(r.valid, r.other.Train(0, -1).Head(r.c.Validation.Rows))
	}
	if r.corpus, err = feed.Open(ctx, r.options(r.sources(), "", share)); err != nil {
		return err
	}
	for k := range r.corpus.Domains {
		s := r.corpus.Train(k, -1)
		if s.Len() == 0 {
			return r.emptyError(k, s)
		}
		r.train = append(r.train, s)
		if v := r.corpus.Validation(k); share > 0 && v.Len() > 0 {
			r.valid = append(r.valid, v.Head(r.c.Validation.Rows))
		}
	}
	if left := r.corpus.Left(); len(left) > 0 {
		r.say("records left out or cut: " + reasons(left))
	}
	if len(r.valid) == 0 && r.c.Stop.Patience > 0 {
		return bad("stop", "early stopping wants validation data, and there are none: set validation.share or validation.path")
	}
	if err := r.classes(); err != nil {
		return err
	}
	r.order = r.plainOrder()
	r.order.Follow = r.c.Follow
	if r.c.FIM > 0 {
		r.order.FIM, err = feed.NewFIM(r.c.FIM, r.tok)
	}
	return err
}

// classes settles the names of the model's outputs.
func (r *run) classes() error {
	switch r.c.Task {
	case Regress:
		r.labels = []string{r.c.Target}
	case Classify:
		if r.labels = r.c.Labels; r.labels == nil {
			r.labels = feed.Labels(r.train)
		}
		if len(r.labels) < 2 && !r.c.MultiLabel {
			return bad("label", "the training rows have %d classes %q: a classifier needs at least 2", len(r.labels), r.labels)
		}
		return r.checkLabels()
	}
	return nil
}

// checkLabels finds labels that the model will not know before any work is done.
func (r *run) checkLabels() error {
	for _, s := range slices.Concat(r.train, r.valid) {
		for i := range s.Len() {
			for _, l := range s.LabelsOf(i) {
				if !slices.Contains(r.labels, l) {
					return bad("labels", "label %q of %s is none of the %d labels to learn: list it under labels, or leave the row out", l, s.Place(i), len(r.labels))
				}
			}
		}
	}
	return nil
}

// masking prepares the masker.
func (r *run) masking() error {
	s := r.tok.Special()
	if r.c.Dropout.Word > 0 && s.UNK < 0 {
		return bad("dropout.word", "dropout.word replaces tokens by the unknown one, which the tokenizer does not have")
	}
	if r.c.Task != Masked {
		return nil
	}
	r.masker = r.c.Mask.Masker
	r.learner, _ = r.masker.(mask.Learner)
	env := mask.Env{MaskID: s.MASK, Vocab: r.tok.Vocab(), Special: r.tok.IsSpecial, Corpus: func() iter.Seq[mask.Seq] {
		return func(yield func(mask.Seq) bool) {
			for _, set := range r.train {
				for i := range set.Len() {
					ids := set.IDs(i)
					if !yield(mask.Seq{IDs: ids, Words: r.tok.WordStarts(nil, ids)}) {
						return
					}
				}
			}
		}
	}}
	if err := mask.Open(r.masker, env); err != nil {
		return bad("mask", "mask %s: %w", r.c.Mask.Name, err)
	}
	return r.judgeMasker()
}

// length settles the number of steps and prepares the mixer, the schedule and the optimiser.
func (r *run) length(context.Context) error {
	r.environment()
	if err := r.mixing(); err != nil {
		return err
	}
	return r.pace()
}

// environment is what mixers may know, and with it the number of steps.
func (r *run) environment() {
	env := mix.Env{Batch: r.c.Batch, Seed: r.c.Seed, Repeats: r.c.Repeats, Records: r.corpus.Records, Judged: []string{}}
	r.epoch = 0
	for _, s := range r.train {
		n := feed.Rows(s, r.order)
		r.epoch += n
		env.Domains = append(env.Domains, mix.Domain{Name: s.Name, Examples: n, Tokens: s.Tokens})
	}
	for _, s := range r.valid {
		env.Judged = append(env.Judged, s.Name)
	}
	if r.steps = r.c.Steps; r.steps == 0 {
		r.steps = max(1, int(math.Ceil(r.c.Epochs*float64(r.epoch)/float64(r.c.Batch))))
	}
	env.Steps = int64(r.steps)
	r.env = env
}

// pace settles the pieces of a batch, the moments of evaluations and checkpoints, and the schedule.
func (r *run) pace() error {
	if r.micros = r.c.Accumulate; r.micros == 0 {
		r.micros = max(1, min(r.c.Batch, (r.c.Batch*r.c.Context+4095)/4096))
	}
	every := max(1, r.steps/20)
	if r.c.Eval.Every == 0 {
		r.c.Eval.Every = every
	}
	if r.c.Checkpoint.Every == 0 {
		r.c.Checkpoint.Every = r.c.Eval.Every
	}
	// The schedule is one step longer than the training, so that neither the first nor the last step has a rate of 0.
	s := r.c.Schedule
	r.sched = optim.Schedule{Kind: s.Kind, Steps: r.steps + 1, Warmup: int(math.Ceil(s.Warmup * float64(r.steps))), Cooldown: int(s.Cooldown * float64(r.steps)), Floor: s.Floor}
	return r.sched.Check()
}

// optimise makes a new optimiser; its memory counts as planned.
func (r *run) optimise() (err error) {
	o := r.c.Optimizer
	lr, scale := o.LR, 1.
	if r.lr > 0 {
		lr, scale = r.lr, r.lr/o.LR
	}
	r.opt, err = optim.New(optim.Config{Name: o.Name, LR: lr, MuonLR: o.MuonLR * scale, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps, Decay: o.Decay}, r.params)
	if err == nil && r.c.EMA > 0 {
		r.ema = optim.NewEMA(r.params, r.c.EMA)
	}
	return err
}

// kernels names what the run computes with, as checkpoints do.
func (r *run) kernels() string { return r.engine.Set().Kernels(r.c.BF16) }
