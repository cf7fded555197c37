package trainer

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sluice/pipeline/catalog"
)

// A KeyError says which key of a [Config] is wrong.
type KeyError struct {
	Key  string // as `optimizer.lr`; empty: the section as a whole
	Hint string // the remedy, where one is known
	Err  error
}

func (e *KeyError) Error() string { return e.Err.Error() }
func (e *KeyError) Unwrap() error { return e.Err }

func bad(key, format string, args ...any) error {
	return &KeyError{Key: key, Err: fmt.Errorf(format, args...)}
}

// Check reports what is wrong with a config by itself, before any file is read, as a [KeyError]; and it settles the task where that is left open.
func (c *Config) Check() error {
	if c.Task == "" {
		if c.Task = Causal; c.Model.linear() {
			c.Task = Classify
		}
	}
	if err := c.choices(); err != nil {
		return err
	}
	var domains []string
	for _, d := range named(c.Data) {
		domains = append(domains, d.Name)
	}
	switch {
	case len(c.Data) == 0:
		return bad("data", "data is empty: name at least one dataset or file to train on")
	case twice("data", domains) != nil:
		return &KeyError{Key: "data", Hint: "give one of them another name", Err: fmt.Errorf("two domains have the same name: %w", twice("data", domains))}
	case twice("labels", c.Labels) != nil:
		return twice("labels", c.Labels)
	}
	if c.Model.linear() {
		return c.checkLinear()
	}
	if err := c.shares(); err != nil {
		return err
	}
	if c.Steps > 0 && c.guards(len(c.Data)) {
		if err := c.Guard.Suits(int64(c.Steps)); err != nil {
			return &KeyError{Key: "guard", Err: err}
		}
	}
	return c.checkNetwork()
}

// settle checks the config, and names domains that have no name.
func (c *Config) settle() error {
	c.Data = named(c.Data)
	return c.Check()
}

// twice finds what stands in a list a second time.
func twice(key string, names []string) error {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return bad(key, "%s: %q stands there twice", key, name)
		}
	}
	return nil
}

// choices checks the keys whose values are words.
func (c *Config) choices() error {
	for _, k := range []struct {
		key, value string
		known      []string
	}{
		{"task", c.Task, []string{Causal, Masked, Chat, Classify, Regress}},
		{"model.arch", c.Model.Arch, []string{"", "llama", "gpt2", "bert", "roberta", ArchLinear}},
		{"tokenizer.train", c.Tokenizer.Train, []string{"", "bpe", "wordpiece", "unigram", "chars"}},
		{"train_on", c.TrainOn, []string{"assistant", "all"}},
		{"long", c.Long, []string{"cut", "skip", "error"}},
		{"recompute", c.Recompute, []string{"auto", "none", "attention", "layers"}},
		{"optimizer.name", c.Optimizer.Name, []string{"adamw", "muon", "schedulefree"}},
		{"schedule.kind", c.Schedule.Kind, []string{"wsd", "cosine", "linear", "constant"}},
		{"stop.metric", c.Stop.Metric, []string{"loss", "accuracy"}},
	} {
		if slices.Contains(k.known, k.value) {
			continue
		}
		known := slices.DeleteFunc(k.known, func(s string) bool { return s == "" })
		e := &KeyError{Key: k.key, Err: fmt.Errorf("%s is %q: want one of %s", k.key, k.value, strings.Join(known, ", "))}
		if near := catalog.Nearest(k.value, known); near != "" {
			e.Hint = "did you mean " + near + "?"
		}
		return e
	}
	return nil
}

// shares checks the keys whose values are shares.
func (c *Config) shares() error {
	for _, k := range []struct {
		key   string
		value float64
	}{
		{"validation.share", c.Validation.Share}, {"dropout.hidden", c.Dropout.Hidden}, {"dropout.attention", c.Dropout.Attention},
		{"dropout.classifier", c.Dropout.Classifier}, {"dropout.word", c.Dropout.Word}, {"dropout.layer", c.Dropout.Layer},
		{"label_smoothing", c.Smoothing}, {"ema", c.EMA}, {"schedule.warmup", c.Schedule.Warmup}, {"schedule.cooldown", c.Schedule.Cooldown},
		{"stop.smooth", c.Stop.Smooth}, {"optimizer.beta1", c.Optimizer.Beta1}, {"optimizer.beta2", c.Optimizer.Beta2},
	} {
		if !(k.value >= 0 && k.value < 1) {
			return bad(k.key, "%s is a share from 0 to below 1, not %v", k.key, k.value)
		}
	}
	return nil
}

