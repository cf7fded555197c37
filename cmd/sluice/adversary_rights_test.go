//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/pipeline"
)

// A source that cannot be read is told with its name before anything is written.
func TestAdversarySourceOutOfReach(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(path string) error
		says string
	}{
		"an empty folder": {func(p string) error { return os.Mkdir(p, 0o755) }, "s.jsonl"},
		"a dead link":     {func(p string) error { return os.Symlink("nowhere", p) }, "s.jsonl"},
		"a pipe":          {func(p string) error { return syscall.Mkfifo(p, 0o644) }, "no regular file"},
		"no rights": {func(p string) error {
			if os.Geteuid() == 0 {
				return os.Symlink(p, p) // an administrator may read everything, but not a link to itself
			}
			return os.WriteFile(p, []byte(lines(3)), 0)
		}, "s.jsonl"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &stageWorld{t: t, dir: t.TempDir(), recipe: strings.ReplaceAll(sourceRecipe, "FILE", "s.jsonl")}
			if err := c.put(filepath.Join(w.dir, "s.jsonl")); err != nil {
				t.Fatal(err)
			}
			_, err := w.attempt()
			if code, _ := verdict(err); err == nil || code != exitRecipe && code != exitFailed || !strings.Contains(err.Error(), c.says) {
				t.Errorf("exit %d: %v", code, err)
			}
			if _, err := os.Stat(filepath.Join(w.dir, "out")); err == nil {
				t.Error("a dataset was begun")
			}
		})
	}
}

// A source that goes away between two batches ends the run with its name; what was sealed stays, and the run goes on once it is back.
func TestAdversarySourceGoesAway(t *testing.T) {
	clean := fileWorld(t, "s.jsonl", "")
	clean.put("a.jsonl", lines(40))
	clean.put("b.jsonl", lines(60))
	clean.recipe = strings.ReplaceAll(sourceRecipe, "FILE", `["a.jsonl", "b.jsonl"]`)
	if _, err := clean.attempt(); err != nil {
		t.Fatal(err)
	}
	w := fileWorld(t, "s.jsonl", "")
	w.put("a.jsonl", lines(40))
	w.put("b.jsonl", lines(60))
	w.recipe = clean.recipe
	w.put("recipe.yaml", w.recipe)
	r, err := pipeline.Load(filepath.Join(w.dir, "recipe.yaml"), pipeline.LoadOptions{Catalogs: catalogs()})
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(w.dir, "b.jsonl"))
	_, err = pipeline.Run(t.Context(), r, options(t.Context(), r, false, 0))
	if err == nil || !strings.Contains(err.Error(), "b.jsonl") {
		t.Errorf("ended with %v", err)
	}
	w.wantWhole("the source is gone")
	w.put("b.jsonl", lines(60))
	if _, err := w.attempt(); err != nil {
		t.Fatal(err)
	}
	wantSame(t, "the source is back", w.files(), clean.files())
}
