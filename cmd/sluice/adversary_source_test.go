package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/pipeline"
)

// sourceRecipe takes the rows of a file named FILE through without a model.
const sourceRecipe = `
sluice: 1
dataset: out
state: state
batch: 4
tolerate: 0.5
source: {path: FILE}
stages:
  - filters/length: {min: 2}
  - dedup/exact: {}
sink: {parquet: {rows: 10}}
`

// fileWorld is a world whose source is one file.
func fileWorld(t *testing.T, name, content string) *stageWorld {
	t.Helper()
	w := &stageWorld{t: t, dir: t.TempDir(), recipe: strings.ReplaceAll(sourceRecipe, "FILE", name)}
	w.put(name, content)
	return w
}

func (w *stageWorld) put(name, content string) {
	w.t.Helper()
	name = filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// attempt is `sluice run`: also the recipe may be refused. A real store is used.
func (w *stageWorld) attempt() (*pipeline.Result, error) {
	w.t.Helper()
	w.put("recipe.yaml", w.recipe)
	r, err := pipeline.Load(filepath.Join(w.dir, "recipe.yaml"), pipeline.LoadOptions{Catalogs: catalogs()})
	if err != nil {
		return nil, err
	}
	return pipeline.Run(w.t.Context(), r, options(w.t.Context(), r, false, 0))
}

func lineOf(i int) string {
	return fmt.Sprintf("{\"text\":\"row number %d\",\"label\":\"a\",\"n\":%d}\n", i, i)
}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(lineOf(i))
	}
	return b.String()
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

