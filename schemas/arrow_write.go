package schemas

import (
	"errors"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

const arrowBatchBytes = 4 << 20 // text per record batch, unless WriteOptions says otherwise

// arrowEncoder writes the Arrow IPC file format.
type arrowEncoder struct {
	layout *layout
	w      *ipc.FileWriter
	batch  *array.RecordBuilder
	arrowPutter
	limit int
	err   error
}

func newArrowEncoder(out io.Writer, l *layout, o WriteOptions) (*arrowEncoder, error) {
	return newArrowEncoderIn(memory.DefaultAllocator, out, l, o)
}

func newArrowEncoderIn(mem memory.Allocator, out io.Writer, l *layout, o WriteOptions) (e *arrowEncoder, err error) {
	defer recoverAs(&err, "arrow writer")
	schema, features, err := l.metadata()
	if err != nil {
		return nil, err
	}
	meta := arrow.NewMetadata([]string{keySchema, keyHF}, []string{schema, features})
	fields := make([]arrow.Field, len(l.roots))
	for i, n := range l.roots {
		fields[i] = arrowField(n)
	}
	s := arrow.NewSchema(fields, &meta)
	opts := []ipc.Option{ipc.WithSchema(s), ipc.WithAllocator(mem)}
	if o.Compression != "none" {
		opts = append(opts, ipc.WithZstd())
	}
	w, err := ipc.NewFileWriter(&offsetWriter{w: out}, opts...)
	if err != nil {
		return nil, err
	}
	e = &arrowEncoder{layout: l, w: w, batch: array.NewRecordBuilder(mem, s), limit: int(o.RowGroupBytes)}
	if e.limit <= 0 {
		e.limit = arrowBatchBytes
	}
	e.builders = make([]array.Builder, l.nodes)
	for i, n := range l.roots {
		e.bind(n, e.batch.Field(i))
	}
	return e, nil
}

func (e *arrowEncoder) record(r *Record) error {
	e.layout.put(&e.arrowPutter, r)
	return e.row()
}

func (e *arrowEncoder) reject(x *Reject) error {
	e.layout.putReject(&e.arrowPutter, x)
	return e.row()
}

func (e *arrowEncoder) row() error {
	if e.size < e.limit {
		return e.err
	}
	return e.flush()
}

func (e *arrowEncoder) flush() error {
	if e.err != nil {
		return e.err
	}
	e.size = 0
	e.err = safely("arrow batch", func() error {
		rec := e.batch.NewRecord()
		defer rec.Release()
		if rec.NumRows() == 0 {
			return nil
		}
		return e.w.Write(rec)
	})
	return e.err
}

func (e *arrowEncoder) close() error {
	if e.flush() == nil {
		e.err = safely("end of arrow file", e.w.Close)
	}
	if e.batch != nil {
		e.batch.Release()
		e.batch = nil
	}
	if e.err != nil {
		return e.err
	}
	e.err = errClosed
	return nil
}

// offsetWriter gives a writer the one use that the library makes of Seek: to ask where it stands.
type offsetWriter struct {
	w  io.Writer
	at int64
}

func (o *offsetWriter) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	o.at += int64(n)
	return n, err
}

func (o *offsetWriter) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.ErrUnsupported
	}
	return o.at, nil
}

func arrowField(n *node) arrow.Field {
	return arrow.Field{Name: n.name, Type: arrowType(n), Nullable: !n.required}
}

func arrowType(n *node) arrow.DataType {
	switch n.kind {
	case Int:
		return arrow.PrimitiveTypes.Int64
	case Float:
		return arrow.PrimitiveTypes.Float64
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case List:
		return arrow.ListOfField(arrow.Field{Name: "item", Type: arrowType(n.elem()), Nullable: true})
	case Struct:
		fields := make([]arrow.Field, len(n.parts))
		for i, f := range n.parts {
			fields[i] = arrowField(f)
		}
		return arrow.StructOf(fields...)
	}
	return arrow.BinaryTypes.String
}

// arrowPutter is the putter of Arrow: a builder for each node.
type arrowPutter struct {
	builders []array.Builder // by node.id
	size     int
	hex      []byte // of the last id
}

// bind notes the builders of n and of all below it.
func (p *arrowPutter) bind(n *node, b array.Builder) {
	p.builders[n.id] = b
	switch b := b.(type) {
	case *array.ListBuilder:
		p.bind(n.elem(), b.ValueBuilder())
	case *array.StructBuilder:
		for i, f := range n.parts {
			p.bind(f, b.FieldBuilder(i))
		}
	}
}

func (p *arrowPutter) null(n *node) { p.builders[n.id].AppendNull() }

func (p *arrowPutter) str(n *node, v string) {
	p.builders[n.id].(*array.StringBuilder).Append(v)
	p.size += len(v)
}

func (p *arrowPutter) ident(n *node, id ID) {
	p.hex = appendHex(p.hex[:0], id)
	p.builders[n.id].(*array.StringBuilder).BinaryBuilder.Append(p.hex)
	p.size += len(p.hex)
}

func (p *arrowPutter) integer(n *node, v int64) {
	p.builders[n.id].(*array.Int64Builder).Append(v)
	p.size += 8
}

func (p *arrowPutter) float(n *node, v float64) {
	p.builders[n.id].(*array.Float64Builder).Append(v)
	p.size += 8
}

func (p *arrowPutter) boolean(n *node, v bool) { p.builders[n.id].(*array.BooleanBuilder).Append(v) }
func (p *arrowPutter) group(n *node)           { p.builders[n.id].(*array.StructBuilder).Append(true) }
func (p *arrowPutter) list(n *node, _ int)     { p.builders[n.id].(*array.ListBuilder).Append(true) }
func (p *arrowPutter) next(*node, int)         {}
func (p *arrowPutter) end(*node)               {}
