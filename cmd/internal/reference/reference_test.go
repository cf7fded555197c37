package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"sluice/cmd/internal/reference/extract"
	"sluice/dedup"
	"sluice/filters"
	"sluice/generators"
	"sluice/pipeline"
	"sluice/pipeline/catalog"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

var all = pipeline.Catalogs{Generators: generators.Catalog, Filters: filters.Catalog, Dedup: dedup.Catalog}

func TestGeneratedFileIsUpToDate(t *testing.T) {
	want, err := extract.Source("../../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("reference_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("reference_gen.go differs from the comments in the source: go generate ./cmd/internal/reference")
	}
}

// Whoever adds a component or a key has said what it is for: an empty line in the manual is a bug.
func TestEverythingHasWords(t *testing.T) {
	check := func(owner string, keys []Key) {
		for _, k := range keys {
			// One comment may stand over several fields, and a pair such as min and max speaks for itself.
			if k.Doc == "" && k.Type == "keys" {
				t.Errorf("%s: key %s has no comment", owner, k.Name)
			}
			if k.Type == "any value" && !strings.Contains(k.Name, "extra") {
				t.Errorf("%s: key %s has a type without words", owner, k.Name)
			}
		}
	}
	Each(all, func(name string, component any) {
		c := Of(name, component)
		if c.Doc == "" || c.Line == "" || len(c.Line) > 200 {
			t.Errorf("%s: first sentence %q, comment of %d bytes", name, c.Line, len(c.Doc))
		}
		check(name, c.Keys)
	})
	check("recipe", Keys(&pipeline.RecipeKeys{}))
	check("stage", StageKeys())
	check("train", Train().Keys)
	EachOfTrainer(func(name string, component any) {
		if c := Of(name, component); c.Doc == "" || c.Line == "" {
			t.Errorf("%s: no words", name)
		} else {
			check(name, c.Keys)
		}
	})
}

// sample has one field of every form.
type sample struct {
	Text   string            `yaml:"text"`
	Share  float64           `yaml:"share"`
	Odd    string            `yaml:"odd"`
	Wait   time.Duration     `yaml:"wait"`
	Price  *llm.Rate         `yaml:"price"`
	List   []string          `yaml:"list"`
	Names  map[string]string `yaml:"names"`
	Below  *inner            `yaml:"below"`
	Parts  []inner           `yaml:"parts"`
	Off    *bool             `yaml:"off"`
	Hidden int               `yaml:"-"`
	inner  int
}

type inner struct {
	Min int     `yaml:"min"`
	Max int     `yaml:"max"`
	On  []inner `yaml:"on"`
}

