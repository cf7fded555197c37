package main

import (
	"bytes"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The house rules: who may import whom, names are files, the README tells what there is, no file grows
// beyond an idea, everything is formatted. They are checked on direct imports of code that is not a test.

// root is the module's folder, seen from this package.
const root = "../.."

// floors says which packages of ours a package may import, by the longest prefix that matches. The leaves may be imported by all.
var floors = []struct {
	pkg    string
	allows []string
}{
	{"cmd/sluice", []string{"cmd/internal", "pipeline", "schemas", "generators", "filters", "dedup", "trainer"}},
	{"cmd/internal", []string{"cmd/internal", "pipeline", "schemas", "generators", "filters", "dedup", "trainer"}},
	{"generators", []string{"pipeline", "pipeline/llm", "schemas", "trainer"}},
	{"filters", []string{"pipeline", "pipeline/llm", "schemas", "trainer"}},
	{"dedup", []string{"pipeline", "pipeline/llm", "schemas", "trainer", "dedup/index"}},
	{"dedup/index", []string{"pipeline", "pipeline/state", "schemas"}},
	{"pipeline/catalog", nil},
	{"pipeline/text", nil},
	{"pipeline/prompt", nil},
	{"pipeline/expr", []string{"schemas", "pipeline/catalog"}},
	{"pipeline/state", []string{"schemas"}},
	{"pipeline/llm", []string{"pipeline/state", "schemas"}},
	{"pipeline", []string{"pipeline/llm", "pipeline/state", "schemas"}},
	{"trainer", []string{"trainer", "schemas"}},
	{"schemas", nil},
}

var leaves = []string{"pipeline/catalog", "pipeline/text", "pipeline/prompt", "pipeline/expr"}

// gates are the only packages that may import a library.
var gates = map[string][]string{
	"github.com/dgraph-io/badger":           {"pipeline/state"},
	"github.com/sashabaranov/go-openai":     {"pipeline/llm"},
	"github.com/apache/arrow":               {"schemas"},
	"github.com/parquet-go/parquet-go":      {"schemas"},
	"github.com/klauspost/compress":         {"schemas", "pipeline/llm"}, // the ledger packs long requests
	"github.com/go-json-experiment/json":    {"schemas", "pipeline/llm", "filters"},
	"go.yaml.in/yaml":                       {"pipeline", "cmd", "schemas"},
	"github.com/santhosh-tekuri/jsonschema": {"pipeline/llm", "filters"},
	"github.com/kaptinlin/jsonrepair":       {"pipeline/llm"},
	"github.com/nikolalohinski/gonja":       {"pipeline/prompt"},
	"github.com/expr-lang/expr":             {"pipeline/expr"},
	"github.com/gofrs/flock":                {"pipeline"},
	"github.com/abadojack/whatlanggo":       {"filters"},
	"github.com/brianvoe/gofakeit":          {"generators"},
	"github.com/spf13/cobra":                {"cmd"},
	"github.com/vbauerster/mpb":             {"cmd"},
	"golang.org/x/term":                     {"cmd"},
	"net/http/httptest":                     {},
	"html/template":                         {"cmd/internal"},
	"log/slog":                              {"cmd"},
}

// generated files may be as long as they are.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

const longest = 400 // lines of a file

type goFile struct {
	name    string // relative to root, with slashes
	pkg     string
	test    bool
	src     []byte
	imports []string
}

func files(t *testing.T) []goFile {
	var out []goFile
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == "out" || rel != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if path.Ext(rel) != ".go" {
			return nil
		}
		f := goFile{name: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go")}
		if f.src, err = os.ReadFile(name); err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), rel, f.src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range parsed.Imports {
			p, _ := strconv.Unquote(i.Path.Value)
			f.imports = append(f.imports, p)
		}
		out = append(out, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func within(pkg, of string) bool { return pkg == of || strings.HasPrefix(pkg, of+"/") }

// allowed is the row of floors for pkg.
func allowed(pkg string) (allows []string, ok bool) {
	best := -1
	for _, f := range floors {
		if within(pkg, f.pkg) && len(f.pkg) > best {
			best, allows = len(f.pkg), f.allows
		}
	}
	return allows, best >= 0
}

func TestFloors(t *testing.T) {
	for _, f := range files(t) {
		if f.test {
			continue
		}
		allows, ok := allowed(f.pkg)
		if !ok {
			t.Errorf("%s: the house has no floor for package %s", f.name, f.pkg)
			continue
		}
		for _, imp := range f.imports {
			ours, is := strings.CutPrefix(imp, "sluice/")
			if !is || slices.Contains(leaves, ours) || ours == f.pkg {
				continue
			}
			// Roles are packages, not trees: generators may import pipeline, but not pipeline/state.
			if !slices.ContainsFunc(allows, func(a string) bool {
				return ours == a || within(ours, a) && (a == "trainer" || a == "cmd/internal" || within(f.pkg, "cmd"))
			}) {
				t.Errorf("%s may not import %s", f.name, ours)
			}
		}
	}
}

func TestGates(t *testing.T) {
	for _, f := range files(t) {
		if f.test {
			continue
		}
		for _, imp := range f.imports {
			for lib, pkgs := range gates {
				if within(imp, lib) && !slices.ContainsFunc(pkgs, func(p string) bool {
					return f.pkg == p || p == "cmd" && within(f.pkg, "cmd") || p == "cmd/internal" && within(f.pkg, p)
				}) {
					t.Errorf("%s may not import %s: only %v may", f.name, imp, pkgs)
				}
			}
		}
	}
}

func TestFilesAreOneIdea(t *testing.T) {
	for _, f := range files(t) {
		if generated.Match(f.src) {
			continue
		}
		if n := bytes.Count(f.src, []byte("\n")); n > longest {
			t.Errorf("%s has %d lines, at most %d make one idea", f.name, n, longest)
		}
		formatted, err := format.Source(f.src)
		if err != nil || !bytes.Equal(formatted, f.src) {
			t.Errorf("%s is not gofmt-ed", f.name)
		}
	}
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"README.md", "cmd", "dedup", "filters", "generators", "go.mod", "go.sum", "pipeline", "schemas", "testdata", "trainer"}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || name == "out" || strings.HasPrefix(name, "sluice") {
			continue
		}
		if !slices.Contains(want, name) {
			t.Errorf("%s has no place at the top of the tree", name)
		}
	}
}

// A stage's name is the path of its file; each has a behaviour file; the README's table is the catalogs.
func TestNamesAreFiles(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, role := range roles() {
		for _, name := range role.names {
			names = append(names, role.dir+"/"+name)
		}
	}
	for _, name := range names {
		for _, file := range []string{name + ".go", "testdata/" + name + ".txtar"} {
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: no file %s", name, file)
			}
		}
	}
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:generators|filters|dedup)/[a-z0-9_]+)` \\|").FindAllSubmatch(readme, -1) {
		listed = append(listed, string(m[1]))
	}
	slices.Sort(names)
	slices.Sort(listed)
	if !slices.Equal(names, listed) {
		t.Errorf("the README's table of components differs from the catalogs:\nREADME   %v\ncatalogs %v", listed, names)
	}
}

// The text of the project speaks of the project alone.
func TestNoPathsOfMachines(t *testing.T) {
	for _, f := range files(t) {
		for _, bad := range []string{"/" + "work/", "/" + "root/", "/home/" + "user"} {
			if i := bytes.Index(f.src, []byte(bad)); i >= 0 {
				t.Errorf("%s:%d names a path of a machine", f.name, 1+bytes.Count(f.src[:i], []byte("\n")))
			}
		}
	}
}
