package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"sluice/schemas"
)

// Defaults of a [FileSpec].
const (
	defaultMaxLine = 16 << 20
	perFile        = "file"
	perLine        = "line"
	perParagraph   = "paragraph"
	defaultDivider = ","
	extraError     = "error"
	extraDrop      = "drop"
	defaultSplit   = "train"
)

// source decodes source:, finds its files and reads the schema of their rows.
func (l *loader) source() {
	n := lookup(l.top, "source")
	if n == nil {
		if lookup(l.top, "stages") != nil || lookup(l.top, "target") != nil || lookup(l.top, "train") == nil && lookup(l.top, "certify") == nil {
			l.add(Problem{File: l.file, Message: "the key source is missing", Hint: "name the seed rows, such as `source: {path: seeds.jsonl}`"})
		}
		return
	}
	s := &l.recipe.Source
	before := len(l.problems)
	if !l.value("source", s) {
		return
	}
	fs, _ := fields(n)
	if s.Holdout < 0 || s.Holdout >= 1 {
		l.bad(resolve(lookup(fs, "holdout")), "0.1 holds out a tenth", "holdout is a share, from 0 to below 1")
	}
	keys := l.format(s, n, fs)
	l.files(s, n, keys)
	if len(l.problems) > before {
		return
	}
	schema := l.fixed(fs)
	if schema == nil {
		var err error
		if schema, err = Infer(context.Background(), l.recipe); err != nil {
			l.located(err, l.key("source"), keys)
			return
		}
	}
	l.recipe.seeds, l.recipe.Schema = schema, schema
}

// fixed is the schema that the seeds of the recipe's dataset have for good: it was found from the rows of the first run, and rows that have come since
// fit or fail one by one, wherever in their file they stand. It is nil where no row is sealed, where the recipe describes another source, and
// where the dataset is to be built anew: then the rows as they are now decide.
func (l *loader) fixed(source []field) *schemas.Schema {
	dir := l.recipe.Dataset
	m, err := schemas.ReadManifest(dir)
	if l.o.New || err != nil || !begun(dir, m) {
		return nil // whoever opens the dataset says what is wrong with it
	}
	was := slices.DeleteFunc(slices.Clone(m.Recipe), func(line string) bool { return !strings.HasPrefix(line, "source.") })
	if !slices.Equal(was, l.flatten("source", source)) {
		return nil
	}
	return m.Seeds
}

// located reports an error of the source, with its hint: where the keys name the column it is about, or at their path.
func (l *loader) located(err error, at *yaml.Node, keys []field) {
	if n := resolve(lookup(keys, "path")); n != nil {
		at = n
	}
	hint := ""
	if e, ok := errors.AsType[*sourceError](err); ok {
		hint = e.hint
		names := resolvedFields(keys, "map")
		for _, f := range slices.Concat(names, resolvedFields(names, "columns")) {
			if v := resolve(f.value); e.column != "" && v.Kind == yaml.ScalarNode && v.Value == e.column {
				at = v
			}
		}
	}
	l.bad(at, hint, "%v", err)
}

// format finds the block of the chosen format and puts its keys into the spec; it returns the keys as written.
func (l *loader) format(s *SourceSpec, n *yaml.Node, fs []field) []field {
	blocks := map[string]*FileSpec{
		FormatJSONL: s.JSONL, FormatJSON: s.JSON, FormatCSV: s.CSV, FormatTSV: s.TSV,
		FormatParquet: s.Parquet, FormatArrow: s.Arrow, FormatText: s.Text, FormatDataset: s.Dataset,
	}
	inline := yamlFields(structOf(FileSpec{}))
	keys := fs
	var first *yaml.Node
	for _, f := range fs {
		b, ok := blocks[f.key.Value]
		switch {
		case !ok:
			continue
		case first != nil:
			l.bad(f.key, "leave the format out and give `path:` a list: extensions tell the formats", "a source has one format, and %s is given already", first.Value)
			continue
		case b == nil:
			l.bad(f.key, "`"+f.key.Value+": {path: …}`", "%s has no keys", f.key.Value)
			return nil
		}
		first, s.Format, s.FileSpec = f.key, f.key.Value, *b
		keys, _ = fields(f.value)
	}
	if first != nil {
		for _, f := range fs {
			if _, ok := inline[f.key.Value]; ok {
				l.bad(f.key, "move it into the braces of "+first.Value, "%s belongs below %s", f.key.Value, first.Value)
			}
		}
	}
	return keys
}

