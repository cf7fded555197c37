package forecast

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/dedup"
	"sluice/filters"
	"sluice/generators"
	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// load writes a recipe with seeds beside it and reads it.
func load(t *testing.T, recipe string) *pipeline.Recipe {
	t.Helper()
	dir := t.TempDir()
	seeds := strings.Repeat(`{"text": "The parcel that I have waited for has not arrived yet, where is it?"}`+"\n", 50)
	for name, text := range map[string]string{"seeds.jsonl": seeds, "recipe.yaml": recipe} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := pipeline.Load(filepath.Join(dir, "recipe.yaml"), pipeline.LoadOptions{
		Catalogs: pipeline.Catalogs{Generators: generators.Catalog, Filters: filters.Catalog, Dedup: dedup.Catalog}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }

// Seeds meet both generators, what eda made meets aeda#2 alone (max_depth 2), and a judge sees made rows alone.
func TestFlow(t *testing.T) {
	r := load(t, `
sluice: 1
dataset: out
models: {writer: {provider: echo}}
source: {path: seeds.jsonl}
stages:
  - generators/eda: {copies: 4}
  - generators/aeda: {copies: 2}
  - generators/aeda: {copies: 1, max_depth: 2}
  - filters/judge: {model: writer}
  - filters/length: {min: 3}
`)
	want := []Step{
		{"generators/eda", 10, 0, 40, 50},
		{"generators/aeda", 10, 0, 20, 70},
		{"generators/aeda#2", 70, 0, 70, 140},
		{"filters/judge", 130, 130, 0, 140},
		{"filters/length", 140, 0, 0, 140},
	}
	for i, got := range Flow(r.Stages, 10, 10) {
		if got != want[i] {
			t.Errorf("got %+v, want %+v", got, want[i])
		}
	}
	if c := Candidates(r.Stages); c != 13 {
		t.Errorf("%v candidates of a visit, want 4 + 2 + 7", c)
	}
	// Half of the visits: generators do half, seeds stay.
	if half := Flow(r.Stages, 10, 5); half[0].Made != 20 || half[0].Out != 30 {
		t.Errorf("5 visits of 10 seeds: %+v", half[0])
	}
}

func TestVisits(t *testing.T) {
	target := &pipeline.TargetSpec{Accepted: 1000, MinYield: 0.2}
	if e, w := Visits(target, 50, 4); e != 500 || w != 1250 {
		t.Errorf("expected %v, at worst %v; want 1000/.5/4 and 1000/.2/4", e, w)
	}
	target.MaxCandidates = 1600
	if e, w := Visits(target, 50, 4); e != 400 || w != 400 {
		t.Errorf("expected %v, at worst %v; want 1600/4, where the recipe stops", e, w)
	}
	if e, w := Visits(nil, 50, 4); e != 50 || w != 50 {
		t.Errorf("without a target every seed is visited once, not %v, %v", e, w)
	}
}

// A plan asks nobody: its numbers come from rendered prompts. The worst is never below what is expected.
func TestPlanOfModels(t *testing.T) {
	r := load(t, `
sluice: 1
dataset: out
models:
  writer: {endpoint: "http://127.0.0.1:9/v1", model: m, max_tokens: 300, per_minute: {requests: 60}, price: {input: 1, output: 2, request: 0.001}}
  judge: {endpoint: "http://127.0.0.1:9/v1", model: j}
source: {path: seeds.jsonl}
stages:
  - generators/paraphrase: {model: writer, samples: 3, workers: 7, prompt: "Say it in other words: {{ text }}", system: "You write."}
  - filters/judge: {model: judge}
`)
	s, err := r.Survey(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := Rehearse(t.Context(), r, s)
	if err != nil {
		t.Fatal(err)
	}
	a := asked["generators/paraphrase"]
	if len(a) != 1 || a[0].Requests != 15 || a[0].Records != 5 || a[0].Structured != 15 || a[0].Most != 300 {
		t.Fatalf("asked %+v, want 15 structured requests for 5 seeds, of at most 300 tokens", a)
	}
	p := New(r, s, asked)
	if len(p.Models) != 2 || p.Models[0].Name != "judge" || p.Models[1].Name != "writer" {
		t.Fatalf("models: %+v", p.Models)
	}
	w := p.Models[1]
	if w.Expected.Requests != 150 || w.Worst.Requests != 300 || w.InFlight != 7 {
		t.Errorf("writer: expected %v, at worst %v requests, %v in flight; want 150, 300 (asked again once), 7", w.Expected.Requests, w.Worst.Requests, w.InFlight)
	}
	if want := 300.0 * 300; !near(w.Worst.Completion, want) {
		t.Errorf("at worst %v tokens out, want %v", w.Worst.Completion, want)
	}
	// 1 USD a million in, 2 out, a tenth of a cent a request
	want := llm.Money(w.Expected.Prompt*1e6 + w.Expected.Completion*2e6 + 150*1e9)
	if d := w.Expected.Money - want; d > want/1000 || d < -want/1000 {
		t.Errorf("money %s, want %s", w.Expected.Money, want)
	}
	if d := w.AtLimits(w.Expected); d.Seconds() != 150 {
		t.Errorf("%s at 60 requests a minute, want 2m30s", d)
	}
	j := p.Models[0]
	if j.Expected.Requests != 150 || j.Spec.Price.Known() || !j.Paid || j.AtLimits(j.Expected) != 0 {
		t.Errorf("judge: %+v", j)
	}
	for _, m := range p.Models {
		if m.Worst.Requests < m.Expected.Requests || m.Worst.Prompt < m.Expected.Prompt || m.Worst.Completion < m.Expected.Completion || m.Worst.Money < m.Expected.Money {
			t.Errorf("%s: the worst %+v is below what is expected %+v", m.Name, m.Worst, m.Expected)
		}
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "state")); err == nil {
		t.Error("a plan has written a store")
	}
}

// What cannot be rehearsed is told, and does not end the plan.
func TestRehearsalFails(t *testing.T) {
	r := load(t, `
sluice: 1
dataset: out
models: {writer: {provider: echo}}
source: {path: seeds.jsonl}
stages:
  - generators/paraphrase: {model: writer}
`)
	s, err := r.Survey(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	r.Stages[0].Component = broken{r.Stages[0].Component.(pipeline.Modeler)}
	asked, err := Rehearse(t.Context(), r, s)
	if err == nil || !strings.Contains(err.Error(), "generators/paraphrase: its prompts could not be rendered ahead: panic: no") {
		t.Errorf("error %v", err)
	}
	if p := New(r, s, asked); p.Seeds != 50 || len(p.Models) != 0 {
		t.Errorf("plan: %+v", p)
	}
}

type broken struct{ pipeline.Modeler }

func (broken) Judge(context.Context, *schemas.Record) (pipeline.Verdict, error) { panic("no") }
