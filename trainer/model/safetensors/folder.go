package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// The names of a model's weights in a folder.
const (
	SingleName = "model.safetensors"
	IndexName  = "model.safetensors.index.json"
)

// A Folder is a model's weights: one file, or several with an index that says which tensor lies where.
type Folder struct {
	path  string
	files []*File
	where map[string]*File
}

// index is the content of IndexName.
type index struct {
	Metadata  map[string]any    `json:"metadata"`
	WeightMap map[string]string `json:"weight_map"`
}

// OpenFolder opens the weights of a folder. An index that disagrees with its files is an error.
func OpenFolder(dir string) (*Folder, error) {
	d := &Folder{path: dir, where: map[string]*File{}}
	f, err := Open(filepath.Join(dir, SingleName))
	switch {
	case err == nil:
		d.files = []*File{f}
		for _, t := range f.infos {
			d.where[t.Name] = f
		}
		return d, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	path := filepath.Join(dir, IndexName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: neither %s nor %s is there", dir, SingleName, IndexName)
	}
	if err != nil {
		return nil, err
	}
	var x index
	if err := json.Unmarshal(b, &x); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := d.open(x); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), d.Close())
	}
	return d, nil
}

func (d *Folder) open(x index) error {
	byName := map[string]*File{}
	for _, name := range slices.Sorted(maps.Keys(x.WeightMap)) {
		file := x.WeightMap[name]
		if file != filepath.Base(file) || !filepath.IsLocal(file) {
			return fmt.Errorf("tensor %q: %q is no plain file name", name, file)
		}
		f, ok := byName[file]
		if !ok {
			var err error
			if f, err = Open(filepath.Join(d.path, file)); err != nil {
				return err
			}
			byName[file], d.files = f, append(d.files, f)
		}
		if _, ok := f.Info(name); !ok {
			return fmt.Errorf("tensor %q is not in %s", name, file)
		}
		d.where[name] = f
	}
	for _, f := range d.files {
		for _, t := range f.infos {
			if d.where[t.Name] != f {
				return fmt.Errorf("%s holds tensor %q %v, which the index does not place there", filepath.Base(f.path), t.Name, t.Shape)
			}
		}
	}
	return nil
}

// Close unmaps the files.
func (d *Folder) Close() error {
	var err error
	for _, f := range d.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// Infos lists the tensors of all files by name.
func (d *Folder) Infos() []Info {
	out := make([]Info, 0, len(d.where))
	for _, name := range slices.Sorted(maps.Keys(d.where)) {
		t, _ := d.where[name].Info(name)
		out = append(out, t)
	}
	return out
}

// File gives the file of a tensor, nil when there is none.
func (d *Folder) File(name string) *File { return d.where[name] }
