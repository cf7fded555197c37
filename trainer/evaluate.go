package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/kernel"
	"sluice/trainer/mask"
	"sluice/trainer/model"
	"sluice/trainer/tensor"
	"sluice/trainer/tokenizer"
)

// evalRows is the number of rows that an evaluation runs at once; of packed rows, as many as have about as many tokens as 32 rows of 128.
func (r *run) evalRows() int { return min(32, max(1, 4096/r.c.Context)) }

// evaluate says what the model is worth on sets: without dropout, smoothing, or anything drawn at random.
func (r *run) evaluate(ctx context.Context, sets []*feed.Set) (*Result, error) {
	sum, said := newSums(len(sets)), &predictions{labels: r.labels}
	for k, s := range sets {
		for m, err := range feed.Once(s, r.order, k, r.evalRows()) {
			if err != nil {
				return nil, err
			}
			if err := ctx.Err(); err != nil {
				return nil, context.Cause(ctx)
			}
			if err := r.look(m, sum, said); err != nil {
				return nil, fmt.Errorf("evaluate %s: %w", s.Name, err)
			}
		}
	}
	res := score(r.c.Task, said)
	res.Domains = map[string]*DomainResult{}
	for k, s := range sets {
		if sum.count[k] > 0 {
			res.Domains[s.Name] = &DomainResult{Loss: sum.loss[k] / sum.count[k], Targets: int64(sum.count[k])}
			res.Targets += int64(sum.count[k])
		}
	}
	if res.Targets == 0 {
		return nil, fmt.Errorf("evaluate: the data hold no target")
	}
	res.Loss = sum.mean()
	if r.c.packed() {
		res.Perplexity = perplexity(res.Loss)
	}
	return res, nil
}

// look runs one piece forward.
func (r *run) look(m *feed.Micro, sum *sums, said *predictions) error {
	w := r.work(&feed.Batch{Micros: []*feed.Micro{m}}, 1, false)
	in := model.Input{IDs: w.inputs[0], Batch: m.Rows, Time: m.Time, Lengths: m.Lengths, Docs: m.Docs}
	if r.c.packed() {
		if w.weight == 0 {
			return nil
		}
		each := make([]float32, len(m.IDs))
		err := r.engine.Infer(func(g *tensor.Graph) {
			r.model.Loss(g, in, model.Targets{Tokens: w.targets[0], RowLoss: each})
		})
		learner := r.learner
		r.learner = nil // what is seen in evaluation is not learned from
		r.tokenLosses(m, w.targets[0], each, sum)
		r.learner = learner
		return err
	}
	return r.engine.Infer(func(g *tensor.Graph) { said.add(r, m, r.model.Logits(g, in).Value(), sum) })
}

// Evaluate says what the model in dir, trained by a run of this package, is worth on data: the test rows of datasets, and all rows of other files.
func Evaluate(ctx context.Context, dir string, data []Data, o Options) (*Result, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if c.Task == Classify {
		return Predict(ctx, dir, data, o, nil)
	}
	var said []*predictions
	dirs := members(dir)
	for _, d := range dirs {
		res, err := evaluateOne(ctx, c, d, data, o)
		if err != nil || len(dirs) == 1 {
			return res, err
		}
		said = append(said, res.said)
	}
	c.Ensemble = len(dirs)
	return together(c, said), nil
}

// evaluateOne is [Evaluate] for one model that is no classifier.
func evaluateOne(ctx context.Context, c Config, dir string, data []Data, o Options) (*Result, error) {
	r, err := loadRun(c, dir, o)
	if err != nil {
		return nil, err
	}
	if c.Task == Masked {
		if err := r.judgeMasker(); err != nil {
			return nil, err
		}
	}
	defer r.close()
	var sets []*feed.Set
	if sets, err = r.openTest(ctx, named(data), true); err != nil {
		return nil, err
	}
	if len(sets) == 0 {
		return nil, errNoTest
	}
	return r.evaluate(ctx, sets)
}

var errNoTest = errors.New("there is nothing to evaluate on: the datasets have no test rows; set source.holdout where they are made")

// loadRun makes a run of a model that is finished.
func loadRun(c Config, dir string, o Options) (*run, error) {
	r := &run{c: c, o: o}
	r.o.Dir = dir
	if o.FS == nil {
		r.o.FS = schemas.Disk
	}
	r.c.Threads = runtime.GOMAXPROCS(0)
	if _, err := os.Stat(r.c.Cache); err != nil {
		r.c.Cache = r.ownCache()
	}
	set, err := kernel.Default()
	if err != nil {
		return nil, err
	}
	r.engine = tensor.NewCPU(tensor.Options{Set: set, Threads: r.c.Threads, BF16: c.BF16})
	if r.tok, err = tokenizer.Load(dir); err != nil {
		return nil, err
	}
	head, problem := r.head()
	if r.model, err = model.Load(dir, model.LoadOptions{Head: head, Problem: problem}); err != nil {
		return nil, err
	}
	r.labels = r.model.Config.Labels
	r.order = r.plainOrder()
	return r, nil
}

// named gives data without a name that of their path.
func named(data []Data) []Data {
	data = slices.Clone(data)
	for i := range data {
		if data[i].Name == "" {
			data[i].Name = filepath.Base(filepath.Clean(data[i].Path))
		}
	}
	return data
}

// openTest opens the test rows of datasets; of plain files, all rows with all set, else none.
func (r *run) openTest(ctx context.Context, data []Data, all bool) (sets []*feed.Set, err error) {
	for _, d := range data {
		role := schemas.RoleTest
		if _, err := os.Stat(filepath.Join(d.Path, schemas.ManifestFile)); err != nil && all {
			role = schemas.RoleTrain
		}
		c, err := feed.Open(ctx, r.options(sources([]Data{d}), role, 0))
		if err != nil {
			return nil, err
		}
		r.tests = append(r.tests, c)
		if s := c.Train(0, -1); s.Len() > 0 {
			sets = append(sets, s)
		}
	}
	return sets, nil
}

// plainOrder says how the task makes rows, without what only training does.
func (r *run) plainOrder() feed.Order {
	o := feed.Order{Seed: r.c.Seed, Length: r.c.Context, Packed: r.c.packed(), Overlap: r.c.Task == Causal || r.c.Task == Chat, Pad: max(0, r.tok.Special().PAD)}
	if r.c.Task == Classify {
		o.Classes, o.Multi = r.labels, r.c.MultiLabel
	}
	return o
}

// judgeMasker sets the masker of evaluations: 15 % of single tokens whatever the training masks, so that models can be compared.
func (r *run) judgeMasker() error {
	r.yardstick = &mask.Token{Budget: mask.DefaultBudget()}
	return mask.Open(r.yardstick, mask.Env{MaskID: r.tok.Special().MASK, Vocab: r.tok.Vocab(), Special: r.tok.IsSpecial})
}

// configFile is where a run's config lies beside its model.
const configFile = "train.json"

func readConfig(dir string) (c Config, err error) {
	path := filepath.Join(dir, configFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("%s holds no model that sluice has trained: %w", dir, err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return c, nil
}
