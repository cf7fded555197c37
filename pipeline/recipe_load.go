package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxRecipe bounds the size of a recipe: a larger file is something else.
const maxRecipe = 4 << 20

// Load reads and checks the recipe at path: its language, its components with their own checks, the files of its
// source, and the schema of its rows. It asks no network and writes nothing. What is wrong comes back as
// [Problems], all at once.
func Load(path string, o LoadOptions) (*Recipe, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	if info.Size() > maxRecipe {
		return nil, fmt.Errorf("read recipe: %s has %d bytes, more than a recipe can have (%d)", path, info.Size(), maxRecipe)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	return parse(path, raw, o)
}

// parse is [Load] on bytes already read.
func parse(path string, raw []byte, o LoadOptions) (*Recipe, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	l := &loader{
		reader: reader{file: path, lines: strings.Split(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n")},
		o:      o,
		recipe: &Recipe{Path: path, Dir: dir, Raw: raw, Batch: 64, Tolerate: 0.05, Ledger: LedgerSpec{Fsync: FsyncBatch}},
	}
	if doc := l.document(raw); doc != nil {
		l.read(doc)
	}
	if len(l.problems) > 0 {
		return nil, l.problems.sort()
	}
	return l.recipe, nil
}

// loader fills one recipe.
type loader struct {
	reader
	o      LoadOptions
	recipe *Recipe
	top    []field
	valid  bool // no stage has made the schema unstorable so far
}

// document parses YAML and expands the environment; nil: it is no mapping, and a problem says so.
func (l *loader) document(raw []byte) *yaml.Node {
	if !utf8.Valid(raw) {
		line := 1 + bytes.Count(raw[:firstInvalid(raw)], []byte("\n"))
		l.add(Problem{File: l.file, Line: line, Column: 1, Message: "the file is not UTF-8"})
		return nil
	}
	var doc yaml.Node
	if err := loadYAML(raw, &doc); err != nil {
		l.syntax(err)
		return nil
	}
	root := &doc
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	if root.Kind != yaml.MappingNode {
		l.add(Problem{File: l.file, Message: "this is no recipe: its top level has no keys", Hint: "a recipe begins with `sluice: 1`"})
		return nil
	}
	l.repeats(root)
	failed := map[*yaml.Node]bool{}
	l.env = expandEnv(root, l.o.Getenv, func(n *yaml.Node, err error, hint string) {
		l.bad(n, hint, "%v", err)
		failed[n] = true
	})
	l.failed = failed
	return root
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// loadYAML parses, and survives whatever the parser does to hostile input.
func loadYAML(raw []byte, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read as YAML: %v", p)
		}
	}()
	return yaml.Load(raw, into)
}

func (l *loader) syntax(err error) {
	var many *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &many) && len(many.Errors) > 0:
		for _, e := range many.Errors {
			l.syntaxAt(e)
		}
	case errors.As(err, &one):
		l.syntaxAt(one)
	default:
		l.add(Problem{File: l.file, Message: err.Error()})
	}
}

func (l *loader) syntaxAt(e *yaml.LoadError) {
	m := e.Mark
	if m.Line == 0 {
		m = e.ContextMark
	}
	message := e.Message
	if e.ContextMsg != "" {
		message = e.ContextMsg + ": " + message
	}
	p := Problem{File: l.file, Line: min(max(1, m.Line), len(l.lines)), Column: max(1, m.Column), Message: "YAML: " + message}
	if line := l.lines[p.Line-1]; strings.Contains(line, ": ${") && strings.Contains(line, "{") {
		p.Hint = "inside braces, quote it: \"${VAR}\""
	}
	l.add(p)
}

