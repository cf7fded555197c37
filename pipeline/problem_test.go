package pipeline

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestProblems renders what is wrong with the recipes of testdata/problems: each file is an archive of recipe.yaml,
// other files beside it, and problems.txt, which is what the user reads.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata/problems/*.txtar", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in := map[string]string{"seeds.jsonl": testSeeds}
			var want []byte
			golden := -1
			for i, f := range a.Files {
				if f.Name == "problems.txt" {
					golden, want = i, f.Data
					continue
				}
				in[f.Name] = string(f.Data)
			}
			t.Chdir(writeFiles(t, in))
			_, err = Load("recipe.yaml", LoadOptions{Catalogs: recipeCatalogs(), Getenv: testEnv})
			ps, ok := errors.AsType[Problems](err)
			if !ok {
				t.Fatalf("got %v, want problems", err)
			}
			got := []byte(ps.Error() + "\n")
			if strings.Contains(string(got), "hunter2") {
				t.Errorf("a value from the environment was printed:\n%s", got)
			}
			if bytes.Equal(got, want) {
				return
			}
			if !*update || golden < 0 {
				t.Fatalf("run with -update if this is right:\n%s", cmp.Diff(string(want), string(got)))
			}
			a.Files[golden].Data = got
			rewrite = append(rewrite, func() error { return os.WriteFile(file, txtar.Format(a), 0o644) })
		})
	}
	for _, f := range rewrite { // back in the folder of the test
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
}

var rewrite []func() error

func TestWindow(t *testing.T) {
	long := strings.Repeat("x", 300)
	line, caret := window(long[:250]+"HERE"+long, 250, 4)
	if at := strings.Index(caret, "^"); len([]rune(line)) != excerptWidth+2 || string([]rune(line)[at:at+4]) != "HERE" {
		t.Errorf("a caret in a long line:\n%s\n%s", line, caret)
	}
	if line, caret := window("a:\tü b\x1b[31m", 3, 2); line != "a: ü b.[31m" || caret != "   ^^" {
		t.Errorf("got %q, %q", line, caret)
	}
	if _, caret := window("ab", 9, 5); caret != "  ^" {
		t.Errorf("a caret behind the line: got %q", caret)
	}
}
