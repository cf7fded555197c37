package trainer

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v4"

	"sluice/schemas"
	"sluice/trainer/mask"
	"sluice/trainer/mix"
	"sluice/trainer/tokenizer"
)

// fullDisk is a disk that has room for so many bytes.
type fullDisk struct {
	schemas.FS
	room *int
}

type fullFile struct {
	schemas.File
	room *int
}

func (d fullDisk) Create(name string) (schemas.File, error) {
	f, err := d.FS.Create(name)
	return fullFile{f, d.room}, err
}

func (f fullFile) Write(b []byte) (int, error) {
	if *f.room < len(b) {
		return 0, syscall.ENOSPC
	}
	*f.room -= len(b)
	return f.File.Write(b)
}

// A disk that fills up while a checkpoint is written leaves the earlier one whole, and the run ends as it would have once there is room again.
func TestFullDiskAtCheckpoint(t *testing.T) {
	config := func() Config {
		return with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Steps, c.Checkpoint.Every, c.Eval.Every = 9, 3, 9 })
	}
	whole := t.TempDir()
	train(t, config(), Options{Dir: whole})
	room := 1 << 40
	dir := t.TempDir()
	_, err := Train(t.Context(), config(), Options{Dir: dir, FS: fullDisk{schemas.Disk, &room}, Progress: func(s Step) {
		if s.Step == 5 {
			room = 100_000
		}
	}})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "step 6") || !strings.Contains(err.Error(), "the one of step 3 is intact") {
		t.Fatalf("got %v", err)
	}
	if steps := listSteps(filepath.Join(dir, checkpointDir)); len(steps) != 1 || steps[0] != 3 {
		t.Errorf("checkpoints %v, want that of step 3", steps)
	}
	entries, _ := os.ReadDir(filepath.Join(dir, checkpointDir))
	if len(entries) != 1 {
		t.Errorf("%d entries are left, want 1", len(entries))
	}
	train(t, config(), Options{Dir: dir})
	if weights(t, dir) != weights(t, whole) {
		t.Error("other weights after going on")
	}
}

// A checkpoint with a flipped byte is left out, and the one before it serves.
func TestDamagedCheckpoint(t *testing.T) {
	config := func() Config {
		return with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Steps, c.Checkpoint.Every, c.Eval.Every = 8, 2, 8 })
	}
	whole, dir := t.TempDir(), t.TempDir()
	train(t, config(), Options{Dir: whole})
	stop := make(chan struct{})
	_, err := Train(t.Context(), config(), Options{Dir: dir, Stop: stop, Progress: func(s Step) {
		if s.Step == 6 {
			close(stop)
		}
	}})
	if !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	path := filepath.Join(dir, checkpointDir, stepDir(6), momentsFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	rep := train(t, config(), Options{Dir: dir})
	if weights(t, dir) != weights(t, whole) || len(rep.Notes) == 0 || !strings.Contains(rep.Notes[0], momentsFile) {
		t.Errorf("same weights: %v; notes %q", weights(t, dir) == weights(t, whole), rep.Notes)
	}
}