// read decodes the top level, then its parts in an order in which each finds what it needs.
func (l *loader) read(doc *yaml.Node) {
	top, ok := fields(doc)
	if !ok {
		l.bad(doc, "", "the top level cannot be merged from itself")
		return
	}
	l.top = top
	known := yamlFields(reflect.TypeFor[RecipeKeys]())
	for _, f := range top {
		if _, ok := known[f.key.Value]; !ok {
			l.bad(f.key, suggest(f.key.Value, sortedKeys(known)), "unknown key %q", f.key.Value)
		}
	}
	r := l.recipe
	version := 0
	switch ok := l.value("sluice", &version); {
	case lookup(top, "sluice") == nil:
		l.add(Problem{File: l.file, Line: 1, Column: 1, Message: "the key sluice is missing", Hint: "begin the recipe with `sluice: 1`, the version of its language"})
	case ok && version != RecipeVersion:
		l.bad(lookup(top, "sluice"), "write `sluice: 1`, or use a newer sluice", "this sluice knows version %d of the recipe language", RecipeVersion)
	}
	l.folders()
	l.value("seed", &r.Seed)
	if l.value("batch", &r.Batch) && (r.Batch < 1 || r.Batch > 1<<16) {
		l.bad(lookup(top, "batch"), "", "batch must be from 1 to %d", 1<<16)
	}
	if l.value("tolerate", &r.Tolerate) && !share(r.Tolerate) {
		l.bad(lookup(top, "tolerate"), "0.05 tolerates 5 %", "tolerate is a share, from 0 to 1")
	}
	if l.value("ledger", &r.Ledger) && r.Ledger.Fsync != FsyncEach && r.Ledger.Fsync != FsyncBatch {
		l.choice("ledger", "fsync", r.Ledger.Fsync, FsyncEach, FsyncBatch)
	}
	l.models()
	l.source()
	l.stages()
	l.sink()
	l.target()
	r.Train, r.Certify = l.section("train"), l.section("certify")
	l.training()
	l.spending()
	if len(l.problems) == 0 {
		l.fingerprint()
	}
}

// value decodes a top-level key strictly; false: it is absent or wrong.
func (l *loader) value(key string, into any) bool {
	n := lookup(l.top, key)
	if n == nil {
		return false
	}
	if isNull(resolve(n)) {
		l.bad(l.key(key), "give it one, or leave the key out", "key %q has no value", key)
		return false
	}
	return l.strict(mapping(n, []field{{l.key(key), n}}), single(key, into), theRecipe)
}

// single returns a pointer to a struct whose only key leads to what into points to: so that errors name the key.
func single(key string, into any) any {
	t := reflect.StructOf([]reflect.StructField{{
		Name: "Value", Type: reflect.TypeOf(into), Tag: reflect.StructTag(`yaml:"` + key + `"`),
	}})
	v := reflect.New(t)
	v.Elem().Field(0).Set(reflect.ValueOf(into))
	return v.Interface()
}

func (l *loader) key(name string) *yaml.Node {
	for _, f := range l.top {
		if f.key.Value == name {
			return f.key
		}
	}
	return nil
}

// folders places the dataset and the store: in the recipe relative to it, on the command line to the working directory.
func (l *loader) folders() {
	r := l.recipe
	l.value("dataset", &r.Dataset)
	l.value("state", &r.State)
	r.Dataset, r.State = l.inDir(r.Dataset), l.inDir(r.State)
	override := func(path string, to *string) {
		if path == "" {
			return
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			l.bad(nil, "", "%v", err)
		}
		*to = abs
	}
	override(l.o.Dataset, &r.Dataset)
	override(l.o.State, &r.State)
	if r.Dataset == "" {
		if lookup(l.top, "dataset") == nil && !(l.o.Trains && l.trainsAlone()) {
			hint := "name the folder to write, such as `dataset: out/support`, or use --dataset"
			if l.trainsAlone() {
				hint += "; sluice train trains what a section train alone says"
			}
			l.add(Problem{File: l.file, Message: "the key dataset is missing", Hint: hint})
		}
		return
	}
	if r.State == "" {
		r.State = filepath.Join(filepath.Dir(r.Dataset), "state")
	}
	if r.State == r.Dataset {
		l.bad(lookup(l.top, "state"), "give the store a folder of its own", "state and dataset are the same folder")
	}
}

// trainsAlone tells whether the recipe has the section train and nothing that makes rows.
func (l *loader) trainsAlone() bool {
	made := func(key string) bool { return lookup(l.top, key) != nil }
	return made("train") && !made("source") && !made("stages") && !made("sink") && !made("target")
}

func (l *loader) inDir(path string) string {
	if path == "" {
		return ""
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(l.recipe.Dir, filepath.FromSlash(path))
}

func share(x float64) bool { return x >= 0 && x <= 1 }
