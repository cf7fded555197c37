package schemas

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

const arrowMagic = "ARROW1"

// arrowFile is an open Arrow IPC file or stream and the tree of its columns.
type arrowFile struct {
	f      *os.File
	file   *ipc.FileReader // one of the two
	stream *ipc.Reader
	schema *arrow.Schema
	roots  []*node
	nodes  int
}

// openArrow opens either form; files of the datasets library are streams.
func openArrow(path string, mem memory.Allocator) (_ *arrowFile, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a := &arrowFile{f: f}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	defer recoverAs(&err, path+": damaged Arrow file")
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	mem = boundAllocator{mem, min(st.Size(), 1<<20)<<11 + 64<<20}
	head := make([]byte, 8)
	if n, err := io.ReadFull(f, head); err != nil {
		return nil, fmt.Errorf("%s: not an Arrow file: %d bytes", path, n)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte(arrowMagic)):
		if a.file, err = ipc.NewFileReader(f, ipc.WithAllocator(mem)); err == nil {
			a.schema = a.file.Schema()
		}
	case isArrowStream(head, st.Size()):
		if a.stream, err = ipc.NewReader(f, ipc.WithAllocator(mem)); err == nil {
			a.schema = a.stream.Schema()
		}
	default:
		err = fmt.Errorf("it starts with %q", head)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: damaged or no Arrow file: %w", path, err)
	}
	for _, f := range a.schema.Fields() {
		n, err := arrowTree(f.Name, f.Type, f.Nullable)
		if err != nil {
			return nil, fmt.Errorf("%s: column %s: %w", path, f.Name, err)
		}
		a.roots = append(a.roots, n)
	}
	_, a.nodes = number(a.roots)
	return a, nil
}

// isArrowStream reports whether a file starts with a message that it can hold: four bytes of ones, which old streams
// lack, and the length of the schema (Arrow columnar format, "encapsulated message format"). The library would reserve
// whatever length it finds.
func isArrowStream(head []byte, size int64) bool {
	n := binary.LittleEndian.Uint32(head)
	if n == 0xffffffff {
		n = binary.LittleEndian.Uint32(head[4:])
	}
	return n > 0 && int64(n) <= size
}

// boundAllocator refuses what no undamaged file asks for: the library believes every length it reads, and running out
// of memory cannot be recovered from. Nothing compresses to less than a two thousandth.
type boundAllocator struct {
	memory.Allocator
	most int64
}

func (b boundAllocator) Allocate(size int) []byte {
	b.check(size)
	return b.Allocator.Allocate(size)
}

func (b boundAllocator) Reallocate(size int, old []byte) []byte {
	b.check(size)
	return b.Allocator.Reallocate(size, old)
}

func (b boundAllocator) check(size int) {
	if size < 0 || int64(size) > b.most {
		panic(fmt.Errorf("a column of %d bytes is claimed", size))
	}
}

func (a *arrowFile) Close() error {
	if a.file != nil {
		a.file.Close()
	}
	if a.stream != nil {
		a.stream.Release()
	}
	return a.f.Close()
}

// layout returns the layout of a shard written by sluice.
func (a *arrowFile) layout() (*layout, error) {
	meta, ok := a.schema.Metadata().GetValue(keySchema)
	if !ok {
		return nil, fmt.Errorf("not a shard of sluice: the key %s is missing", keySchema)
	}
	l, err := layoutOf(meta)
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(l.roots, a.roots, sameTree) {
		return nil, errors.New("the columns are not those of its schema")
	}
	return l, nil
}

func (a *arrowFile) columns() []*node { return a.roots }

// count returns the number of rows, for which the batches must be read.
func (a *arrowFile) count() (rows int64, err error) {
	c := arrowCursor{a: a}
	defer c.close()
	for {
		rec, err := c.batch()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += rec.NumRows()
	}
}