func (c *Config) checkNetwork() error {
	switch {
	case c.Context < 2:
		return bad("context", "context is %d tokens: want 2 or more", c.Context)
	case c.Batch < 1:
		return bad("batch", "batch is %d rows: want 1 or more", c.Batch)
	case c.Accumulate < 0 || c.Accumulate > c.Batch:
		return bad("accumulate", "accumulate is %d pieces of a batch of %d rows: want at most as many pieces as rows", c.Accumulate, c.Batch)
	case c.Steps < 0:
		return bad("steps", "steps is %d: want 1 or more, or 0 and epochs", c.Steps)
	case c.Steps == 0 && !(c.Epochs > 0):
		return bad("epochs", "steps %d and epochs %v: one of them must be above 0", c.Steps, c.Epochs)
	case c.Ensemble < 1 || c.Ensemble > 1 && c.Task != Classify && c.Task != Regress:
		return bad("ensemble", "ensemble is %d: want 1, or more for classify and regress", c.Ensemble)
	case !(c.Optimizer.LR > 0):
		return bad("optimizer.lr", "optimizer.lr is %v: want more than 0", c.Optimizer.LR)
	case c.Optimizer.Name == "muon" && !(c.Optimizer.MuonLR > 0):
		return bad("optimizer.muon_lr", "optimizer.muon_lr is %v: want more than 0", c.Optimizer.MuonLR)
	case !(c.Optimizer.Eps > 0):
		return bad("optimizer.eps", "optimizer.eps is %v: want more than 0", c.Optimizer.Eps)
	case !(c.Optimizer.Decay >= 0):
		return bad("optimizer.weight_decay", "optimizer.weight_decay is %v: want 0 or more", c.Optimizer.Decay)
	case !(c.Optimizer.Clip >= 0):
		return bad("optimizer.clip", "optimizer.clip is %v: want more than 0, or 0 for any length", c.Optimizer.Clip)
	case c.RDrop < 0 || c.RDrop > 0 && (c.Task != Classify || c.MultiLabel):
		return bad("r_drop", "r_drop is for classify with a single label")
	case c.RDrop > 0 && c.Dropout.Hidden+c.Dropout.Attention+c.Dropout.Classifier+c.Dropout.Layer == 0:
		return bad("r_drop", "r_drop compares two draws of dropout, and there is no dropout: set dropout.hidden")
	case c.EMA > 0 && c.Optimizer.Name == "schedulefree":
		return bad("ema", "schedulefree averages weights itself: leave ema out")
	case c.Stop.Metric == "accuracy" && (c.Task != Classify || c.MultiLabel):
		return bad("stop.metric", "stop.metric accuracy is for classify with a single label")
	case !(c.FIM >= 0 && c.FIM <= 1):
		return bad("fim", "fim is a share from 0 to 1, not %v", c.FIM)
	case c.FIM > 0 && c.Task != Causal:
		return bad("fim", "fim is for the task causal")
	case (c.Prompt == "") != (c.Completion == ""):
		return bad("prompt", "prompt and completion are columns that belong together: name both")
	case c.Task == Regress && c.Target == "":
		return bad("target", "regress wants target: the score or column with the number")
	case c.Model.Path == "" && (c.Model.Layers < 1 || c.Model.Heads < 1 || c.Model.Dim < 1):
		return bad("model", "model wants a path, or arch with layers, heads and dim; or it is `linear`, which needs no more")
	case c.Proxy.Runs < 0 || c.Proxy.Steps < 0:
		return bad("proxy", "proxy: runs and steps take no negative numbers")
	case c.Proxy.Model != (ModelConfig{}) && c.Proxy.Model.Path == "" && (c.Proxy.Model.Layers < 1 || c.Proxy.Model.Heads < 1 || c.Proxy.Model.Dim < 1):
		return bad("proxy.model", "proxy.model wants layers, heads and dim, or to be left out: then proxy runs train the model itself")
	case c.Schedule.Warmup+c.Schedule.Cooldown > 1:
		return bad("schedule", "schedule: warm-up and cooldown are more than the whole training")
	case c.Stop.Patience < 0 || c.Stop.MinDelta < 0:
		return bad("stop", "stop takes no negative numbers")
	case c.Eval.Every < 0:
		return bad("eval.every", "eval.every is %d steps: want 1 or more, or 0 for 20 times", c.Eval.Every)
	case c.Checkpoint.Every < 0 || c.Checkpoint.Keep < 1:
		return bad("checkpoint", "checkpoint.every takes no negative number, and checkpoint.keep is at least 1")
	case c.Repeats < 0:
		return bad("repeats", "repeats is %v epochs: want more than 0, or 0 for any number", c.Repeats)
	}
	return nil
}

// readByLinear are the keys of a config that the linear student reads.
var readByLinear = []string{"task", "data", "text", "label", "labels", "multilabel", "model", "seed", "cost", "threads", "out"}

// checkLinear refuses what the linear student would not look at: a key that changes nothing is a mistake.
func (c *Config) checkLinear() error {
	if c.Task != Classify {
		return bad("task", "task is %s: the linear model classifies; leave task out, or take a network", c.Task)
	}
	standard := Default()
	have, usual := reflect.ValueOf(*c), reflect.ValueOf(standard)
	for i := range have.NumField() {
		f := have.Type().Field(i)
		key := f.Tag.Get("yaml")
		if slices.Contains(readByLinear, key) || reflect.DeepEqual(have.Field(i).Interface(), usual.Field(i).Interface()) {
			continue
		}
		return &KeyError{Key: key, Hint: "leave it out; settings of the linear model stand in model: {linear: {…}}",
			Err: fmt.Errorf("%s belongs to networks: the linear model does not read it", key)}
	}
	m := c.Model
	if m.Linear = nil; m != (ModelConfig{Arch: ArchLinear}) {
		return bad("model", "the linear model has no path, layers, heads, dim and the like: its settings stand in model: {linear: {…}}")
	}
	if c.Model.Linear == nil {
		l := DefaultLinear()
		c.Model.Linear = &l
	}
	if c.Threads < 0 {
		return bad("threads", "threads is %d: want 1 or more, or 0 for all", c.Threads)
	}
	if err := c.Model.Linear.Config.Check(); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		key := "model.linear"
		if name, _, ok := strings.Cut(first, ":"); ok && !strings.ContainsAny(name, " ,") {
			key += "." + name
		}
		return bad(key, "model.linear: %s", first)
	}
	return nil
}
