package safetensors

import (
	"fmt"
	"slices"
	"strings"

	"sluice/trainer/model/internal/mapped"
)

// A File is an open safetensors file.
type File struct {
	path  string
	infos []Info // by name
	meta  map[string]string
	data  []byte
	file  *mapped.File
}

// Open maps a file and reads its header.
func Open(path string) (*File, error) {
	m, err := mapped.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := Parse(path, m.Data)
	if err != nil {
		m.Close()
		return nil, err
	}
	f.file = m
	return f, nil
}

// Parse reads a file that is in memory already; path is what errors call it.
func Parse(path string, b []byte) (*File, error) {
	infos, meta, data, err := parseHeader(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &File{path: path, infos: infos, meta: meta, data: data}, nil
}

// Close unmaps the file.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// Path is the file's name, for errors.
func (f *File) Path() string { return f.path }

// Infos lists the tensors by name.
func (f *File) Infos() []Info { return slices.Clone(f.infos) }

// Metadata gives the strings under __metadata__, nil when there are none.
func (f *File) Metadata() map[string]string { return f.meta }

// Info describes a tensor.
func (f *File) Info(name string) (Info, bool) {
	i, ok := slices.BinarySearchFunc(f.infos, name, func(t Info, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return Info{}, false
	}
	return f.infos[i], true
}

// Bytes gives a tensor's elements as they lie in the file, little-endian; they are valid until Close and must not be changed.
func (f *File) Bytes(name string) (Info, []byte, error) {
	t, ok := f.Info(name)
	if !ok {
		return Info{}, nil, fmt.Errorf("%s: there is no tensor %q", f.path, name)
	}
	return t, f.data[t.start:t.end:t.end], nil
}

// Read widens a tensor of type F32, F16 or BF16 to dst, which has as many elements as the tensor.
func (f *File) Read(name string, dst []float32) error {
	t, b, err := f.Bytes(name)
	switch {
	case err != nil:
		return err
	case !t.DType.Float():
		return fmt.Errorf("%s: tensor %q %v is %s, want F32, F16 or BF16", f.path, name, t.Shape, t.DType)
	case t.Len() != len(dst):
		return fmt.Errorf("%s: tensor %q has shape %v = %d elements, want %d", f.path, name, t.Shape, t.Len(), len(dst))
	}
	t.DType.decode(dst, b)
	return nil
}