// arrowCursor walks the rows of a file, batch by batch.
type arrowCursor struct {
	a      *arrowFile
	wanted []*node
	skip   int64 // rows still to be left out
	read   int   // batches
	rec    arrow.Record
	row    int64 // the next row of rec
	t      *arrowTaker
}

// cursor returns the rows from number skip on. Only the columns of wanted (roots of a) are looked at; nil means all.
func (a *arrowFile) cursor(skip int64, wanted []*node) cursor {
	if wanted == nil {
		wanted = a.roots
	}
	return &arrowCursor{a: a, wanted: wanted, skip: skip}
}

func (c *arrowCursor) next() (taker, error) {
	for c.rec == nil || c.row >= c.rec.NumRows() {
		rec, err := c.batch()
		if err != nil {
			return nil, err
		}
		c.row = min(c.skip, rec.NumRows())
		c.skip -= c.row
		c.t = &arrowTaker{arrays: make([]arrow.Array, c.a.nodes), at: make([]int, c.a.nodes), ends: make([]int, c.a.nodes)}
		for i, n := range c.a.roots {
			if slices.Contains(c.wanted, n) {
				c.t.bind(n, rec.Column(i))
			}
		}
	}
	for _, n := range c.wanted {
		c.t.at[n.id] = int(c.row)
	}
	c.row++
	return c.t, nil
}

func (c *arrowCursor) endRow() error { return nil }

// batch reads the next batch and releases the one before.
func (c *arrowCursor) batch() (arrow.Record, error) {
	c.close()
	if f := c.a.file; f != nil {
		if c.read == f.NumRecords() {
			return nil, io.EOF
		}
		rec, err := f.RecordAt(c.read)
		if err != nil {
			return nil, fmt.Errorf("batch %d: %w", c.read, err)
		}
		c.rec = rec
	} else {
		if !c.a.stream.Next() {
			if err := c.a.stream.Err(); err != nil && !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("batch %d: %w", c.read, err)
			}
			return nil, io.EOF
		}
		c.rec = c.a.stream.Record()
		c.rec.Retain()
	}
	c.read++
	return c.rec, nil
}

func (c *arrowCursor) close() {
	if c.rec != nil {
		c.rec.Release()
		c.rec = nil
	}
}

// arrowTaker hands out the rows of a record batch.
type arrowTaker struct {
	arrays   []arrow.Array // by node.id
	at, ends []int         // the position in each, and for lists the end of the one that is open
}

// bind notes the arrays of n and of all below it.
func (t *arrowTaker) bind(n *node, a arrow.Array) {
	switch x := a.(type) {
	case array.ExtensionArray:
		t.bind(n, x.Storage())
		return
	case *array.Struct:
		for i, f := range n.parts {
			t.bind(f, x.Field(i))
		}
	case array.ListLike: // a map is a list of its entries
		t.bind(n.elem(), x.ListValues())
	}
	t.arrays[n.id] = a
}

func (t *arrowTaker) null(n *node) bool { return t.arrays[n.id].IsNull(t.at[n.id]) }

func (t *arrowTaker) group(n *node) {
	for _, f := range n.parts {
		t.at[f.id] = t.at[n.id]
	}
}

func (t *arrowTaker) list(n *node) {
	from, to := t.arrays[n.id].(array.ListLike).ValueOffsets(t.at[n.id])
	t.at[n.elem().id], t.ends[n.id] = int(from)-1, int(to)
}

func (t *arrowTaker) more(n *node, _ int) bool {
	e := n.elem()
	t.at[e.id]++
	return t.at[e.id] < t.ends[n.id]
}

func (t *arrowTaker) str(n *node) string    { return arrowText(t.arrays[n.id], t.at[n.id]) }
func (t *arrowTaker) integer(n *node) int64 { return arrowInt(t.arrays[n.id], t.at[n.id]) }
func (t *arrowTaker) float(n *node) float64 { return arrowFloat(t.arrays[n.id], t.at[n.id]) }

func (t *arrowTaker) boolean(n *node) bool {
	return t.arrays[n.id].(*array.Boolean).Value(t.at[n.id])
}
