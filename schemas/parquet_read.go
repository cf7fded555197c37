package schemas

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// parquetCursor walks the rows of a file, row group by row group.
type parquetCursor struct {
	p      *parquetFile
	wanted []*node
	skip   int64 // rows still to be left out
	group  int   // the next row group
	row    int64 // the next row of the current one
	rows   int64
	t      *parquetTaker // of the current one
}

// cursor returns the rows from number skip on. Only the columns of wanted (roots of p) are read; nil means all.
func (p *parquetFile) cursor(skip int64, wanted []*node) cursor {
	if wanted == nil {
		wanted = p.roots
	}
	return &parquetCursor{p: p, wanted: wanted, skip: skip}
}

func (c *parquetCursor) next() (taker, error) {
	for c.t == nil || c.row == c.rows {
		if err := c.open(); err != nil {
			return nil, err
		}
	}
	c.row++
	return c.t, nil
}

func (c *parquetCursor) endRow() error {
	if err := c.t.endRow(); err != nil {
		return fmt.Errorf("row group %d, row %d: %w", c.group-1, c.row-1, err)
	}
	return nil
}

// open goes on to the next row group.
func (c *parquetCursor) open() error {
	c.close()
	groups := c.p.pf.RowGroups()
	if c.group == len(groups) {
		return io.EOF
	}
	g := groups[c.group]
	c.group++
	c.row, c.rows = 0, g.NumRows()
	c.t = &parquetTaker{cols: make([]columnReader, c.p.cols), forms: c.p.forms}
	if c.skip >= c.rows {
		c.skip -= c.rows
		c.rows = 0
		return nil
	}
	chunks := g.ColumnChunks()
	for _, w := range c.wanted {
		for i := w.lo; i < w.hi; i++ {
			c.t.used = append(c.t.used, i)
			c.t.cols[i].pages = chunks[i].Pages()
			if c.skip > 0 {
				if err := c.t.cols[i].pages.SeekToRow(c.skip); err != nil {
					return fmt.Errorf("row group %d: %w", c.group-1, err)
				}
			}
		}
	}
	c.rows, c.skip = c.rows-c.skip, 0
	return nil
}

func (c *parquetCursor) close() {
	if c.t != nil {
		c.t.close()
		c.t = nil
	}
}

// columnReader holds the values of a leaf column that come next.
type columnReader struct {
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    []parquet.Value
	at     int
	err    error
}

const columnBuffer = 170 // values: 4 kB a column

// peek returns the next value; nil at the end of the column or after an error.
func (c *columnReader) peek() *parquet.Value {
	if c.at < len(c.buf) {
		return &c.buf[c.at]
	}
	return c.fill()
}

func (c *columnReader) fill() *parquet.Value {
	for c.err == nil {
		if c.values == nil {
			parquet.Release(c.page)
			if c.page, c.err = c.pages.ReadPage(); c.err != nil {
				c.page = nil
				break
			}
			c.values = c.page.Values()
		}
		if c.buf == nil {
			c.buf = make([]parquet.Value, columnBuffer)
		}
		n, err := c.values.ReadValues(c.buf[:cap(c.buf)])
		c.buf, c.at = c.buf[:n], 0
		if err != nil {
			c.values = nil
			if !errors.Is(err, io.EOF) {
				c.err = err
			}
		}
		if n > 0 {
			return &c.buf[0]
		}
	}
	c.buf, c.at = c.buf[:0], 0
	return nil
}

// parquetTaker assembles rows from levels and values: the reverse of shredder.
type parquetTaker struct {
	cols  []columnReader
	used  []int
	forms []leafForm
	short bool // a column ended before its row did
}

func (t *parquetTaker) close() {
	for _, c := range t.used {
		parquet.Release(t.cols[c].page)
		t.cols[c].pages.Close()
	}
}

// endRow makes sure that every column stands at the start of a row.
func (t *parquetTaker) endRow() error {
	for _, c := range t.used {
		col := &t.cols[c]
		v := col.peek()
		switch {
		case col.err != nil && !errors.Is(col.err, io.EOF):
			return col.err
		case v != nil && v.RepetitionLevel() != 0:
			return errors.New("columns disagree about the length of a list")
		}
	}
	if t.short {
		return io.ErrUnexpectedEOF
	}
	return nil
}

var missing parquet.Value

func (t *parquetTaker) next(n *node) *parquet.Value {
	c := &t.cols[n.lo]
	v := c.peek()
	if v == nil {
		t.short = true
		return &missing
	}
	c.at++
	return v
}

// skip moves past what stands for a null or an empty list: one value in each column below n.
func (t *parquetTaker) skip(n *node) {
	for c := n.lo; c < n.hi; c++ {
		if t.cols[c].peek() == nil {
			t.short = true
			continue
		}
		t.cols[c].at++
	}
}

func (t *parquetTaker) null(n *node) bool {
	v := t.cols[n.lo].peek()
	if v != nil && v.DefinitionLevel() >= n.def {
		return false
	}
	t.skip(n)
	return true
}

func (t *parquetTaker) group(*node) {}
func (t *parquetTaker) list(*node)  {}

func (t *parquetTaker) more(n *node, i int) bool {
	v := t.cols[n.lo].peek()
	if i > 0 {
		return v != nil && v.RepetitionLevel() == n.rep
	}
	if v != nil && v.DefinitionLevel() > n.def {
		return true
	}
	t.skip(n)
	return false
}

func (t *parquetTaker) str(n *node) string {
	v := t.next(n)
	if f := t.forms[n.lo].text; f != nil && v != &missing {
		return f(v)
	}
	return string(v.ByteArray())
}

func (t *parquetTaker) integer(n *node) int64 {
	v := t.next(n)
	if f := t.forms[n.lo].integer; f != nil {
		return f(v)
	}
	return v.Int64()
}

func (t *parquetTaker) float(n *node) float64 {
	v := t.next(n)
	if f := t.forms[n.lo].float; f != nil && v != &missing {
		return f(v)
	}
	return v.Double()
}

func (t *parquetTaker) boolean(n *node) bool { return t.next(n).Boolean() }
