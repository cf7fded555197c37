package trainer

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/trainer/mask"
	"sluice/trainer/mix"
)

// A trained is what a training left behind.
type trained struct {
	dir string
	rep *Report
}

func (x trained) file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(x.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An effect is what a key of the recipe does: two trainings that differ in the key alone differ in this.
type effect struct {
	task   string                  // empty: causal
	base   func(c *Config)         // of both
	change func(c *Config)         // of the second
	seen   func(a, b trained) bool // nil: other weights
	rows   func() []map[string]any // nil: those of the task
	refuse string                  // the second is refused with this instead
}

// Every key of a config is read by something that a user sees: no key is there for show.
func TestEveryKeyHasAnEffect(t *testing.T) {
	effects := effects(t)
	for _, s := range settings(Default()) {
		switch top, _, _ := strings.Cut(s.key, "."); top {
		case "mask", "mix", "guard", "proxy", "out": // tested in their packages; in mixing_test.go; the program's business
			continue
		}
		if _, ok := effects[s.key]; !ok {
			t.Errorf("nothing tells what %s changes", s.key)
		}
	}
	for key, e := range effects {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			var both [2]trained
			for i := range both {
				c := e.config(t)
				if i == 1 {
					e.change(&c)
				}
				dir := t.TempDir()
				rep, err := Train(t.Context(), c, Options{Dir: dir})
				if i == 1 && e.refuse != "" {
					if err == nil || !strings.Contains(err.Error(), e.refuse) {
						t.Errorf("got %v, want an error with %q", err, e.refuse)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				both[i] = trained{dir, rep}
			}
			if seen := e.seen; seen != nil {
				if !seen(both[0], both[1]) {
					t.Error("changes nothing that it is there for")
				}
			} else if weights(t, both[0].dir) == weights(t, both[1].dir) {
				t.Error("does not change the weights")
			}
		})
	}
}

func (e effect) config(t *testing.T) Config {
	task := e.task
	if task == "" {
		task = Causal
	}
	rows := map[string][]map[string]any{Causal: sentences(24, 1), Masked: sentences(24, 1), Chat: chats(24), Classify: labeled(24, 1), Regress: labeled(24, 1)}[task]
	if e.rows != nil {
		rows = e.rows()
	}
	c := tiny(t, task, rows)
	c.Target = map[bool]string{true: "score"}[task == Regress]
	c.Model, c.Batch, c.Steps, c.Eval.Every, c.Validation.Share = ModelConfig{Layers: 2, Heads: 2, Dim: 16}, 4, 4, 2, .3
	c.Mask, c.Mix = Masking{"token", mask.Catalog["token"]()}, Mixing{"uniform", mix.Catalog["uniform"]()}
	if e.base != nil {
		e.base(&c)
	}
	return c
}

func effects(t *testing.T) map[string]effect {
	twice := func(c *Config) {
		c.Data = append(c.Data, Data{Name: "second", Path: jsonl(t, filepath.Join(t.TempDir(), "second.jsonl"), sentences(200, 7)...)})
	}
	columns := func() (rows []map[string]any) {
		for i, r := range labeled(24, 1) {
			rows = append(rows, map[string]any{"text": r["text"], "label": r["label"], "other": "a b c " + r["label"].(string), "tone": []string{"warm", "cold"}[i%2], "score": r["score"], "n": float64(i)})
		}
		return rows
	}
	evaluations := func(x trained) int { return bytes.Count(x.file(t, metricsFile), []byte(`"eval"`)) }
	better := func(a, b trained) bool { return a.rep.Bill != b.rep.Bill && a.rep.Config.Cost != b.rep.Config.Cost }
	untold := func(c *Config) { // validation that gets worse: every look after the first is a bad one
		c.Validation = Validation{Path: jsonl(t, filepath.Join(t.TempDir(), "v.jsonl"), shuffled(labeled(24, 5))...)}
		c.Steps, c.Eval.Every, c.Optimizer.LR, c.Stop.Patience = 24, 1, .02, 2
	}
	learned := func(c *Config) { // validation that gets better all the time
		c.Validation = Validation{Path: c.Data[0].Path}
		c.Steps, c.Eval.Every, c.Optimizer.LR, c.Stop.Patience = 24, 1, .01, 4
	}
	average := func(x trained) float64 {
		s, err := readState(filepath.Join(x.dir, checkpointDir, stepDir(x.rep.Step)))
		if err != nil {
			t.Fatal(err)
		}
		return s.Early.Sum / s.Early.Weight
	}
	lengths := func(a, b trained) bool { return a.rep.Step != b.rep.Step }
	same := func(seen func(a, b trained) bool) func(a, b trained) bool {
		return func(a, b trained) bool { return weights(t, a.dir) == weights(t, b.dir) && seen(a, b) }
	}
	base := t.TempDir()
	train(t, with(tiny(t, Causal, sentences(24, 1)), func(c *Config) { c.Model.Dim, c.Steps = 16, 1 }), Options{Dir: base})
	bert := func(c *Config) { c.Dropout.Hidden = .1 }
	return map[string]effect{
		"task":             {change: func(c *Config) { c.Task = Masked }},
		"data[].name":      {change: func(c *Config) { c.Data[0].Name = "x" }, seen: func(a, b trained) bool { return b.rep.Data[0].Name == "x" && a.rep.Data[0].Name == "data" }},
		"data[].path":      {change: func(c *Config) { c.Data[0].Path = jsonl(t, filepath.Join(t.TempDir(), "o.jsonl"), sentences(24, 5)...) }},
		"validation.share": {change: func(c *Config) { c.Validation.Share = .6 }},
		"validation.path":  {change: func(c *Config) { c.Validation.Path = c.Data[0].Path }, seen: func(a, b trained) bool { return b.rep.Validation.Domains["validation"] != nil }},
		"validation.rows":  {change: func(c *Config) { c.Validation.Rows = 1 }, seen: func(a, b trained) bool { return b.rep.Data[0].Validation == 1 && a.rep.Data[0].Validation > 1 }},
		"text":             {task: Classify, rows: columns, change: func(c *Config) { c.Text = "other" }},
		"label":            {task: Classify, rows: columns, change: func(c *Config) { c.Label = "tone" }, seen: func(a, b trained) bool { return len(a.rep.Labels) == 3 && len(b.rep.Labels) == 2 }},
		"labels":           {task: Classify, change: func(c *Config) { c.Labels = []string{"red", "green", "blue", "black"} }, seen: func(a, b trained) bool { return len(b.rep.Labels) == 4 }},
		"multilabel":       {task: Classify, change: func(c *Config) { c.MultiLabel = true }},
		"target":           {task: Regress, rows: columns, change: func(c *Config) { c.Target = "n" }},
		"prompt":           {task: Chat, rows: columns, base: ask, change: func(c *Config) { c.Prompt = "other" }},
		"completion":       {task: Chat, rows: columns, base: ask, change: func(c *Config) { c.Completion = "tone" }},
		"train_on":         {task: Chat, change: func(c *Config) { c.TrainOn = "all" }},
		"long":             {task: Classify, base: func(c *Config) { c.Context = 6 }, change: func(c *Config) { c.Long = "error" }, refuse: "the context has 6"},
		"fim":              {base: func(c *Config) { c.FIM = .01 }, change: func(c *Config) { c.FIM = .9 }},
		"model.path":       {base: func(c *Config) { c.Tokenizer = TokenizerConfig{Path: base} }, change: func(c *Config) { c.Model.Path = base }},
		"model.arch":       {change: func(c *Config) { c.Model.Arch = "gpt2" }},
		"model.layers":     {change: func(c *Config) { c.Model.Layers = 1 }},
		"model.heads":      {change: func(c *Config) { c.Model.Heads = 4 }},
		"model.kv_heads":   {change: func(c *Config) { c.Model.KVHeads = 1 }},
		"model.dim":        {change: func(c *Config) { c.Model.Dim = 32 }},
		"model.ffn":        {change: func(c *Config) { c.Model.FFN = 24 }},
		"model.untied":     {change: func(c *Config) { c.Model.Untied = true }},
		"tokenizer.path":   {change: func(c *Config) { c.Tokenizer = TokenizerConfig{Path: base} }, base: func(c *Config) { c.Tokenizer = TokenizerConfig{Train: "chars"} }},
		"tokenizer.train":  {change: func(c *Config) { c.Tokenizer.Train = "unigram" }},
		"tokenizer.vocab":  {change: func(c *Config) { c.Tokenizer.Vocab = 280 }},
		"context":          {change: func(c *Config) { c.Context = 16 }},
		"batch":            {change: func(c *Config) { c.Batch = 2 }},
		"accumulate": {change: func(c *Config) { c.Accumulate = 4 }, seen: func(a, b trained) bool {
			return a.rep.Forecast.Pieces == 1 && b.rep.Forecast.Pieces == 4 && math.Abs(a.rep.Loss-b.rep.Loss) < 1e-4
		}},
		"steps":                  {change: func(c *Config) { c.Steps = 6 }, seen: lengths},
		"epochs":                 {base: func(c *Config) { c.Steps, c.Epochs = 0, 1 }, change: func(c *Config) { c.Epochs = 2.5 }, seen: lengths},
		"seed":                   {change: func(c *Config) { c.Seed = 2 }},
		"ensemble":               {task: Classify, change: func(c *Config) { c.Ensemble = 2 }, seen: func(a, b trained) bool { return a.rep.Ensemble == nil && len(b.rep.Ensemble.Members) == 2 }},
		"optimizer.name":         {change: func(c *Config) { c.Optimizer.Name = "schedulefree" }},
		"optimizer.lr":           {change: func(c *Config) { c.Optimizer.LR = .002 }},
		"optimizer.muon_lr":      {base: func(c *Config) { c.Optimizer.Name = "muon" }, change: func(c *Config) { c.Optimizer.MuonLR = .01 }},
		"optimizer.beta1":        {change: func(c *Config) { c.Optimizer.Beta1 = .8 }},
		"optimizer.beta2":        {change: func(c *Config) { c.Optimizer.Beta2 = .999 }},
		"optimizer.eps":          {change: func(c *Config) { c.Optimizer.Eps = 1e-3 }},
		"optimizer.weight_decay": {change: func(c *Config) { c.Optimizer.Decay = 3 }},
		"optimizer.clip":         {change: func(c *Config) { c.Optimizer.Clip, c.Optimizer.Eps = .01, .1 }, base: func(c *Config) { c.Optimizer.Eps = .1 }},
		"schedule.kind":          {change: func(c *Config) { c.Schedule.Kind = "cosine" }},
		"schedule.warmup":        {change: func(c *Config) { c.Schedule.Warmup = .5 }},
		"schedule.cooldown":      {change: func(c *Config) { c.Schedule.Cooldown = .8 }},
		"schedule.floor":         {change: func(c *Config) { c.Schedule.Floor = .5 }, base: func(c *Config) { c.Schedule.Cooldown = .8 }},
		"find_lr":                {change: func(c *Config) { c.FindLR = true }, seen: func(a, b trained) bool { return a.rep.LR == 1e-3 && b.rep.LR != 1e-3 && len(b.rep.Notes) == 1 }},
		"ema":                    {change: func(c *Config) { c.EMA = .9 }},
		"dropout.hidden":         {change: func(c *Config) { c.Dropout.Hidden = .2 }},
		"dropout.attention":      {change: func(c *Config) { c.Dropout.Attention = .2 }},
		"dropout.classifier":     {task: Classify, change: func(c *Config) { c.Dropout.Classifier = .2 }},
		"dropout.word":           {task: Classify, change: func(c *Config) { c.Dropout.Word = .2 }},
		"dropout.layer":          {change: func(c *Config) { c.Dropout.Layer = .4 }, base: func(c *Config) { c.Steps = 8 }},
		"label_smoothing":        {task: Classify, change: func(c *Config) { c.Smoothing = .1 }},
		"r_drop":                 {task: Classify, base: bert, change: func(c *Config) { c.RDrop = 1 }},
		"mask":                   {task: Masked, change: func(c *Config) { c.Mask = Masking{"span", mask.Catalog["span"]()} }},
		"mix":                    {base: twice, change: func(c *Config) { c.Mix = Mixing{"proportional", mix.Catalog["proportional"]()} }},
		"repeats":                {change: func(c *Config) { c.Repeats = .1 }, refuse: "raise repeats"},
		"follow":                 {base: func(c *Config) { c.Seed = 3 }, change: func(c *Config) { c.Follow = true }, seen: same(func(a, b trained) bool { return b.rep.Config.Follow })}, // data that grow: TestFollowsADataset
		"eval.every":             {change: func(c *Config) { c.Eval.Every = 1 }, seen: same(func(a, b trained) bool { return evaluations(a) == 2 && evaluations(b) == 4 })},
		"stop.patience": {task: Classify, base: untold, change: func(c *Config) { c.Stop.Patience = 0 }, seen: func(a, b trained) bool {
			return a.rep.Step < 24 && a.rep.Best > 0 && b.rep.Step == 24 && b.rep.Best == 0
		}},
		"stop.metric":           {task: Classify, base: learned, change: func(c *Config) { c.Stop.Metric = "accuracy" }, seen: lengths},
		"stop.min_delta":        {task: Classify, base: learned, change: func(c *Config) { c.Stop.MinDelta = .9 }, seen: func(a, b trained) bool { return b.rep.Step == 5 && a.rep.Step > 5 }},
		"stop.smooth":           {change: func(c *Config) { c.Stop.Smooth = .9 }, seen: same(func(a, b trained) bool { return average(b) > average(a) })},
		"checkpoint.every":      {change: func(c *Config) { c.Checkpoint.Every = 3 }, base: func(c *Config) { c.Checkpoint.Keep = 9; c.Eval.Every = 4 }, seen: same(func(a, b trained) bool { return kept(a, 4) && kept(b, 3, 4) })},
		"checkpoint.keep":       {base: func(c *Config) { c.Checkpoint.Every = 1 }, change: func(c *Config) { c.Checkpoint.Keep = 3 }, seen: same(func(a, b trained) bool { return kept(a, 3, 4) && kept(b, 2, 3, 4) })},
		"cost.watts_per_thread": {change: func(c *Config) { c.Cost.WattsPerThread = 400 }, seen: same(better)},
		"cost.memory_watts":     {change: func(c *Config) { c.Cost.MemoryWatts = 500 }, seen: same(better)},
		"cost.grams_per_kwh":    {change: func(c *Config) { c.Cost.GramsPerKWh = 0 }, seen: same(func(a, b trained) bool { return a.rep.Bill.Grams > 0 && b.rep.Bill.Grams == 0 })},
		"cost.pue":              {change: func(c *Config) { c.Cost.PUE = 1e3 }, seen: same(func(a, b trained) bool { return b.rep.Bill.KWh > 10*a.rep.Bill.KWh })},
		"cost.price_per_hour":   {change: func(c *Config) { c.Cost.PricePerHour = 100 }, seen: same(func(a, b trained) bool { return a.rep.Bill.Price == 0 && b.rep.Bill.Price > 0 })},
		"threads":               {change: func(c *Config) { c.Threads = 3 }, seen: same(func(a, b trained) bool { return a.rep.Threads == 1 && b.rep.Threads == 3 })},
		"bf16": {change: func(c *Config) { c.BF16 = true }, seen: func(a, b trained) bool {
			return a.rep.Config.BF16 != b.rep.Config.BF16 && math.Abs(a.rep.Loss-b.rep.Loss) < .01*a.rep.Loss
		}},
		"memory_gb": {change: func(c *Config) { c.MemoryGB = 1e-4 }, refuse: "are granted"},
		"recompute": {change: func(c *Config) { c.Recompute = "layers" }, seen: same(func(a, b trained) bool { return b.rep.Forecast.Activations < a.rep.Forecast.Activations })},
		"cache": {change: func(c *Config) { c.Cache = filepath.Join(t.TempDir(), "elsewhere") }, seen: same(func(a, b trained) bool {
			files, _ := filepath.Glob(filepath.Join(b.rep.Config.Cache, "*.tok"))
			_, err := os.Stat(filepath.Join(b.dir, "tokens"))
			return len(files) == 1 && err != nil
		})},
	}
}

func ask(c *Config) {
	c.Prompt, c.Completion, c.Tokenizer = "text", "label", TokenizerConfig{Train: "bpe", Vocab: 300}
}

func kept(x trained, steps ...int) bool {
	got := listSteps(filepath.Join(x.dir, checkpointDir))
	best := x.rep.Validation != nil
	n := 0
	for _, s := range steps {
		for _, g := range got {
			if g == s {
				n++
			}
		}
	}
	return n == len(steps) && (len(got) == n || best && len(got) == n+1)
}
