package schemas

import (
	"fmt"
	"io"
	"unsafe"

	"github.com/parquet-go/parquet-go"
)

const (
	rowGroupBytes = 24 << 20  // text per row group, unless WriteOptions says otherwise: what a writer holds in memory
	pageBytes     = 1 << 20   // of a data page before compression
	burstBytes    = 256 << 10 // shredded values are handed on in bursts of this size, so that pages end near pageBytes
	burstRows     = 1 << 10
	idBloomBits   = 10 // per value: about 1 % of false positives
)

// parquetEncoder shreds records into levels and values by itself and hands them to parquet-go column by
// column: the library's own way from maps loses zeros and shifts nil elements into other rows.
type parquetEncoder struct {
	layout *layout
	w      *parquet.GenericWriter[any]
	shredder
	rows  int   // in the burst
	group int64 // bytes in the row group
	limit int64
	err   error // of an earlier call: the file is not to be trusted any more
}

func newParquetEncoder(out io.Writer, l *layout, o WriteOptions) (e *parquetEncoder, err error) {
	defer recoverAs(&err, "parquet writer")
	schema, features, err := l.metadata()
	if err != nil {
		return nil, err
	}
	c, err := parquet.NewWriterConfig(
		l.parquetSchema(),
		parquet.Compression(parquetCodec(o.Compression)),
		parquet.PageBufferSize(pageBytes),
		parquet.DataPageVersion(2),
		parquet.BloomFilters(parquet.SplitBlockFilter(idBloomBits, colID)),
		parquet.DictionaryMaxBytes(1<<20),
		parquet.ColumnPageBuffers(parquet.NewChunkBufferPool(256<<10)),
		parquet.SkipPageBounds(colText), // long texts have no useful bounds
		parquet.KeyValueMetadata(keySchema, schema),
		parquet.KeyValueMetadata(keyHF, features),
		parquet.CreatedBy("sluice", "1", ""),
	)
	if err != nil {
		return nil, err
	}
	e = &parquetEncoder{layout: l, w: parquet.NewGenericWriter[any](out, c), limit: o.RowGroupBytes}
	e.cols = make([][]parquet.Value, l.leaves)
	if e.limit <= 0 {
		e.limit = rowGroupBytes
	}
	return e, nil
}

func (e *parquetEncoder) record(r *Record) error {
	e.layout.put(&e.shredder, r)
	return e.row()
}

func (e *parquetEncoder) reject(x *Reject) error {
	e.layout.putReject(&e.shredder, x)
	return e.row()
}

func (e *parquetEncoder) row() error {
	if e.rows++; e.rows < burstRows && e.size < burstBytes {
		return e.err
	}
	if err := e.burst(); err != nil {
		return err
	}
	if e.group >= e.limit {
		e.group = 0
		e.err = safely("end of row group", e.w.Flush)
	}
	return e.err
}

// burst hands the shredded rows on and forgets them.
func (e *parquetEncoder) burst() error {
	if e.err != nil {
		return e.err
	}
	e.err = safely("parquet columns", func() error {
		for i, c := range e.w.ColumnWriters() {
			if n, err := c.WriteRowValues(e.cols[i]); err != nil {
				return err
			} else if n != e.rows {
				panic(fmt.Sprintf("column %d took %d of %d rows", i, n, e.rows))
			}
		}
		return nil
	})
	e.group += int64(e.size)
	e.rows = 0
	e.reset()
	return e.err
}

func (e *parquetEncoder) close() error {
	if e.rows > 0 {
		e.burst()
	}
	if e.err == nil {
		e.err = safely("end of parquet file", e.w.Close)
	}
	if e.err != nil {
		return e.err
	}
	e.err = errClosed
	return nil
}

// shredder is the putter of Parquet. A value carries two small numbers (see node for an example): its
// repetition level says at which list it goes on, its definition level how far down it exists.
type shredder struct {
	cols  [][]parquet.Value // one for each leaf column
	rep   int               // repetition level of the values to come
	outer []int             // what it was around the lists that are open
	size  int               // bytes of the values in cols
	arena []byte            // holds the digits of ids
}

func (s *shredder) reset() {
	for i := range s.cols {
		clear(s.cols[i]) // they point to text
		s.cols[i] = s.cols[i][:0]
	}
	s.arena, s.size = s.arena[:0], 0
}

func (s *shredder) leaf(n *node, v parquet.Value, size int) {
	s.cols[n.lo] = append(s.cols[n.lo], v.Level(s.rep, n.def, n.lo))
	s.size += size
}

func (s *shredder) null(n *node) { s.absent(n, n.def-1) }

// absent writes that below n nothing exists beyond definition level def.
func (s *shredder) absent(n *node, def int) {
	for c := n.lo; c < n.hi; c++ {
		s.cols[c] = append(s.cols[c], parquet.NullValue().Level(s.rep, def, c))
	}
}

func (s *shredder) str(n *node, v string) {
	s.leaf(n, parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(v), len(v))), len(v))
}

// ident needs memory for the digits. When the arena grows, earlier values keep the old one alive until the burst.
func (s *shredder) ident(n *node, id ID) {
	at := len(s.arena)
	s.arena = appendHex(s.arena, id)
	s.leaf(n, parquet.ByteArrayValue(s.arena[at:]), len(s.arena)-at)
}

func (s *shredder) integer(n *node, v int64) { s.leaf(n, parquet.Int64Value(v), 8) }
func (s *shredder) float(n *node, v float64) { s.leaf(n, parquet.DoubleValue(v), 8) }
func (s *shredder) boolean(n *node, v bool)  { s.leaf(n, parquet.BooleanValue(v), 1) }
func (s *shredder) group(*node)              {}

// list opens a list: its first element repeats where the list itself does, the others at its own level.
func (s *shredder) list(n *node, length int) {
	if length == 0 {
		s.absent(n, n.def)
	}
	s.outer = append(s.outer, s.rep)
}

func (s *shredder) next(n *node, i int) {
	if i > 0 {
		s.rep = n.rep
	}
}

func (s *shredder) end(*node) {
	last := len(s.outer) - 1
	s.rep, s.outer = s.outer[last], s.outer[:last]
}
