package pipeline

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad: whatever stands in the file, a recipe is loaded or refused with problems that lie within it.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(smallRecipe))
	files, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Files[0].Data)
	}
	for _, s := range []string{
		"a: &a [*a]", "&a {<<: *a}", "sluice: 1\nstages: &s [*s]", "x: !!binary ?", "\xff\xfe", "? {a: b}\n: c", "sluice: !!float .nan",
		"stages: [filters/size: &x {<<: *x}]", "models: {a: {extra: &e {k: *e}}}", "- 1", "%YAML 9.9\n---\na: 1", "a: 1\n---\nb: 2",
		"source: {columns: {a: 'struct<a: list<'}}", "target: {per_label: [1]}", "sluice: 1\nseed: 1e400", "sink: {parquet: }",
		"a: &a {b: 1}\nc: &c {<<: [*a, *a, *a]}\nd: &d {<<: [*c, *c, *c]}\nstages: [filters/size: {<<: [*d, *d, *d]}]",
	} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "seeds.jsonl"), []byte(testSeeds), 0o644); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.Contains(raw, []byte("/*")) || bytes.Contains(raw, []byte("..")) {
			t.Skip("a glob outside the folder reads whatever the machine has")
		}
		r, err := parse(filepath.Join(dir, "recipe.yaml"), raw, LoadOptions{Catalogs: recipeCatalogs(), Getenv: testEnv})
		if err == nil {
			r.Fingerprint()
			return
		}
		ps, ok := errors.AsType[Problems](err)
		if !ok || len(ps) == 0 {
			t.Fatalf("got %T: %v", err, err)
		}
		_ = ps.Error()
	})
}