// files checks the keys of a [FileSpec], fills in its defaults and looks for its files.
func (l *loader) files(s *SourceSpec, n *yaml.Node, keys []field) {
	at := func(key string) *yaml.Node { return cmpNode(resolve(lookup(keys, key)), l.key("source")) }
	f := &s.FileSpec
	f.Extra, f.Per, f.Split = or(f.Extra, extraError), or(f.Per, perFile), or(f.Split, defaultSplit)
	if f.MaxLine == 0 {
		f.MaxLine = defaultMaxLine
	}
	l.chosen(at("extra"), "extra", f.Extra, extraError, extraDrop)
	l.chosen(at("per"), "per", f.Per, perFile, perLine, perParagraph)
	if lookup(keys, "per") != nil && s.Format != FormatText && s.Format != "" {
		l.bad(at("per"), "", "per is for text files, and this source is %s", s.Format)
	}
	if lookup(keys, "split") != nil && s.Format != FormatDataset && s.Format != "" {
		l.bad(at("split"), "", "split is for dataset folders, and this source is %s", s.Format)
	}
	l.positive(keys, "max_line", int64(f.MaxLine))
	if csv := s.Format == FormatCSV || s.Format == FormatTSV || s.Format == ""; !csv {
		for _, key := range []string{"delimiter", "label_delimiter", "names", "no_header"} {
			if lookup(keys, key) != nil {
				l.bad(at(key), "", "%s is for CSV files, and this source is %s", key, s.Format)
			}
		}
	}
	if d := []rune(f.Delimiter); len(d) > 1 || len(d) == 1 && strings.ContainsRune("\"\r\n\ufffd", d[0]) {
		l.bad(at("delimiter"), "", "delimiter is one sign such as ; or \"\\t\"")
	}
	if f.Kind != "" && !slices.Contains(schemas.Kinds(), f.Kind) {
		var names []string
		for _, k := range schemas.Kinds() {
			names = append(names, string(k))
		}
		l.chosen(at("kind"), "kind", string(f.Kind), names...)
	}
	l.declared(f, keys)
	if len(f.Path) == 0 || slices.Contains(f.Path, "") {
		l.bad(at("path"), "`source: {path: seeds.jsonl}`", "a source needs a path")
		return
	}
	for _, pattern := range f.Path {
		files, err := glob(l.recipe.Dir, pattern)
		pathAt := at("path")
		if pathAt.Kind == yaml.SequenceNode {
			if i := slices.IndexFunc(pathAt.Content, func(c *yaml.Node) bool { return resolve(c).Value == pattern }); i >= 0 {
				pathAt = pathAt.Content[i]
			}
		}
		switch {
		case err != nil:
			l.located(err, pathAt, nil)
		case len(files) == 0 && strings.ContainsAny(pattern, "*?[{"):
			l.bad(pathAt, "relative paths start at the recipe's folder", "no file matches %s", pattern)
		case len(files) == 0:
			l.bad(pathAt, "relative paths start at the recipe's folder", "there is no file %s", pattern)
		}
	}
}

// declared reads the types of columns: in the order of the recipe.
func (l *loader) declared(f *FileSpec, keys []field) {
	columns, _ := fields(lookup(keys, "columns"))
	for _, c := range columns {
		t, err := ParseType(resolve(c.value).Value)
		if err != nil {
			l.bad(resolve(c.value), "string, int, float, bool, list<string>, struct<a: int, b: list<float>>", "column %s: %v", c.key.Value, err)
			continue
		}
		if reserved(c.key.Value) {
			l.bad(c.key, "declare it as source_"+c.key.Value, "the column name %s belongs to sluice", c.key.Value)
		}
		f.Declared = append(f.Declared, schemas.Column{Name: c.key.Value, Type: t})
	}
	renames, _ := fields(lookup(resolvedFields(keys, "map"), "columns"))
	for _, c := range renames {
		if reserved(c.key.Value) {
			l.bad(c.key, "", "the column name %s belongs to sluice", c.key.Value)
		}
	}
}

func resolvedFields(fs []field, key string) []field {
	sub, _ := fields(lookup(fs, key))
	return sub
}

func or(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}
