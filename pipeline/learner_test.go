package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/schemas"
)

// Generators that learn: a phase of their own, and the same laws.

const learnedRecipe = `
sluice: 1
dataset: out
seed: 3
batch: 8
source: {path: seeds.jsonl, holdout: 0.1}
stages:
  - generators/parrot: {}
  - dedup/whole: {}
sink: {jsonl: {rows: 60}}
`

// parrot learns the texts of all seeds, and appends their number to a seed.
type parrot struct {
	Seen []string `yaml:"-"`
	env  *Env
}

// hearing is called while a parrot learns.
var hearing = func(context.Context) error { return nil }

func (p *parrot) Open(_ context.Context, env *Env) error {
	p.env = env
	return nil
}

func (p *parrot) Versions() (map[string]string, error) {
	return map[string]string{"parrot": os.Getenv("PARROT")}, nil
}

func (p *parrot) Fit(ctx context.Context, records iter.Seq2[*schemas.Record, error]) error {
	if p.env.Work != "" {
		if left, err := os.ReadDir(p.env.Work); err == nil {
			return fmt.Errorf("the folder to work in holds %v", left)
		}
		if err := os.MkdirAll(p.env.Work, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.env.Work, "notes"), []byte("x"), 0o644); err != nil {
			return err
		}
	}
	p.Seen = nil
	for r, err := range records {
		if err != nil {
			return err
		}
		p.Seen = append(p.Seen, r.Text)
	}
	return hearing(ctx)
}

func (p *parrot) Generate(_ context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	r := seed.Child(p.env.Stage, seed.Origin.Round, 0)
	r.Text = fmt.Sprintf("%s, one of %d", seed.Text, len(p.Seen))
	return []*schemas.Record{r}, nil
}

func (p *parrot) MarshalBinary() ([]byte, error)    { return json.Marshal(p.Seen) }
func (p *parrot) UnmarshalBinary(data []byte) error { return json.Unmarshal(data, &p.Seen) }

// kept is what the parrot of w has learnt.
func (w *world) kept() (seen []string) {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, "out", schemas.PhasesDir, "1", fitFile))
	var f fitted
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err == nil {
		err = json.Unmarshal(f.State, &seen)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return seen
}

// It learns from every seed but those held out. After an append it learns again from all; sealed rows stay, new seeds alone get copies.
func TestGeneratorLearns(t *testing.T) {
	t.Setenv("PARROT", "grey")
	w := newWorld(t, 100, learnedRecipe)
	res := w.mustRun()
	before := w.bytes()
	first := len(w.kept())
	held := 0
	for name, data := range before {
		if strings.Contains(name, "/test-") {
			for _, text := range w.kept() {
				if strings.Contains(data, fmt.Sprintf("%q", text)) {
					t.Errorf("learnt from the held-out row %q", text)
				}
			}
			held += strings.Count(data, "\n")
		}
	}
	if held < 10 || first+held != 100 {
		t.Errorf("learnt from %d of 100 seeds, %d are held out", first, held)
	}
	if v := res.Manifest.Versions["parrot"]; v != "grey" {
		t.Errorf("the manifest names parrot %q", v)
	}
	t.Setenv("PARROT", "red")
	w.source(100, 150)
	res = w.mustRun()
	if v := res.Manifest.Versions["parrot"]; v != "grey, red" {
		t.Errorf("the manifest names parrot %q", v)
	}
	seen := w.kept()
	if len(seen) != 135 {
		t.Errorf("learnt from %d seeds after the append, want 135", len(seen))
	}
	after := w.bytes()
	for name, data := range before {
		if after[name] != data {
			t.Errorf("%s was rewritten", name)
		}
	}
	fresh := 0
	for name, data := range after {
		if before[name] == "" {
			fresh += strings.Count(data, fmt.Sprintf("one of %d\"", len(seen)))
		}
	}
	if fresh != len(seen)-first {
		t.Errorf("%d new copies know of all %d seeds, want %d", fresh, len(seen), len(seen)-first)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "out", schemas.PhasesDir, "1", workDir)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder to work in is left:", err)
	}
}

// A soft stop ends the learning at once; the next run learns again, to the same bytes, whatever a kill has left in the folder to work in.
func TestStopWhileLearning(t *testing.T) {
	clean := newWorld(t, 60, learnedRecipe)
	clean.mustRun()
	w := newWorld(t, 60, learnedRecipe)
	o := w.options()
	o.Halt = NewHalt()
	hearing = func(ctx context.Context) error {
		o.Halt.Stop(ErrInterrupted)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	defer func() { hearing = func(context.Context) error { return nil } }()
	if _, err := w.run(o); !errors.Is(err, ErrInterrupted) {
		t.Fatalf("%v, want %v", err, ErrInterrupted)
	}
	hearing = func(context.Context) error { return nil }
	work := filepath.Join(w.dir, "out", schemas.PhasesDir, "1", workDir)
	if err := os.MkdirAll(filepath.Join(work, "left"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.mustRun()
	sameFiles(t, "stopped while learning", w.bytes(), clean.bytes())
	calls := 0
	hearing = func(context.Context) error { calls++; return nil }
	w.mustRun()
	if calls != 0 {
		t.Error("it learns again what it knows")
	}
}

// A preview of a few seeds learns from all of them.
func TestPreviewLearnsFromThePool(t *testing.T) {
	w := newWorld(t, 100, learnedRecipe)
	tried, err := Preview(t.Context(), w.load(w.recipe), w.options(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(tried.Records) != 6 || len(tried.Fitted) != 0 || !slices.ContainsFunc(tried.Records, func(r *schemas.Record) bool { return strings.HasSuffix(r.Text, "one of 89") }) {
		t.Errorf("%d records, fitted %v", len(tried.Records), tried.Fitted)
	}
}
