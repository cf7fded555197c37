package generators

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
	"sluice/trainer/kernel"
)

var update = flag.Bool("update", false, "rewrite the expected files of behaviour tests")

// TestBehaviour runs every testdata/generators/*.txtar: a configuration, seeds, what the model answers in turn, and the records made. A
// failed record is written with its failure. A generator that learns sees all seeds first; seeds.txt says of how many the records are shown.
func TestBehaviour(t *testing.T) {
	files, _ := filepath.Glob("../testdata/generators/*.txtar")
	if len(files) == 0 {
		t.Fatal("no behaviour files")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			method, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txtar"), "-")
			seeds := decode(t, section(a, "in.jsonl"))
			model := &scripted{}
			for line := range bytes.Lines(section(a, "answers.jsonl")) {
				model.answers = append(model.answers, strings.TrimSpace(string(line)))
			}
			t.Setenv(kernel.Env, kernel.Scalar.String()) // what a model run here makes depends on the kernel set
			g := open(t, method, string(section(a, "config.yaml")), seeds, model)
			if f, ok := g.(pipeline.Fitter); ok {
				if runtime.GOARCH != "amd64" {
					t.Skip("other processors round otherwise, even in plain Go")
				}
				if err := f.Fit(t.Context(), recordsOf(seeds)); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			for i, s := range seeds {
				if shown, err := strconv.Atoi(strings.TrimSpace(string(section(a, "seeds.txt")))); err == nil && i == shown {
					break
				}
				made, err := g.Generate(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range made {
					out.Write(written(t, r))
				}
			}
			compare(t, file, a, "made.jsonl", out.Bytes())
			if len(model.answers) > 0 {
				compare(t, file, a, "asked.txt", model.asked.Bytes())
			}
		})
	}
}

// TestEveryGeneratorHasItsFiles holds catalog, source files and behaviour files together.
func TestEveryGeneratorHasItsFiles(t *testing.T) {
	for _, name := range Catalog.Names() {
		if _, err := os.Stat(name + ".go"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat("../testdata/generators/" + name + ".txtar"); err != nil {
			t.Error(err)
		}
	}
}

func recordsOf(rs []*schemas.Record) iter.Seq2[*schemas.Record, error] {
	return func(yield func(*schemas.Record, error) bool) {
		for _, r := range rs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func compare(t *testing.T, file string, a *txtar.Archive, name string, got []byte) {
	t.Helper()
	if *update {
		for i := range a.Files {
			if a.Files[i].Name == name {
				a.Files[i].Data = got
				got = nil
			}
		}
		if got != nil {
			a.Files = append(a.Files, txtar.File{Name: name, Data: got})
		}
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(section(a, name)), string(got)); d != "" {
		t.Errorf("%s: -want +got (run with -update to rewrite)\n%s", name, d)
	}
}

func written(t *testing.T, r *schemas.Record) []byte {
	t.Helper()
	b, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if r.Failure == nil {
		return append(b, '\n')
	}
	b, err = json.Marshal(map[string]any{"failure": r.Failure.Error(), "record": json.RawMessage(b)})
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func decode(t *testing.T, lines []byte) []*schemas.Record {
	t.Helper()
	var rs []*schemas.Record
	for line := range bytes.Lines(lines) {
		r, err := schemas.DecodeRecord(bytes.TrimSpace(line), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.ID, r.Origin.Source, r.Origin.Row = schemas.SeedID("in.jsonl", int64(len(rs))), "in.jsonl", int64(len(rs))
		rs = append(rs, r)
	}
	return rs
}

// schemaOf is what the engine would infer.
func schemaOf(seeds []*schemas.Record) *schemas.Schema {
	s := &schemas.Schema{Kind: schemas.Text}
	for _, r := range seeds {
		switch {
		case len(r.Messages) > 0:
			s.Kind = schemas.Chat
		case len(r.Labels) > 0:
			s.Kind = schemas.Labeled
		}
	}
	return s
}

func poolOf(seeds []*schemas.Record) *pipeline.Pool {
	p := &pipeline.Pool{Seeds: seeds, ByLabel: map[string][]int32{}}
	for i, s := range seeds {
		if _, ok := p.ByLabel[s.Label()]; !ok {
			p.Labels = append(p.Labels, s.Label())
		}
		p.ByLabel[s.Label()] = append(p.ByLabel[s.Label()], int32(i))
	}
	return p
}

// open takes a generator through the life that the engine gives it.
func open(t testing.TB, method, config string, seeds []*schemas.Record, model llm.Model) pipeline.Generator {
	t.Helper()
	g := Catalog[method]()
	if err := yaml.Load([]byte(config), g, yaml.WithKnownFields()); err != nil && strings.TrimSpace(config) != "" {
		t.Fatal(err)
	}
	schema := schemaOf(seeds)
	if c, ok := g.(pipeline.Checker); ok {
		if err := c.Check(pipeline.CheckEnv{Dir: ".", Schema: schema, Models: []string{"writer"}}); err != nil {
			t.Fatal(err)
		}
	}
	env := &pipeline.Env{Seed: 17, Stage: "generators/" + method, Dir: ".", Schema: schema, Pool: poolOf(seeds),
		Model: func(name string) (llm.Model, error) {
			if model == nil {
				return nil, fmt.Errorf("no model %q", name)
			}
			return model, nil
		}}
	if err := g.(pipeline.Opener).Open(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	return g
}

// scripted gives its answers in turn, from the start again when they are used up. A line "!reason" is a failure; a line "words => answer"
// answers only a request that holds those words.
type scripted struct {
	answers []string
	n       int
	asked   bytes.Buffer
}

func (s *scripted) Name() string { return "writer" }

func (s *scripted) Ask(_ context.Context, q llm.Request) (llm.Answer, error) {
	for _, m := range q.Messages {
		fmt.Fprintf(&s.asked, "--- %s, attempt %d\n%s\n", m.Role, q.Attempt, m.Content)
	}
	a := llm.Answer{Key: fmt.Sprintf("%064x", s.n), Model: "scripted-1", Usage: llm.Usage{Prompt: 100, Completion: 11, Cost: 1000}}
	line := s.answers[s.n%len(s.answers)]
	for _, l := range s.answers {
		words, answer, ok := strings.Cut(l, " => ")
		if ok && strings.Contains(q.Messages[len(q.Messages)-1].Content, words) {
			line = answer
			break
		}
	}
	s.n++
	if reason, ok := strings.CutPrefix(line, "!"); ok {
		return a, schemas.Fail(reason, "as scripted")
	}
	a.Text = line
	if q.Schema != nil {
		if err := json.Unmarshal([]byte(line), &a.Value); err != nil {
			return a, schemas.Fail("bad_json", "%w", err)
		}
	}
	return a, nil
}