func TestBadInput(t *testing.T) {
	empty := func(c *Config) {
		c.Data = append(c.Data, Data{Name: "nothing", Path: jsonl(t, filepath.Join(t.TempDir(), "e.jsonl"), map[string]any{"text": ""})})
	}
	bare := filepath.Join(t.TempDir(), tokenizerFile) // no special token
	if tok, err := tokenizer.Characters("abcdefghijklmnopqrstuvwxyz ."); err != nil {
		t.Fatal(err)
	} else if err := writeTokenizer(schemas.Disk, bare, tok); err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	train(t, with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Steps = 2 }), Options{Dir: base})
	for name, c := range map[string]struct {
		task   string
		rows   []map[string]any
		change func(*Config)
		want   string
	}{
		"empty domain":  {Causal, sentences(20, 1), empty, "data nothing is empty"},
		"all held back": {Causal, sentences(4, 1), func(c *Config) { c.Validation.Share = .999999 }, "has 4 records that can be trained on, and all are kept back"},
		"other column":  {Classify, sentences(20, 1), func(*Config) {}, "`label: label` that of labels; the columns are text"},
		"no such file":  {Causal, sentences(20, 1), func(c *Config) { c.Data[0].Path += "x" }, "no such file"},
		"one class":     {Classify, []map[string]any{{"text": "a", "label": "x"}, {"text": "b", "label": "x"}}, func(c *Config) { c.Validation.Share = 0 }, "at least 2"},
		"unknown label": {Classify, labeled(20, 1), func(c *Config) { c.Labels = []string{"red", "green"} }, `label "blue"`},
		"long record":   {Classify, labeled(20, 1), func(c *Config) { c.Context, c.Long = 4, "error" }, "the context has 4"},
		"vocabulary": {Causal, sentences(60, 9), func(c *Config) {
			c.Model = ModelConfig{Path: base}
			c.Tokenizer.Vocab = 290
			c.Tokenizer.Train = "wordpiece"
			c.Tokenizer.Vocab = 4000
			c.Data[0].Path = wide(t)
		}, "embeddings for"},
		"context":          {Causal, sentences(60, 3), func(c *Config) { c.Model, c.Tokenizer, c.Context = ModelConfig{Path: base}, TokenizerConfig{}, 64 }, "positions for 32"},
		"no mask token":    {Masked, sentences(20, 1), func(c *Config) { c.Tokenizer = TokenizerConfig{Path: bare} }, "no mask token"},
		"no unknown token": {Causal, sentences(20, 1), func(c *Config) { c.Dropout.Word = .1; c.Tokenizer = TokenizerConfig{Path: bare} }, "unknown one"},
		"masked decoder":   {Masked, sentences(20, 1), func(c *Config) { c.Model.Arch = "llama" }, "masked-lm head"},
		"repeats":          {Causal, sentences(20, 1), func(c *Config) { c.Repeats, c.Steps = 1, 1000 }, "lower steps or raise repeats"},
		"memory":           {Causal, sentences(20, 1), func(c *Config) { c.MemoryGB = .001 }, "this training needs"},
		"r-drop":           {Classify, labeled(20, 1), func(c *Config) { c.RDrop = 1 }, "there is no dropout"},
		"schedule":         {Causal, sentences(20, 1), func(c *Config) { c.Schedule.Kind = "step" }, "schedule.kind"},
		"bad json":         {Causal, sentences(20, 1), func(c *Config) { c.Data[0].Path = broken(t) }, "row 1"},
		"no target":        {Chat, []map[string]any{{"messages": []any{map[string]any{"role": "user", "content": "hello"}}}}, func(c *Config) { c.Validation.Share = 0 }, "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Train(t.Context(), with(tiny(t, c.task, c.rows), c.change), Options{Dir: t.TempDir()})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// wide are texts with a large vocabulary.
func wide(t *testing.T) string {
	var rows []map[string]any
	for i := range 3000 {
		rows = append(rows, map[string]any{"text": strings.Repeat(string(rune(0x4e00+i)), 3)})
	}
	return jsonl(t, filepath.Join(t.TempDir(), "wide.jsonl"), rows...)
}

func broken(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "b.jsonl")
	if err := os.WriteFile(path, []byte("{\"text\":\"good\"}\n{\"text\":\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A loss that is no number names the operation and the weight, and leaves the last checkpoint as it was.
func TestNaNNamesTheCulprit(t *testing.T) {
	c := with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Steps = 5 })
	r, err := prepare(t.Context(), c, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if _, err := r.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := r.model.Params()[3]
	p.Value()[7] = float32(math.Inf(1))
	b, err := r.feed.Next(0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.trainOn(b)
	d, ok := errors.AsType[*DivergedError](err)
	if !ok || !strings.Contains(d.Culprit, p.Name()) || !strings.Contains(d.Culprit, "element 7") {
		t.Errorf("got %v, want an error that names %s", err, p.Name())
	}
	p.Value()[7] = 3e38 // finite, but not what it multiplies
	for i := range p.Value() {
		p.Value()[i] = 3e38
	}
	_, err = r.trainOn(b)
	if d, ok := errors.AsType[*DivergedError](err); !ok || !strings.Contains(d.Culprit, "operation") {
		t.Errorf("got %v, want an error that names an operation", err)
	}
}

func TestDiverges(t *testing.T) {
	c := with(tiny(t, Causal, sentences(60, 3)), func(c *Config) {
		c.Optimizer.LR, c.Optimizer.Clip, c.Schedule.Warmup, c.Optimizer.Eps = 1e37, 0, 0, 1e-30
	})
	_, err := Train(t.Context(), c, Options{Dir: t.TempDir()})
	if _, ok := errors.AsType[*DivergedError](err); !ok {
		t.Errorf("a learning rate of 1e37 gives %v", err)
	}
}

// The choice of a component is its name, or its name over its settings; typos are errors.
func TestChoices(t *testing.T) {
	var c struct {
		Mask Masking `yaml:"mask"`
		Mix  Mixing  `yaml:"mix"`
	}
	load := func(text string) error { return yaml.Load([]byte(text), &c, yaml.WithKnownFields()) }
	if err := load("mask: {token: {rate: 0.3, rate_end: 0.15}}\nmix: {temperature: {t: 3}}"); err != nil {
		t.Fatal(err)
	}
	m, x := c.Mask.Masker.(*mask.Token), c.Mix.Mixer.(*mix.Temperature)
	if m.Rate != .3 || m.End != .15 || m.MaskShare != .8 || x.T != 3 {
		t.Errorf("%+v, %+v", m, x)
	}
	if err := load("mix: proportional"); err != nil || c.Mix.Name != "proportional" {
		t.Errorf("%v, %v", c.Mix.Name, err)
	}
	for text, want := range map[string]string{
		"mask: tokem":             "did you mean token?",
		"mask: {token: {rat: 1}}": "rat",
		"mix: {a: 1, b: 2}":       "not 2 keys",
		"mix: [uniform]":          "want the name of a mixer",
	} {
		if err := load(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
}
