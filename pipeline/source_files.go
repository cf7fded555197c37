package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"sluice/schemas"
)

// sourceError is an error of a source with its remedy.
type sourceError struct {
	err    error
	hint   string
	column string // that a recipe's map names wrongly
}

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// Hint is the remedy, for people.
func (e *sourceError) Hint() string { return e.hint }

func hinted(hint, format string, args ...any) error {
	return &sourceError{err: fmt.Errorf(format, args...), hint: hint}
}

// sourceFile is one file of a source.
type sourceFile struct {
	name   string // logical: with slashes, the same on every machine; record ids depend on it
	path   string
	format string
	sealed *schemas.Schema // of a shard that sluice wrote: its ids, scores and origins are not those of the new seeds
}

// sourceFiles lists the files of r's source: patterns in their order, files of a pattern by name, none twice. What lies in the
// folders that the run itself writes is left out: else a wide glob would feed a dataset to itself.
func (r *Recipe) sourceFiles() ([]sourceFile, error) {
	s := &r.Source
	var files []sourceFile
	paths := map[string]string{} // logical name -> path
	for _, pattern := range s.Path {
		found, err := glob(r.Dir, pattern)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, hinted("relative paths start at the recipe's folder", "no file matches %s", pattern)
		}
		for _, f := range found {
			parts := []sourceFile{f}
			if s.Format == FormatDataset || isDir(f.path) {
				if parts, err = datasetFiles(f, s.Split); err != nil {
					return nil, err
				}
			}
			for _, p := range parts {
				if below(p.path, r.Dataset) || below(p.path, r.Dataset+newSuffix) || below(p.path, r.State) {
					continue
				}
				if p.format, err = fileFormat(p, s.Format); err != nil {
					return nil, err
				}
				if p.sealed == nil && (p.format == FormatParquet || p.format == FormatArrow) {
					if shard, err := schemas.ReadShardSchema(p.path); err == nil { // what is damaged is told when it is read
						p.sealed = shard
					}
				}
				switch other, known := paths[p.name]; {
				case known && other == p.path:
					continue
				case known:
					return nil, hinted("use paths relative to the recipe", "two files would be called %s: %s and %s", p.name, other, p.path)
				}
				paths[p.name] = p.path
				files = append(files, p)
			}
		}
	}
	if len(files) == 0 {
		return nil, hinted("what a run writes is never its own source", "every file of the source lies in the folder of the dataset or of the store")
	}
	return files, nil
}

