package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetFile is an open Parquet file and the tree of its columns.
type parquetFile struct {
	f     *os.File
	pf    *parquet.File
	roots []*node
	forms []leafForm // how each leaf column is read
	cols  int        // leaf columns

	logical []format.LogicalType // of the leaf columns, as the footer has them
}

const parquetMagic = "PAR1"

// openParquet opens a Parquet file of any origin. What is no such file is refused before the library
// sees it, and whatever the library throws becomes an error.
func openParquet(path string) (p *parquetFile, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	defer recoverAs(&err, path+": damaged Parquet file")
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkParquetEnds(f, st.Size()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	pf, err := parquet.OpenFile(f, st.Size(), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(256<<10))
	if err != nil {
		return nil, fmt.Errorf("%s: damaged Parquet file: %w", path, err)
	}
	p = &parquetFile{f: f, pf: pf}
	for _, e := range pf.Metadata().Schema {
		if e.Type.Valid {
			p.logical = append(p.logical, e.LogicalType)
		}
	}
	for _, c := range pf.Root().Columns() {
		n, err := p.tree(c, c.Name(), false)
		if err != nil {
			return nil, fmt.Errorf("%s: column %s: %w", path, c.Name(), err)
		}
		p.roots = append(p.roots, n)
	}
	p.cols, _ = number(p.roots)
	if p.cols != len(p.forms) {
		return nil, fmt.Errorf("%s: damaged Parquet file: columns do not add up", path)
	}
	return p, nil
}

// checkParquetEnds looks at the first and last bytes: a file is PAR1 … footer, its length (4 bytes), PAR1.
func checkParquetEnds(r io.ReaderAt, size int64) error {
	var head, tail [8]byte
	if size < int64(len(parquetMagic)) {
		return fmt.Errorf("not a Parquet file: %d bytes", size)
	}
	if _, err := r.ReadAt(head[:4], 0); err != nil {
		return err
	}
	switch {
	case string(head[:4]) == "PARE":
		return errors.New("encrypted Parquet file: not supported")
	case string(head[:4]) != parquetMagic:
		return fmt.Errorf("not a Parquet file: it starts with %q", head[:4])
	case size < 12:
		return fmt.Errorf("truncated Parquet file: %d bytes", size)
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil {
		return err
	}
	footer := int64(tail[0]) | int64(tail[1])<<8 | int64(tail[2])<<16 | int64(tail[3])<<24
	if !bytes.Equal(tail[4:], []byte(parquetMagic)) || footer > size-12 {
		return errors.New("truncated Parquet file: the footer is missing")
	}
	return nil
}

func (p *parquetFile) Close() error          { return p.f.Close() }
func (p *parquetFile) columns() []*node      { return p.roots }
func (p *parquetFile) count() (int64, error) { return p.pf.NumRows(), nil }

// tree converts the column c of a file. Elements of lists in the old two-level form are
// required: the repeated column is the element itself.
func (p *parquetFile) tree(c *parquet.Column, name string, element bool) (*node, error) {
	if c.Repeated() && !element {
		e, err := p.tree(c, "element", true)
		if err != nil {
			return nil, err
		}
		return &node{name: name, kind: List, parts: []*node{e}, required: true}, nil
	}
	n := &node{name: name, required: !c.Optional()}
	if c.Leaf() {
		var logical format.LogicalType
		if at := len(p.forms); at < len(p.logical) {
			logical = p.logical[at]
		}
		form, kind, err := formOf(c.Type(), logical)
		n.kind = kind
		p.forms = append(p.forms, form)
		return n, err
	}
	if isList(c) {
		n.kind = List
		r := c.Columns()[0]
		var e *node
		var err error
		if old := r.Leaf() || len(r.Columns()) != 1 || r.Name() == "array" || r.Name() == c.Name()+"_tuple"; old {
			e, err = p.tree(r, "element", true)
		} else {
			e, err = p.tree(r.Columns()[0], "element", false)
		}
		n.parts = []*node{e}
		return n, err
	}
	n.kind = Struct
	for _, f := range c.Columns() {
		part, err := p.tree(f, f.Name(), false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		n.parts = append(n.parts, part)
	}
	return n, nil
}

// isList reports whether c is annotated as a list, or as a map: that is a list of key and value.
func isList(c *parquet.Column) bool {
	if len(c.Columns()) != 1 || !c.Columns()[0].Repeated() {
		return false
	}
	lt := c.Type().LogicalType()
	if lt == nil {
		return false
	}
	switch lt.Value.(type) {
	case *format.ListType, *format.MapType:
		return true
	}
	return false
}

// layout returns the layout of a shard written by sluice, once it is certain that the columns are those
// that the file says it has.
func (p *parquetFile) layout() (*layout, error) {
	meta, ok := p.pf.Lookup(keySchema)
	if !ok {
		return nil, fmt.Errorf("not a shard of sluice: the key %s is missing", keySchema)
	}
	l, err := layoutOf(meta)
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(l.roots, p.roots, sameTree) {
		return nil, errors.New("the columns are not those of its schema")
	}
	return l, nil
}

func sameTree(a, b *node) bool {
	return a.name == b.name && a.kind == b.kind && a.required == b.required &&
		slices.EqualFunc(a.parts, b.parts, sameTree)
}