// Every malformed source has one clear outcome: rows that are counted by cause, or an error that names the place. What is sealed is whole.
func TestAdversarySources(t *testing.T) {
	row := func(s string) string { return lines(10) + s + "\n" + lineOf(11) }
	for name, c := range map[string]struct {
		file, content string
		in, out       int64
		reason        string // of rows that fail at the source
		refused       string // in the error of a source that is refused
	}{
		"late null":          {file: "s.jsonl", content: row(`{"text":"null n","label":"a","n":null}`), in: 12, out: 12},
		"late key":           {file: "s.jsonl", content: row(`{"text":"new key","label":"a","n":1,"extra":true}`), in: 12, out: 12},
		"null text":          {file: "s.jsonl", content: row(`{"text":null,"label":"a","n":1}`), in: 12, out: 11, reason: "missing_text"},
		"label missing":      {file: "s.jsonl", content: row(`{"text":"no label","n":1}`), in: 12, out: 11, reason: "missing_label"},
		"two types":          {file: "s.jsonl", content: row(`{"text":"wrong","label":"a","n":"x"}`), refused: "column n is int in one row and string in another (s.jsonl, row 11"},
		"int becomes float":  {file: "s.jsonl", content: row(`{"text":"a float","label":"a","n":1.5}`), in: 12, out: 12},
		"NaN":                {file: "s.jsonl", content: row(`{"text":"not a number","label":"a","n":NaN}`), in: 12, out: 11, reason: "malformed"},
		"invalid UTF-8":      {file: "s.jsonl", content: row("{\"text\":\"x \xff\xfe\",\"label\":\"a\",\"n\":1}"), in: 12, out: 11, reason: "malformed"},
		"lone surrogate":     {file: "s.jsonl", content: row(`{"text":"x \ud800 y","label":"a","n":1}`), in: 12, out: 11, reason: "malformed"},
		"NUL":                {file: "s.jsonl", content: row(`{"text":"x \u0000 y","label":"a","n":1}`), in: 12, out: 12},
		"key twice":          {file: "s.jsonl", content: row(`{"text":"one","text":"two","label":"a","n":1}`), in: 12, out: 11, reason: "malformed"},
		"no JSON":            {file: "s.jsonl", content: row("garbage"), in: 12, out: 11, reason: "malformed"},
		"no object":          {file: "s.jsonl", content: row("[1,2]"), in: 12, out: 11, reason: "malformed"},
		"very deep":          {file: "s.jsonl", content: row(`{"text":"deep","label":"a","n":` + strings.Repeat("[", 100_000) + "}"), in: 12, out: 11, reason: "malformed"},
		"100 MB line":        {file: "s.jsonl", content: row(`{"text":"` + strings.Repeat("x", 100<<20) + `","label":"a","n":1}`), in: 12, out: 11, reason: "too_long_line"},
		"CRLF":               {file: "s.jsonl", content: strings.ReplaceAll(lines(10), "\n", "\r\n"), in: 10, out: 10},
		"BOM":                {file: "s.jsonl", content: "\xef\xbb\xbf" + lines(10), in: 10, out: 10},
		"blank lines":        {file: "s.jsonl", content: "\n\n" + lines(10) + "\n\n", in: 10, out: 10},
		"last line cut":      {file: "s.jsonl", content: strings.TrimSuffix(lines(10), "\"a\",\"n\":9}\n"), in: 10, out: 9, reason: "malformed"},
		"empty":              {file: "s.jsonl", content: ""},
		"no text":            {file: "s.jsonl", content: `{"foo":1}`, refused: "no column text"},
		"nameless column":    {file: "s.jsonl", content: `{"text":"x y","":1}`, refused: "a name is missing"},
		"gzip of two parts":  {file: "s.jsonl.gz", content: gzipped(lines(10)) + gzipped(lineOf(20)), in: 11, out: 11},
		"gzip cut short":     {file: "s.jsonl.gz", content: gzipped(lines(10))[:60], refused: "the compressed file is cut short"},
		"CSV of a header":    {file: "s.csv", content: "text,label\n"},
		"CSV of nothing":     {file: "s.csv", content: ""},
		"CSV ragged":         {file: "s.csv", content: "text,label\nrow one,a\nrow two\nrow three,a,b\nrow four,a\n", in: 4, out: 2, reason: "malformed"},
		"CSV open quote":     {file: "s.csv", content: "text,label\nrow one,a\n\"row two,a\nrow three,a\n", refused: "a quote is opened and never closed"},
		"CSV columns alike":  {file: "s.csv", content: "text,text\nrow one,a\n", refused: `two columns are named "text"`},
		"CSV BOM CRLF":       {file: "s.csv", content: "\xef\xbb\xbftext,label\r\nrow one,a\r\n\"row\r\ntwo\",b\r\n", in: 2, out: 2},
		"CSV Latin-1":        {file: "s.csv", content: "text,label\nrow caf\xe9,a\nrow two,a\n", in: 2, out: 1, reason: "malformed"},
		"no Parquet":         {file: "s.parquet", content: "this is no Parquet at all", refused: "not a Parquet file"},
		"Parquet cut short":  {file: "s.parquet", content: "PAR1PAR1", refused: "truncated Parquet file"},
		"no Arrow":           {file: "s.arrow", content: "this is no Arrow at all", refused: "no Arrow file"},
		"JSON cut short":     {file: "s.json", content: `[{"text": "row one"}, {"text": `, refused: "the JSON ends early"},
		"JSON and more":      {file: "s.json", content: `[{"text": "row one"}] x`, refused: "data after the JSON array"},
		"file does not lie":  {file: "s.jsonl.gz", content: lines(10), in: 10, out: 10}, // it is not compressed, whatever its name says
		"columns of a shard": {file: "s.jsonl", content: `{"text":"a row","id":"x","origin":"y","scores":1}`, in: 1, out: 1},
	} {
		if testing.Short() && strings.Contains(name, "100 MB") {
			continue
		}
		w := fileWorld(t, c.file, c.content)
		res, err := w.attempt()
		if c.refused != "" {
			if code, _ := verdict(err); err == nil || code != exitRecipe || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: exit %d: %v", name, code, err)
			}
			if _, err := os.Stat(filepath.Join(w.dir, "out")); err == nil {
				t.Errorf("%s: a refused source has left a dataset", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.in > 0 {
			s := stage(t, res, "source")
			want := map[string]int64{}
			if c.reason != "" {
				want[c.reason] = c.in - c.out
			}
			if s.In != c.in || s.Out != c.out || !maps.Equal(s.Failed, want) && len(s.Failed)+len(want) > 0 {
				t.Errorf("%s: took in %d rows, let out %d, failed %v", name, s.In, s.Out, s.Failed)
			}
		}
		w.wantWhole(name)
	}
}

// A row of the wrong type far behind the first thousand costs that row alone.
func TestAdversaryWrongTypeLate(t *testing.T) {
	n := 5_000
	if long() {
		n = 1_000_000
	}
	w := fileWorld(t, "s.jsonl", lines(n)+`{"text":"the wrong type","label":"a","n":"x"}`+"\n"+lineOf(n+1))
	w.recipe = strings.Replace(strings.Replace(w.recipe, "batch: 4", "batch: 1000", 1), "rows: 10", "rows: 100000", 1)
	res, err := w.attempt()
	if err != nil {
		t.Fatal(err)
	}
	if s := stage(t, res, "source"); s.Out != int64(n+1) || s.Failed["wrong_type"] != 1 {
		t.Errorf("%+v", s)
	}
	w.wantWhole("late wrong type")
}

// What a source becomes after it was read: rows that were read may not change, new ones are taken, and the dataset stays whole.
func TestAdversarySourceLater(t *testing.T) {
	for name, c := range map[string]struct {
		then    string
		in      int64
		refused string
	}{
		"rows added":             {then: lines(11), in: 11},
		"rows added, no newline": {then: strings.TrimSpace(lines(11)), in: 11},
		"a row in other spacing": {then: strings.Replace(lines(10), `"n":3`, `"n": 3`, 1), in: 10},
		"a row changed":          {then: strings.Replace(lines(10), "number 3", "number x", 1), refused: "has changed within its first 10 rows"},
		"a row put before":       {then: lineOf(77) + lines(10), refused: "has changed within its first 10 rows"},
		"rows gone":              {then: lines(2), refused: "has 2 rows, but 10 were read before"},
		"emptied":                {then: "", refused: "has 0 rows, but 10 were read before"},
		"deleted":                {then: "-", refused: "there is no file s.jsonl"},
		"a new key":              {then: lines(10) + `{"text":"new key","label":"a","n":1,"extra":true}`, in: 11},
		"a float":                {then: lines(10) + `{"text":"a float","label":"a","n":1.5}`, in: 11},
	} {
		w := fileWorld(t, "s.jsonl", lines(10))
		if _, err := w.attempt(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := w.files()
		w.put("s.jsonl", c.then)
		if c.then == "-" {
			os.Remove(filepath.Join(w.dir, "s.jsonl"))
		}
		res, err := w.attempt()
		switch {
		case c.refused == "" && err != nil, c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: %v", name, err)
		case c.refused == "":
			if s := stage(t, res, "source"); s.In != c.in {
				t.Errorf("%s: took in %d rows, want %d", name, s.In, c.in)
			}
		case res != nil:
			if _, hint := verdict(err); !strings.Contains(hint, "--new") {
				t.Errorf("%s: hint %q", name, hint)
			}
		}
		for file, b := range before {
			if w.files()[file] != b {
				t.Errorf("%s: %s has changed", name, file)
			}
		}
		w.wantWhole(name)
	}
}

// A source that is empty at first, as on the first night of a schedule, does not spoil the dataset for the rows that come.
func TestAdversaryEmptyAtFirst(t *testing.T) {
	w := fileWorld(t, "s.jsonl", "")
	for _, content := range []string{"", lines(10), lines(12)} {
		w.put("s.jsonl", content)
		res, err := w.attempt()
		if err != nil {
			t.Fatalf("%d bytes: %v", len(content), err)
		}
		if content != "" {
			if s := stage(t, res, "source"); s.Out != int64(strings.Count(content, "\n")) {
				t.Errorf("%+v", s)
			}
			w.wantWhole("rows have come")
		}
	}
}

// Two files of one name in different folders are told apart; a file that is named twice is read once.
func TestAdversaryFilesOfOneName(t *testing.T) {
	w := fileWorld(t, "a/s.jsonl", lines(10))
	w.put("b/s.jsonl", lines(10)+lineOf(50))
	w.recipe = strings.ReplaceAll(sourceRecipe, "FILE", `["a/s.jsonl", "b/s.jsonl", "*/s.jsonl"]`)
	res, err := w.attempt()
	if err != nil {
		t.Fatal(err)
	}
	if s, d := stage(t, res, "source"), stage(t, res, "dedup/exact"); s.Out != 21 || d.Dropped["duplicate"] != 10 {
		t.Errorf("%+v %+v", s, d)
	}
	w.wantWhole("two files of one name")
}