// below reports whether a file lies in a folder.
func below(file, folder string) bool {
	rel, err := filepath.Rel(folder, file)
	return err == nil && folder != "" && filepath.IsLocal(rel)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// glob returns the files that match a pattern, sorted by logical name, or the folder that it names. The logical name of
// a file found by a relative pattern is its path from dir; by an absolute one, from above its last folder without a
// wildcard, so that it does not depend on the machine:
//
//	/usr/lib/go/src/**/*.go finds src/fmt/print.go
func glob(dir, pattern string) ([]sourceFile, error) {
	pattern = filepath.ToSlash(pattern)
	abs := path.IsAbs(pattern) || filepath.IsAbs(filepath.FromSlash(pattern))
	full := path.Clean(pattern)
	if !abs {
		full = path.Join(escape(filepath.ToSlash(dir)), pattern)
	}
	if !doublestar.ValidatePattern(full) {
		return nil, hinted("*, **, ?, [a-z] and {a,b} are known", "%q is not a glob", pattern)
	}
	from := filepath.ToSlash(dir)
	if abs {
		base, _ := doublestar.SplitPattern(full)
		from = path.Dir(base)
		if base == path.Clean(full) || !strings.ContainsAny(pattern, "*?[{") {
			from = path.Dir(full)
		}
	}
	literal := filepath.FromSlash(pattern)
	if !abs {
		literal = filepath.Join(dir, literal)
	}
	if info, err := os.Stat(literal); err == nil { // a name may contain the signs of a glob
		if !info.IsDir() && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no regular file", pattern)
		}
		if abs {
			from = path.Dir(path.Clean(pattern))
		}
		return []sourceFile{{name: logical(from, literal), path: literal}}, nil
	}
	matches, err := doublestar.FilepathGlob(filepath.FromSlash(full), doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find %s: %w", pattern, err)
	}
	files := make([]sourceFile, 0, len(matches))
	for _, m := range matches {
		files = append(files, sourceFile{name: logical(from, m), path: m})
	}
	slices.SortFunc(files, func(a, b sourceFile) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// escape makes the signs of a glob in a folder's name literal.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`).Replace(dir)
}

func logical(from, file string) string {
	rel, err := filepath.Rel(filepath.FromSlash(from), file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(rel)
}

// formatOf tells a file's format by its extension, or "".
func formatOf(name string) string {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	switch path.Ext(name) {
	case ".jsonl", ".ndjson":
		return FormatJSONL
	case ".json":
		return FormatJSON
	case ".csv":
		return FormatCSV
	case ".tsv":
		return FormatTSV
	case ".parquet":
		return FormatParquet
	case ".arrow", ".feather", ".ipc":
		return FormatArrow
	case ".txt", ".text", ".md":
		return FormatText
	}
	return ""
}

// fileFormat is the format of f in a source whose recipe names one, or "". Text may have any name; the
// other formats are read by extension, so the two must agree.
func fileFormat(f sourceFile, named string) (string, error) {
	told := formatOf(f.path)
	switch {
	case named == FormatText:
		return named, nil
	case named == "" || named == FormatDataset:
		if told == "" {
			return "", hinted("for plain text write `source: {text: {path: …}}`; other formats need their extension", "the extension of %s tells no format", f.name)
		}
	case told == named, named == FormatCSV && told == FormatTSV, named == FormatTSV && told == FormatCSV:
		return named, nil
	default:
		return "", hinted("rename or link it as ."+named, "the extension of %s is not that of %s", f.name, named)
	}
	return told, nil
}

// datasetFiles lists the files of a dataset folder: what its manifest has sealed for the split, or what is
// called by the split's name, as Hugging Face lays datasets out.
func datasetFiles(folder sourceFile, split string) ([]sourceFile, error) {
	if !isDir(folder.path) {
		return nil, hinted("name the folder that holds "+schemas.ManifestFile+" or data/", "%s is no dataset folder", folder.name)
	}
	m, err := schemas.ReadManifest(folder.path)
	if err == nil {
		return sealedFiles(folder, m, split)
	}
	if !errors.Is(err, schemas.ErrNoManifest) {
		return nil, err
	}
	var all []sourceFile
	err = filepath.WalkDir(folder.path, func(p string, d fs.DirEntry, err error) error {
		rel := logical(folder.path, p)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(d.Name(), ".") && p != folder.path:
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular() || d.Type()&fs.ModeSymlink != 0 && !isDir(p):
			if f := formatOf(p); f != "" && f != FormatText && !metadataFile(d.Name()) {
				all = append(all, sourceFile{name: path.Join(folder.name, rel), path: p})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read dataset folder %s: %w", folder.name, err)
	}
	slices.SortFunc(all, func(a, b sourceFile) int { return strings.Compare(a.name, b.name) })
	var named []sourceFile
	anySplit := false
	for _, f := range all {
		rel := strings.TrimPrefix(f.name, folder.name+"/")
		anySplit = anySplit || splitWords.MatchString(rel)
		if hasWord(rel, split) {
			named = append(named, f)
		}
	}
	if len(named) == 0 && split == defaultSplit && !anySplit {
		named = all // a folder without splits is all training data
	}
	if len(named) == 0 {
		return nil, hinted("name another with `split:`", "dataset folder %s has no file of split %s", folder.name, split)
	}
	return named, nil
}

// splitWords finds the names of splits in a path, as words of their own.
var splitWords = regexp.MustCompile(`(?i)(^|[^a-z0-9])(train|training|test|testing|eval|evaluation|validation|valid|val|dev)([^a-z0-9]|$)`)

func hasWord(rel, split string) bool {
	words := strings.FieldsFunc(strings.ToLower(rel), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
	})
	return slices.Contains(words, strings.ToLower(split)) ||
		slices.ContainsFunc(words, func(w string) bool { return slices.Contains(strings.Split(w, "_"), strings.ToLower(split)) })
}

// metadataFile tells files that describe a dataset and hold no rows.
func metadataFile(name string) bool {
	switch name {
	case "dataset_info.json", "dataset_infos.json", "state.json", "dataset_dict.json", schemas.ManifestFile:
		return true
	}
	return false
}

// sealedFiles lists the shards of a sluice dataset.
func sealedFiles(folder sourceFile, m *schemas.Manifest, split string) ([]sourceFile, error) {
	role := split
	if split == defaultSplit {
		role = schemas.RoleTrain
	}
	var files []sourceFile
	for _, s := range m.Shards(role) {
		files = append(files, sourceFile{name: path.Join(folder.name, s.Path), path: filepath.Join(folder.path, filepath.FromSlash(s.Path)), sealed: &m.Schema})
	}
	if len(files) == 0 {
		return nil, hinted("its splits are train and test", "dataset %s has no sealed rows of split %s", folder.name, split)
	}
	return files, nil
}
