package gguf

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"sluice/trainer/model/internal/mapped"
)

const (
	magic            = "GGUF"
	defaultAlignment = 32
	maxAlignment     = 1 << 20
	maxDimensions    = 4
)

// An Info describes one tensor. Shape has the slowest dimension first, as elsewhere in the trainer: the file writes it the other way round.
type Info struct {
	Name       string
	Format     Format
	Shape      []int
	start, end int // bytes of the file
}

// Len is the number of elements.
func (t Info) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// A File is an open GGUF file.
type File struct {
	Meta  Metadata
	path  string
	infos []Info // by name
	b     []byte
	file  *mapped.File
}

// Open maps a file and reads its metadata and the list of its tensors.
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
	f := &File{path: path, b: b, Meta: Metadata{}}
	if err := f.parse(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *File) parse() error {
	if len(f.b) < len(magic) || string(f.b[:len(magic)]) != magic {
		return fmt.Errorf("no GGUF file: it does not begin with %q", magic)
	}
	c := &cursor{b: f.b, at: len(magic)}
	if v := c.u32(); c.err == nil && (v < 2 || v > 3) {
		return fmt.Errorf("GGUF version %d, want 2 or 3 (little-endian)", v)
	}
	tensors := c.count("tensors", 8+4+4+8)
	keys := c.count("keys", 8+4+1)
	for range keys {
		key := c.str()
		v := c.value(c.u32(), 0)
		if c.err != nil {
			return fmt.Errorf("key %q: %w", key, c.err)
		}
		if _, twice := f.Meta[key]; twice {
			return fmt.Errorf("key %q is there twice", key)
		}
		f.Meta[key] = v
	}
	for range tensors {
		t := c.info()
		if c.err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, c.err)
		}
		f.infos = append(f.infos, t)
	}
	if c.err != nil {
		return c.err
	}
	return f.place(c.at)
}

// info reads the description of a tensor; start is still the offset in the data section.
func (c *cursor) info() Info {
	t := Info{Name: c.str()}
	n := c.u32()
	if c.err == nil && n > maxDimensions {
		c.fail("%d dimensions, at most %d are possible", n, maxDimensions)
	}
	for range n {
		d := c.u64()
		if c.err != nil {
			return t
		}
		if d > math.MaxInt {
			c.fail("impossible dimension %d", d)
			return t
		}
		t.Shape = append(t.Shape, int(d))
	}
	slices.Reverse(t.Shape)
	t.Format = Format(c.u32())
	offset := c.u64()
	if c.err == nil && offset > uint64(len(c.b)) {
		c.fail("offset %d of the data is beyond the file's %d bytes", offset, len(c.b))
	}
	t.start = int(min(offset, math.MaxInt))
	return t
}

// place turns offsets into places in the file and holds sizes against shapes. header is the end of the descriptions.
func (f *File) place(header int) error {
	align := defaultAlignment
	if a, ok := f.Meta.Int("general.alignment"); ok {
		if a < 1 || a > maxAlignment {
			return fmt.Errorf("general.alignment: %d", a)
		}
		align = a
	}
	base := (header + align - 1) / align * align
	for i := range f.infos {
		t := &f.infos[i]
		per, bytes, ok := t.Format.layout()
		if !ok {
			return fmt.Errorf("tensor %q %v: %s is not supported, want F32, F16, BF16, Q8_0, Q4_0 or Q4_1", t.Name, t.Shape, t.Format)
		}
		last := 1
		if len(t.Shape) > 0 {
			last = t.Shape[len(t.Shape)-1]
		}
		if last%per != 0 {
			return fmt.Errorf("tensor %q %v: rows are no multiple of %s's blocks of %d", t.Name, t.Shape, t.Format, per)
		}
		n, most := 1, len(f.b)/bytes*per // more elements cannot lie in the file
		for _, d := range t.Shape {
			if d > 0 && n > most/d {
				return fmt.Errorf("tensor %q: shape %v of %s does not fit the file's %d bytes", t.Name, t.Shape, t.Format, len(f.b))
			}
			n *= d
		}
		if t.start%align != 0 {
			return fmt.Errorf("tensor %q %v: offset %d is no multiple of the alignment %d", t.Name, t.Shape, t.start, align)
		}
		t.start += base
		t.end = t.start + n/per*bytes
		if t.end > len(f.b) && n > 0 {
			return fmt.Errorf("tensor %q %v: %s needs the bytes up to %d, the file has %d: it is cut short", t.Name, t.Shape, t.Format, t.end, len(f.b))
		}
	}
	slices.SortFunc(f.infos, func(a, b Info) int { return a.start - b.start })
	for i := 1; i < len(f.infos); i++ {
		if a, b := f.infos[i-1], f.infos[i]; b.start < a.end {
			return fmt.Errorf("tensors %q and %q overlap", a.Name, b.Name)
		}
	}
	slices.SortStableFunc(f.infos, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(f.infos); i++ {
		if f.infos[i].Name == f.infos[i-1].Name {
			return fmt.Errorf("tensor %q is there twice", f.infos[i].Name)
		}
	}
	return nil
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

// Info describes a tensor.
func (f *File) Info(name string) (Info, bool) {
	i, ok := slices.BinarySearchFunc(f.infos, name, func(t Info, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return Info{}, false
	}
	return f.infos[i], true
}

// Read widens a tensor to dst, which has as many elements.
func (f *File) Read(name string, dst []float32) error {
	t, ok := f.Info(name)
	if !ok {
		return fmt.Errorf("%s: there is no tensor %q", f.path, name)
	}
	if t.Len() != len(dst) {
		return fmt.Errorf("%s: tensor %q has shape %v = %d elements, want %d", f.path, name, t.Shape, t.Len(), len(dst))
	}
	if len(dst) > 0 {
		t.Format.decode(dst, f.b[t.start:t.end])
	}
	return nil
}
