package feed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/schemas"
)

// A Source is a domain of the training: a dataset folder, a folder of plain files, or one file.
type Source struct {
	Name string
	Path string
}

// A shard is one file of a source.
type shard struct {
	path   string
	name   string // in errors and ids: relative to the source
	sha    string
	bytes  int64
	rows   int64           // as the manifest has it; -1: not sealed
	schema *schemas.Schema // of a sealed shard
}

// list finds the shards of a role in a source. Plain files are all for training.
func (s Source) list(role string) ([]shard, error) {
	info, err := os.Stat(s.Path)
	if err != nil {
		return nil, fmt.Errorf("data %s: %w", s.Name, err)
	}
	if info.IsDir() {
		d, err := schemas.OpenDataset(s.Path)
		if err == nil {
			return sealed(d, role), nil
		}
		if !errors.Is(err, schemas.ErrNoManifest) {
			return nil, fmt.Errorf("data %s: %w", s.Name, err)
		}
	}
	if role != schemas.RoleTrain {
		return nil, nil
	}
	paths := []string{s.Path}
	if info.IsDir() {
		if paths, err = plainFiles(s.Path); err != nil {
			return nil, fmt.Errorf("data %s: %w", s.Name, err)
		}
	}
	var out []shard
	for _, p := range paths {
		sha, n, err := schemas.HashFile(p)
		if err != nil {
			return nil, fmt.Errorf("data %s: %w", s.Name, err)
		}
		out = append(out, shard{path: p, name: filepath.Base(p), sha: sha, bytes: n, rows: -1})
	}
	return out, nil
}

func sealed(d *schemas.Dataset, role string) (out []shard) {
	for _, f := range d.Manifest.Shards(role) {
		out = append(out, shard{d.Path(f), f.Path, f.SHA256, f.Bytes, f.Rows, &d.Manifest.Schema})
	}
	return out
}

// plainFiles lists the readable files of a folder in order of name.
func plainFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && (isText(e.Name()) || isTable(e.Name())) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds neither a %s nor a file of rows (.parquet, .jsonl, .csv, .txt, …)", dir, schemas.ManifestFile)
	}
	return out, nil
}

func bareExt(name string) string {
	name = strings.ToLower(name)
	for _, c := range []string{".gz", ".zst", ".bz2"} {
		name = strings.TrimSuffix(name, c)
	}
	return filepath.Ext(name)
}

func isText(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".txt") || strings.HasSuffix(name, ".txt.gz")
}

func isTable(name string) bool {
	return slices.Contains([]string{".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow"}, bareExt(name))
}

// verify compares a sealed shard with its manifest: size, hash, and that its schema can be read.
func (s shard) verify() error {
	if s.rows < 0 {
		return nil
	}
	sha, n, err := schemas.HashFile(s.path)
	switch {
	case err != nil:
		return err
	case n != s.bytes:
		return fmt.Errorf("%s has %d bytes, the manifest says %d: the shard is damaged; `sluice verify` tells more", s.path, n, s.bytes)
	case sha != s.sha:
		return fmt.Errorf("%s has SHA-256 %.16s…, the manifest says %.16s…: the shard is damaged; `sluice verify` tells more", s.path, sha, s.sha)
	}
	if schemas.FormatOf(s.path) == "parquet" {
		if _, err := schemas.ReadShardSchema(s.path); err != nil {
			return err
		}
	}
	return nil
}
