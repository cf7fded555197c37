package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/pipeline/catalog"
	"sluice/schemas"
)

// Components small enough to test the recipe with: they do what their names say.

type sizeFilter struct {
	Min   int      `yaml:"min"`
	Max   int      `yaml:"max"`
	Words []string `yaml:"words"`
	Near  struct {
		Share float64 `yaml:"share"`
	} `yaml:"near"`
}

func (f *sizeFilter) Judge(_ context.Context, r *schemas.Record) (Verdict, error) {
	if n := len(r.Content()); n < f.Min || n > f.Max {
		return Drop("size"), nil
	}
	return Keep, nil
}

func (f *sizeFilter) Check(CheckEnv) error {
	var errs []error
	if f.Min > f.Max {
		errs = append(errs, fmt.Errorf("min: %d is more than max, %d", f.Min, f.Max))
	}
	if f.Near.Share > 1 {
		errs = append(errs, &KeyError{Key: "near", Err: errors.New("share is above 1")})
	}
	return errors.Join(errs...)
}

type askFilter struct {
	Model  string `yaml:"model"`
	Prompt string `yaml:"prompt"`
}

func (f *askFilter) Judge(context.Context, *schemas.Record) (Verdict, error) {
	return Verdict{Scores: map[string]float64{"ask": 1}}, nil
}
func (f *askFilter) Models() []string { return []string{f.Model} }
func (f *askFilter) Scores() []string { return []string{"ask"} }

// Check knows the one variable of its prompt.
func (f *askFilter) Check(CheckEnv) error {
	for i, line := range strings.Split(f.Prompt, "\n") {
		if at := strings.Index(line, "{{"); at >= 0 && !strings.HasPrefix(line[at:], "{{text}}") {
			return &KeyError{Key: "prompt", Line: i + 1, Column: at + 3, Hint: "known is text", Err: errors.New("unknown variable")}
		}
	}
	return nil
}

type echoMaker struct {
	Model   string `yaml:"model"`
	Samples int    `yaml:"samples"`
}

func (g *echoMaker) Generate(_ context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	return nil, nil
}
func (g *echoMaker) Models() []string { return []string{g.Model} }

type wholeFilter struct{ sizeFilter }

func (*wholeFilter) Fit(context.Context, iter.Seq2[*schemas.Record, error]) error { return nil }

type columnFilter struct {
	Type string `yaml:"type"`
}

func (*columnFilter) Judge(context.Context, *schemas.Record) (Verdict, error) { return Keep, nil }
func (f *columnFilter) Columns() []schemas.Column {
	return []schemas.Column{{Name: "topic", Type: schemas.Type{Kind: schemas.TypeKind(f.Type)}}}
}

type sameText struct {
	Lower bool `yaml:"lower"`
}

func (*sameText) Keys(context.Context, *schemas.Record) (Likeness, error) { return Likeness{}, nil }

func recipeCatalogs() Catalogs {
	return Catalogs{
		Generators: catalog.Catalog[Generator]{"echo": func() Generator { return &echoMaker{Samples: 1} }},
		Filters: catalog.Catalog[Filter]{
			"size":   func() Filter { return &sizeFilter{Max: 100} },
			"ask":    func() Filter { return &askFilter{} },
			"whole":  func() Filter { return &wholeFilter{} },
			"column": func() Filter { return &columnFilter{Type: "string"} },
		},
		Dedup: catalog.Catalog[Deduper]{"same": func() Deduper { return &sameText{} }},
	}
}

// env is the environment of the tests.
func testEnv(name string) (string, bool) {
	v, ok := map[string]string{"SECRET": "hunter2-token", "SIZE": "40", "EMPTY": "", "INJECT": "1, max: 2}\nseed: 9"}[name]
	return v, ok
}

// write puts files into a new folder.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const testSeeds = `{"text": "where is my money", "label": "refund", "stars": 3}
{"text": "the app is slow", "label": "bug", "stars": 4.5}
`

// load reads a recipe that stands in a folder with seeds.jsonl.
func load(t *testing.T, recipe string) (*Recipe, error) {
	t.Helper()
	dir := writeFiles(t, map[string]string{"recipe.yaml": recipe, "seeds.jsonl": testSeeds})
	return Load(filepath.Join(dir, "recipe.yaml"), LoadOptions{Catalogs: recipeCatalogs(), Getenv: testEnv})
}

func mustLoad(t *testing.T, recipe string) *Recipe {
	t.Helper()
	r, err := load(t, recipe)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const smallRecipe = `
sluice: 1
dataset: out
seed: 17
models:
  writer: {provider: echo, temperature: 0.5}
source: {path: seeds.jsonl, holdout: 0.1}
stages:
  - generators/echo: {model: writer, samples: 2, workers: 8}
  - filters/size: {min: 4}
  - filters/ask: {model: writer}
  - dedup/same
  - filters/size: {max: 50, on: made}
  - filters/size: {name: last}
