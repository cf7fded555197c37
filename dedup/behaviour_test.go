package dedup

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"sluice/dedup/index"
	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

var update = flag.Bool("update", false, "rewrite the expected files of behaviour tests")

// TestBehaviour runs every testdata/dedup/*.txtar: a configuration, records in stream order, those that stay (out.jsonl) and those
// that repeat an earlier one (dropped.jsonl, with the row of the owner and the likeness). A configuration that is refused has the
// error in error.txt instead.
func TestBehaviour(t *testing.T) {
	files, _ := filepath.Glob("../testdata/dedup/*.txtar")
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
			d := Catalog[method]()
			if config := section(a, "config.yaml"); len(bytes.TrimSpace(config)) > 0 {
				if err := yaml.Load(config, d, yaml.WithKnownFields()); err != nil {
					t.Fatal(err)
				}
			}
			env := pipeline.CheckEnv{Schema: &schemas.Schema{Kind: schemas.Text, Columns: []schemas.Column{
				{Name: "lang", Type: schemas.Type{Kind: schemas.String}},
				{Name: "n", Type: schemas.Type{Kind: schemas.Int}},
			}}}
			if err := d.(pipeline.Checker).Check(env); err != nil {
				compare(t, file, a, "error.txt", []byte(err.Error()+"\n"))
				return
			}
			out, dropped := filter(t, d, section(a, "in.jsonl"))
			compare(t, file, a, "out.jsonl", out)
			compare(t, file, a, "dropped.jsonl", dropped)
		})
	}
}

// filter does what a run does: the first record of every likeness stays.
func filter(t *testing.T, d pipeline.Deduper, in []byte) (out, dropped []byte) {
	t.Helper()
	x, err := index.New(state.NewMemory(), "ds", nil, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scheme, scope := d.(pipeline.Keyed).Scheme()
	claims, err := x.Stage("dedup/test", scheme)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[schemas.ID]int)
	for line := range bytes.Lines(in) {
		r, err := schemas.DecodeRecord(bytes.TrimSpace(line), nil)
		if err != nil {
			t.Fatal(err)
		}
		row := len(rows)
		if r.Origin.Source == "" {
			r.Origin.Source = "in.jsonl"
		}
		r.ID = schemas.SeedID("in.jsonl", int64(row))
		rows[r.ID] = row
		l, err := d.Keys(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		where := scope
		if scope == "source" {
			where = "source:" + r.Origin.Source
		}
		m, err := claims.Claim(0, r.ID, where, l)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Dup {
			out = append(out, line...)
			continue
		}
		b, err := json.Marshal(map[string]any{"row": row, "owner": rows[m.Owner], "likeness": fmt.Sprintf("%.3f", m.Score)})
		if err != nil {
			t.Fatal(err)
		}
		dropped = append(append(dropped, b...), '\n')
	}
	return out, dropped
}

// TestEveryDeduperHasItsFiles holds catalog, source files and behaviour files together.
func TestEveryDeduperHasItsFiles(t *testing.T) {
	for _, name := range Catalog.Names() {
		if _, err := os.Stat(name + ".go"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat("../testdata/dedup/" + name + ".txtar"); err != nil {
			t.Error(err)
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