func TestKeys(t *testing.T) {
	rate := llm.Rate(37_500)
	off := false
	got := Keys(&sample{Text: "en", Share: 1.0 / 3, Odd: "yes", Wait: 90 * time.Second, Price: &rate, List: []string{"a", "b: c"},
		Names: map[string]string{"z": "1", "a": "x"}, Off: &off})
	want := []Key{
		{"text", "text", "en", ""}, {"share", "number", "0.3333", ""}, {"odd", "text", `"yes"`, ""}, {"wait", "duration", "1m30s", ""},
		{"price", "price per million tokens", "0.0375", ""}, {"list", "list of texts", `[a, "b: c"]`, ""},
		{"names", "texts by name", `{a: x, z: "1"}`, ""},
		{"below", "keys", "", ""}, {"below.min", "integer", "", ""}, {"below.max", "integer", "", ""}, {"below.on", "list of keys", "", ""},
		{"parts", "list of keys", "", ""}, {"parts[].min", "integer", "", ""}, {"parts[].max", "integer", "", ""}, {"parts[].on", "list of keys", "", ""},
		{"off", "true or false", "", ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"Length keeps texts\nthat fit. More.":         "Length keeps texts that fit",
		"EDA makes copies: easy data augmentation.":   "EDA makes copies",
		"Grades v0.32 of a thing\n\nnot this.":        "Grades v0.32 of a thing",
		"Judges, e.g. by a rubric, a text. And so on": "Judges, e.g. by a rubric, a text",
		"Rules of Gopher (Rae et al. 2021). More.":    "Rules of Gopher (Rae et al. 2021)",
		"": "",
	} {
		if got := sentence(in); got != want {
			t.Errorf("sentence(%q) = %q, want %q", in, got, want)
		}
	}
	if got := purpose("Length keeps texts"); got != "keeps texts" {
		t.Errorf("purpose: %q", got)
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	b, err := Schema(all)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("recipe.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("recipe.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads YAML as an editor does.
func asJSON(t *testing.T, src []byte) any {
	var v any
	if err := yaml.Load(src, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSchemaTakesTheRecipes(t *testing.T) {
	s := compiled(t)
	names, err := filepath.Glob("../../../testdata/recipes/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no recipes: %v", err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(asJSON(t, src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const everything = `
sluice: 1
dataset: out/x
state: out/state
seed: 17
batch: ${BATCH:-64}
models:
  writer: {endpoint: "${URL}", model: m, key_env: KEY, per_minute: {requests: 500}, price: {input: 0.15, output: "0.60"}, timeout: 10m, extra: {top_k: 4}}
budget: {usd: 5, per: run}
source: {jsonl: {path: [a.jsonl, b.jsonl], kind: chat, map: {text: body}}, holdout: 0.1}
stages:
  - dedup/exact
  - dedup/minhash:
  - generators/paraphrase: {model: writer, samples: 4, workers: 256}
  - filters/length: {min: 40, on: made, roles: {user: {min: 3}}}
sink: {parquet: {rows: 50000}, seeds: keep}
target: {accepted: 5000, per_label: {a: 3}, max_candidates: 25000}
tolerate: 0.1
ledger: {fsync: batch}
train: {task: classify, model: {linear: {c: 0, weight: quality}}, mask: span, mix: {temperature: {t: 2}}, steps: 100}
`

func TestSchemaIsStrict(t *testing.T) {
	s := compiled(t)
	if err := s.Validate(asJSON(t, []byte(everything))); err != nil {
		t.Fatalf("a good recipe is refused: %v", err)
	}
	for _, c := range [][2]string{
		{"seed: 17", "sede: 17"},
		{"min: 40", "mim: 40"},
		{"filters/length", "filters/lenght"},
		{"samples: 4", "samples: many"},
		{"fsync: batch", "fsync: sometimes"},
		{"rows: 50000", "rowz: 50000"},
		{"requests: 500", "request: 500"},
		{"timeout: 10m", "timeout: ten minutes"},
		{"usd: 5", "usd: -5"},
		{"sluice: 1", "sluice: 2"},
		{"task: classify", "task: clasify"},
		{"weight: quality", "wait: quality"},
		{"mask: span", "mask: spam"},
		{"{t: 2}", "{tt: 2}"},
		{"steps: 100", "step: 100"},
		{"kind: chat", "kind: talk"},
		{"body}", "body, txet: x}"},
		{"- dedup/exact\n", "- {dedup/exact: {}, dedup/minhash: {}}\n"},
	} {
		bad := strings.Replace(everything, c[0], c[1], 1)
		if bad == everything {
			t.Fatalf("%q is not in the recipe", c[0])
		}
		if err := s.Validate(asJSON(t, []byte(bad))); err == nil {
			t.Errorf("%q passes", c[1])
		}
	}
}

// defaulted is a filter with a default of each form.
type defaulted struct {
	Share float64  `yaml:"share"`
	Codes []string `yaml:"codes"`
}

func (*defaulted) Judge(context.Context, *schemas.Record) (pipeline.Verdict, error) {
	return pipeline.Keep, nil
}

// Defaults come from the constructor, and the keys of every stage come along.
func TestSchemaHasDefaults(t *testing.T) {
	b, err := Schema(pipeline.Catalogs{Filters: catalog.Catalog[pipeline.Filter]{
		"defaulted": func() pipeline.Filter { return &defaulted{Share: .25, Codes: []string{"en", "de"}} }}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"default": 0.25`, `"en",`, "filters/defaulted", "max_depth", "Name replaces the stage's identity"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in the schema", want)
		}
	}
}