sink: {jsonl.zst: {rows: 100}, seeds: drop}
target: {accepted: 10, per_label: {refund: 4, bug: 6}}
train: {steps: 100, lr: 0.1}
`

func TestLoad(t *testing.T) {
	r := mustLoad(t, smallRecipe)
	if r.Batch != 64 || r.Tolerate != 0.05 || r.Seed != 17 || r.Ledger.Fsync != "batch" {
		t.Errorf("defaults: batch %d, tolerate %v, seed %d, fsync %s", r.Batch, r.Tolerate, r.Seed, r.Ledger.Fsync)
	}
	if r.Dataset != filepath.Join(r.Dir, "out") || r.State != filepath.Join(r.Dir, "state") {
		t.Errorf("folders: %s, %s", r.Dataset, r.State)
	}
	var got []string
	for _, s := range r.Stages {
		got = append(got, fmt.Sprintf("%s on %s depth %d workers %d line %d", s.ID, s.On, s.MaxDepth, s.Workers, s.Line))
	}
	want := []string{
		"generators/echo on all depth 1 workers 8 line 9",
		"filters/size on all depth 1 workers 0 line 10",
		"filters/ask on made depth 1 workers 0 line 11", // asks a model
		"dedup/same on all depth 1 workers 0 line 12",
		"filters/size#2 on made depth 1 workers 0 line 13",
		"last on all depth 1 workers 0 line 14",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("stages:\n%s\nwant:\n%s", g, w)
	}
	if f := r.Stages[1].Component.(*sizeFilter); f.Min != 4 || f.Max != 100 {
		t.Errorf("a component lost its defaults: %+v", f)
	}
	if r.Sink.Format != FormatJSONLZst || r.Sink.Shards != (ShardSpec{Rows: 100, Bytes: 256 << 20, Compression: "zstd-better"}) || !r.Sink.DropSeeds {
		t.Errorf("sink: %+v", r.Sink)
	}
	if r.Target.Accepted != 10 || r.Target.PerLabel.Counts["bug"] != 6 || r.Target.MinYield != .2 || r.Target.MaxDuplicates != .5 {
		t.Errorf("target: %+v", r.Target)
	}
	s := r.Schema
	if s.Kind != schemas.Labeled || len(s.Columns) != 1 || s.Columns[0].Type.Kind != schemas.Float || len(s.Scores) != 1 || s.Scores[0] != "ask" {
		t.Errorf("schema: %+v", s)
	}
}

func TestLoadOverrides(t *testing.T) {
	dir := writeFiles(t, map[string]string{"sub/recipe.yaml": "sluice: 1\nsource: {path: ../seeds.jsonl}\n", "seeds.jsonl": testSeeds})
	t.Chdir(dir)
	r, err := Load("sub/recipe.yaml", LoadOptions{Dataset: "out", State: "/tmp/../tmp/s"})
	if err != nil {
		t.Fatal(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if r.Dataset != filepath.Join(wd, "out") || r.State != filepath.Clean("/tmp/s") {
		t.Errorf("--dataset is relative to the working directory: got %s, %s", r.Dataset, r.State)
	}
}

func TestSection(t *testing.T) {
	r := mustLoad(t, smallRecipe)
	var cfg struct {
		Steps int     `yaml:"steps"`
		LR    float64 `yaml:"lr"`
	}
	if err := r.Train.Decode(&cfg); err != nil || cfg.Steps != 100 || cfg.LR != .1 {
		t.Errorf("train: %+v, %v", cfg, err)
	}
	var strict struct {
		Step int     `yaml:"step"`
		LR   float64 `yaml:"lr"`
	}
	err := r.Train.Decode(&strict)
	if ps, ok := errors.AsType[Problems](err); !ok || len(ps) != 1 || ps[0].Line != 17 || ps[0].Hint != "did you mean step?" {
		t.Errorf("a typo in train: got %v", err)
	}
	for key, column := range map[string]int{"lr": 25, "lr.deep": 25, "absent": 1, "": 1} {
		err := r.Train.Problem(key, "less of it", errors.New("too much"))
		if ps, ok := errors.AsType[Problems](err); !ok || len(ps) != 1 || ps[0].Line != 17 || ps[0].Column != column || ps[0].Hint != "less of it" {
			t.Errorf("a problem at %q: %+v, want column %d", key, err, column)
		}
	}
	if r.Certify != nil {
		t.Error("certify is there without its key")
	}
}

func TestLoadAnchors(t *testing.T) {
	r := mustLoad(t, `
sluice: 1
dataset: out
models: {writer: {provider: echo}}
source: {path: seeds.jsonl}
stages:
  - generators/echo: &m {model: writer, workers: 3}
  - filters/ask: {<<: *m, workers: 5, prompt: "{{text}}"}
  - generators/echo: *m
`)
	a, b, c := r.Stages[0], r.Stages[1], r.Stages[2]
	if a.Workers != 3 || b.Workers != 5 || c.Workers != 3 || c.ID != "generators/echo#2" || b.Component.(*askFilter).Model != "writer" {
		t.Errorf("merged keys: %+v %+v %+v", a, b, c)
	}
}
