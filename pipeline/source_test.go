package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/schemas"
)

// source opens the source of a recipe in dir; spec is the value of its key.
func openTestSource(t *testing.T, dir, spec string) (*Recipe, Source) {
	t.Helper()
	raw := "sluice: 1\ndataset: out\nsource: " + spec + "\n"
	r, err := parse(filepath.Join(dir, "recipe.yaml"), []byte(raw), LoadOptions{Getenv: testEnv})
	if err != nil {
		t.Fatal(err)
	}
	src, err := r.OpenSource(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, src
}

// readAll returns what a source yields as lines, and how far it was read.
func readAll(t *testing.T, src Source, done []schemas.SourceExtent) (lines []string, at []schemas.SourceExtent, err error) {
	t.Helper()
	x := newExtents(done)
	for row, err := range src.Read(t.Context(), done) {
		if err != nil {
			return lines, x.list(), err
		}
		x.read(&row)
		line := fmt.Sprintf("%s:%d ", row.File, row.Row)
		if row.Bad != nil {
			if row.Bad.Stage != SourceStage || !row.Bad.Failed || row.Bad.Record.ID != schemas.SeedID(row.File, row.Row) {
				t.Errorf("reject of row %d: %+v", row.Row, row.Bad)
			}
			line += row.Bad.Reason
		} else {
			if row.Record.ID != schemas.SeedID(row.File, row.Row) || row.Record.Origin.Row != row.Row || row.Record.Origin.Source != row.File {
				t.Errorf("record of row %d: %+v", row.Row, row.Record)
			}
			line += row.Record.Content()
		}
		lines = append(lines, line)
	}
	return lines, x.list(), nil
}

func wantLines(t *testing.T, got []string, want string) {
	t.Helper()
	if g := strings.Join(got, "|"); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

func appendFile(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSourceAppend(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"in/b.jsonl": "{\"text\":\"b0\"}\n{\"text\":\"b1\"}\nnot json\n",
		"in/c.csv":   "text\nc0\n",
	})
	_, src := openTestSource(t, dir, `{path: "in/*"}`)
	lines, done, err := readAll(t, src, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "in/b.jsonl:0 b0|in/b.jsonl:1 b1|in/b.jsonl:2 malformed|in/c.csv:0 c0")

	first := firstHash(t, src)
	// Known files keep their order, new rows of theirs come where they are, new files behind all.
	appendFile(t, filepath.Join(dir, "in/b.jsonl"), "{\"text\": \"b3\"}\n")
	appendFile(t, filepath.Join(dir, "in/a.jsonl"), "{\"text\": \"a0\"}\n")
	lines, done2, err := readAll(t, src, done)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "in/b.jsonl:3 b3|in/a.jsonl:0 a0")
	lines, _, err = readAll(t, src, done2)
	if err != nil || len(lines) > 0 {
		t.Errorf("nothing is new: got %q, %v", lines, err)
	}

	// From the middle of a file, as a resumed run reads.
	half := []schemas.SourceExtent{done[0]}
	half[0].Rows, half[0].Hash = 1, first
	lines, _, err = readAll(t, src, half)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "in/b.jsonl:1 b1|in/b.jsonl:2 malformed|in/b.jsonl:3 b3|in/a.jsonl:0 a0|in/c.csv:0 c0")

	// Layout may change, rows may not.
	if err := os.WriteFile(filepath.Join(dir, "in/b.jsonl"), []byte("{ \"text\" : \"b0\" }\n\n{\"text\":\"b\\u0031\", \"x\": null}\nnot json\n{\"text\":\"b3\"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if lines, _, err := readAll(t, src, done2); err != nil || len(lines) > 0 {
		t.Errorf("another layout of the same rows: got %q, %v", lines, err)
	}
	for change, text := range map[string]string{
		"has changed within its first 4 rows": "{\"text\":\"b0\"}\n{\"text\":\"B1\"}\nnot json\n{\"text\":\"b3\"}\n",
		"has 1 rows, but 4 were read before":  "{\"text\":\"b0\"}\n",
		"in/b.jsonl is gone":                  "",
	} {
		path := filepath.Join(dir, "in/b.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := readAll(t, src, done2)
		h, ok := errors.AsType[*sourceError](err)
		if !ok || !strings.Contains(err.Error(), change) || !strings.Contains(h.Hint(), "--new") {
			t.Errorf("got %v, want %q with a hint about --new", err, change)
		}
	}
}

func firstHash(t *testing.T, src Source) string {
	t.Helper()
	for row, err := range src.Read(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		return row.Extent().Hash
	}
	t.Fatal("no rows")
	return ""
}

func TestSourceCancel(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.jsonl": strings.Repeat("{\"text\":\"a\"}\n", 1000)})
	_, src := openTestSource(t, dir, `{path: a.jsonl}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows := 0
	var last error
	for _, err := range src.Read(ctx, nil) {
		if last = err; err != nil {
			break
		}
		if rows++; rows == 10 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) || rows > 200 {
		t.Errorf("after %d rows: %v", rows, last)
	}
}

func TestSourceDamaged(t *testing.T) {
	dir := writeFiles(t, map[string]string{"good.jsonl": "{\"text\":\"a\"}\n", "bad.parquet": "PAR1 this is no Parquet", "cut.jsonl.gz": "\x1f\x8b\x08\x00"})
	for _, name := range []string{"bad.parquet", "cut.jsonl.gz"} {
		raw := "sluice: 1\ndataset: out\nsource: {path: [good.jsonl, " + name + "]}\n"
		_, err := parse(filepath.Join(dir, "recipe.yaml"), []byte(raw), LoadOptions{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want an error that names it", name, err)
		}
	}
}

func TestSourceFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"w[1]/x/a.txt": "A", "w[1]/x/y/b.md": "B", "w[1]/x/.git/c.txt": "C", "w[1]/d.txt": "D", "w[1]/odd.bin": "",
	})
	dir = filepath.Join(dir, "w[1]") // signs of a glob in the recipe's folder mean nothing
	for spec, want := range map[string]string{
		`{text: {path: d.txt}}`:                         "d.txt:0 D",
		`{text: {path: "**/*.{txt,md}"}}`:               "d.txt:0 D|x/.git/c.txt:0 C|x/a.txt:0 A|x/y/b.md:0 B",
		`{path: ["x/**/*.md", "*.txt", d.txt]}`:         "x/y/b.md:0 B|d.txt:0 D",
		`{path: "../w[1]/d.txt"}`:                       "d.txt:0 D",
		`{text: {path: "` + dir + `/d.txt"}}`:           "d.txt:0 D",
		`{text: {path: '` + escape(dir) + `/x/*.txt'}}`: "x/a.txt:0 A", // the same on every machine
	} {
		_, src := openTestSource(t, dir, spec)
		lines, _, err := readAll(t, src, nil)
		if err != nil {
			t.Error(err)
		}
		wantLines(t, lines, want)
	}
	for spec, want := range map[string]string{
		`{path: odd.bin}`:          "tells no format",
		`{jsonl: {path: d.txt}}`:   "not that of jsonl",
		`{path: nothing.txt}`:      "there is no file",
		`{path: "[a"}`:             "not a glob",
		`{dataset: {path: d.txt}}`: "no dataset folder",
		`{dataset: {path: x}}`:     "no file of split train",
	} {
		raw := "sluice: 1\ndataset: out\nsource: " + spec + "\n"
		_, err := parse(filepath.Join(dir, "recipe.yaml"), []byte(raw), LoadOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", spec, err, want)
		}
	}
}

func TestSourceDatasetFolder(t *testing.T) {
	row := func(s string) string { return "{\"text\":\"" + s + "\"}\n" }
	dir := writeFiles(t, map[string]string{
		"hf/README.md": "# card", "hf/dataset_info.json": "{}",
		"hf/data/train-00000-of-00002.jsonl": row("t0"), "hf/data/train-00001-of-00002.jsonl": row("t1"),
		"hf/data/validation.jsonl": row("v"), "hf/.cache/train.jsonl": row("hidden"),
		"flat/b.jsonl": row("b"), "flat/a.jsonl": row("a"),
		"mine/manifest.json": `{"version": 1, "schema": {"kind": "labeled", "columns": [{"name": "note", "type": {"kind": "string"}}], "scores": ["s"]},
			"segments": [{"files": [{"role": "train", "path": "data/train-000000.jsonl"}, {"role": "test", "path": "data/test-000000.jsonl"}]}]}`,
		"mine/data/train-000000.jsonl": `{"id": "00112233445566778899aabbccddeeff", "text": "m", "label": "L", "note": null, "scores": {"s": 1}, "origin": {"row": 7}}` + "\n",
		"mine/data/test-000000.jsonl":  `{"id": "x", "text": "held", "label": "L"}` + "\n",
		"mine/data/train-000001.jsonl": row("not sealed"),
	})
	for spec, want := range map[string]string{
		`{dataset: {path: hf}}`:                    "hf/data/train-00000-of-00002.jsonl:0 t0|hf/data/train-00001-of-00002.jsonl:0 t1",
		`{dataset: {path: hf, split: validation}}`: "hf/data/validation.jsonl:0 v",
		`{path: flat}`:                             "flat/a.jsonl:0 a|flat/b.jsonl:0 b",
		`{dataset: {path: mine}}`:                  "mine/data/train-000000.jsonl:0 m",
		`{dataset: {path: mine, split: test}}`:     "mine/data/test-000000.jsonl:0 held",
	} {
		_, src := openTestSource(t, dir, spec)
		lines, _, err := readAll(t, src, nil)
		if err != nil {
			t.Error(err)
		}
		wantLines(t, lines, want)
	}
	r, _ := openTestSource(t, dir, `{dataset: {path: mine}}`)
	if s := r.Schema; s.Kind != schemas.Labeled || len(s.Columns) != 1 || s.Columns[0].Name != "note" || len(s.Scores) > 0 {
		t.Errorf("schema of a dataset as source: %+v", s)
	}
}

// TestSourceSkipsItsOwnOutput: a wide glob does not feed a dataset to itself.
func TestSourceSkipsItsOwnOutput(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"a.txt": "a", "out/data/x.txt": "x", "out.new/data/x.txt": "x", "state/s.txt": "s", "outer/b.txt": "b",
	})
	_, src := openTestSource(t, dir, `{path: "**/*.txt"}`)
	lines, _, err := readAll(t, src, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "a.txt:0 a|outer/b.txt:0 b")
}
