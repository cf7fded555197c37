package filters

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

var update = flag.Bool("update", false, "rewrite the expected files of behaviour tests")

// TestBehaviour runs every testdata/filters/*.txtar: a configuration, records, the seeds of the pool, what the model answers in turn; the
// records kept, and why the others went.
func TestBehaviour(t *testing.T) {
	files, _ := filepath.Glob("../testdata/filters/*.txtar")
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
			in := decode(t, section(a, "in.jsonl"), "in.jsonl")
			model := &scripted{answers: strings.Split(strings.TrimSpace(string(section(a, "answers.jsonl"))), "\n")}
			config := strings.ReplaceAll(string(section(a, "config.yaml")), "$PROGRAM", os.Args[0])
			f := open(t, method, config, in, decode(t, section(a, "pool.jsonl"), "pool.jsonl"), model)
			var kept, dropped bytes.Buffer
			for i, r := range in {
				v, err := f.Judge(t.Context(), r)
				fail, failed := errors.AsType[*schemas.Failure](err)
				if err != nil && !failed {
					t.Fatal(err)
				}
				switch {
				case failed:
					line(t, &dropped, map[string]any{"row": i, "failure": fail.Error()})
				case v.Reason != "":
					m := map[string]any{"row": i, "reason": v.Reason, "detail": v.Detail}
					if len(v.Reasons) > 0 {
						m["reasons"] = v.Reasons
					}
					if len(v.Scores) > 0 {
						m["scores"] = v.Scores
					}
					line(t, &dropped, m)
				default:
					line(t, &kept, applied(r, v))
				}
			}
			compare(t, file, a, "out.jsonl", kept.Bytes())
			compare(t, file, a, "dropped.jsonl", dropped.Bytes())
			if model.asked.Len() > 0 {
				compare(t, file, a, "asked.txt", model.asked.Bytes())
			}
		})
	}
}

// TestEveryFilterHasItsFiles holds catalog, source files and behaviour files together.
func TestEveryFilterHasItsFiles(t *testing.T) {
	for _, name := range Catalog.Names() {
		if _, err := os.Stat(name + ".go"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat("../testdata/filters/" + name + ".txtar"); err != nil {
			t.Error(err)
		}
	}
}

// applied is the record as the engine lets it pass.
func applied(r *schemas.Record, v pipeline.Verdict) *schemas.Record {
	if v.Revised != nil {
		r = v.Revised
	}
	r = r.Clone()
	if len(v.Scores) > 0 && r.Scores == nil {
		r.Scores = map[string]float64{}
	}
	maps.Copy(r.Scores, v.Scores)
	if len(v.Columns) > 0 && r.Columns == nil {
		r.Columns = map[string]any{}
	}
	maps.Copy(r.Columns, v.Columns)
	return r
}

func line(t *testing.T, b *bytes.Buffer, v any) {
	t.Helper()
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
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
	if !*update {
		if d := cmp.Diff(string(section(a, name)), string(got)); d != "" {
			t.Errorf("%s: -want +got (run with -update to rewrite)\n%s", name, d)
		}
		return
	}
	found := false
	for i := range a.Files {
		if a.Files[i].Name == name {
			a.Files[i].Data, found = got, true
		}
	}
	if !found {
		a.Files = append(a.Files, txtar.File{Name: name, Data: got})
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

func decode(t testing.TB, lines []byte, source string) []*schemas.Record {
	t.Helper()
	var rs []*schemas.Record
	for line := range bytes.Lines(lines) {
		r, err := schemas.DecodeRecord(bytes.TrimSpace(line), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.ID = schemas.SeedID(source, int64(len(rs)))
		rs = append(rs, r)
	}
	return rs
}

// schemaOf is what the engine would infer.
func schemaOf(rs []*schemas.Record) *schemas.Schema {
	s := &schemas.Schema{Kind: schemas.Text}
	kinds := map[string]schemas.TypeKind{}
	for _, r := range rs {
		switch {
		case len(r.Messages) > 0:
			s.Kind = schemas.Chat
		case len(r.Labels) > 0:
			s.Kind = schemas.Labeled
		}
		for name, v := range r.Columns {
			switch v.(type) {
			case string:
				kinds[name] = schemas.String
			case int64:
				kinds[name] = schemas.Int
			case float64:
				kinds[name] = schemas.Float
			case map[string]any:
				kinds[name] = schemas.Struct
			}
		}
		for name := range r.Scores {
			s.Scores = append(s.Scores, name)
		}
	}
	for name, k := range kinds {
		s.Columns = append(s.Columns, schemas.Column{Name: name, Type: schemas.Type{Kind: k}})
	}
	return s
}

// open takes a filter through the life that the engine gives it.
func open(t testing.TB, method, config string, in, pool []*schemas.Record, model llm.Model) pipeline.Filter {
	t.Helper()
	f := Catalog[method]()
	if strings.TrimSpace(config) != "" {
		if err := yaml.Load([]byte(config), f, yaml.WithKnownFields()); err != nil {
			t.Fatal(err)
		}
	}
	schema := schemaOf(in)
	if c, ok := f.(pipeline.Checker); ok {
		if err := c.Check(pipeline.CheckEnv{Dir: ".", Schema: schema, Models: []string{"writer"}}); err != nil {
			t.Fatal(err)
		}
	}
	if o, ok := f.(pipeline.Opener); ok {
		env := &pipeline.Env{Seed: 17, Stage: "filters/" + method, Dir: ".", Schema: schema, Pool: &pipeline.Pool{Seeds: pool},
			Model: func(string) (llm.Model, error) { return model, nil }}
		if err := o.Open(t.Context(), env); err != nil {
			t.Fatal(err)
		}
	}
	if c, ok := f.(io.Closer); ok {
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if x, ok := f.(pipeline.Fitter); ok {
		records := func(yield func(*schemas.Record, error) bool) {
			for _, r := range in {
				if !yield(r, nil) {
					return
				}
			}
		}
		if err := x.Fit(t.Context(), records); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// scripted gives its answers in turn. A line "!reason" is a failure.
type scripted struct {
	answers []string
	n       int
	asked   bytes.Buffer
}

func (s *scripted) Name() string { return "writer" }

func (s *scripted) Ask(_ context.Context, q llm.Request) (llm.Answer, error) {
	fmt.Fprintf(&s.asked, "--- temperature %g\n%s\n", *q.Temperature, q.Messages[0].Content)
	a := llm.Answer{Text: s.answers[s.n%len(s.answers)], Key: fmt.Sprintf("%064x", s.n), Model: "scripted-1"}
	s.n++
	if reason, ok := strings.CutPrefix(a.Text, "!"); ok {
		return a, schemas.Fail(reason, "as scripted")
	}
	if err := json.Unmarshal([]byte(a.Text), &a.Value); err != nil {
		return a, schemas.Fail("bad_json", "%w", err)
	}
	return a, nil
}
