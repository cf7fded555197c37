package schemas

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A RowWriter writes the shards of a dataset. It refuses a record that does not fit the schema with an
// error that names the record and the column; nothing of a refused call is written.
type RowWriter interface {
	Write(rs []*Record) error
	Close() error // completes the file; the underlying writer stays open
}

// A RejectWriter writes what was taken out: the columns of a RowWriter, and why.
type RejectWriter interface {
	Write(rs []Reject) error
	Close() error
}

// WriteOptions are the settings of a sink that change bytes but not meaning.
type WriteOptions struct {
	// Compression is zstd-fastest (the default), zstd, zstd-better or none. Arrow knows one level of zstd.
	Compression string
	// RowGroupBytes bounds the text in a row group of Parquet or a batch of Arrow; 0 means 96 MiB and 4 MiB. A
	// row larger than that is a group of its own.
	RowGroupBytes int64
}

// Compressions lists the names that [WriteOptions] knows, the default first.
func Compressions() []string { return []string{"zstd-fastest", "zstd", "zstd-better", "none"} }

// Formats lists the formats of shards, the default first. Each is also the extension of its files.
func Formats() []string { return []string{"parquet", "arrow", "jsonl", "jsonl.zst"} }

// NewWriter returns a writer of records with schema s.
func NewWriter(format string, w io.Writer, s *Schema, o WriteOptions) (RowWriter, error) {
	e, err := newEncoder(format, w, s, false, o)
	if err != nil {
		return nil, err
	}
	return rowWriter{s, e}, nil
}

// NewRejectWriter returns a writer of rejects with schema s.
func NewRejectWriter(format string, w io.Writer, s *Schema, o WriteOptions) (RejectWriter, error) {
	e, err := newEncoder(format, w, s, true, o)
	if err != nil {
		return nil, err
	}
	return rejectWriter{s, e}, nil
}

// An encoder writes rows of one format that have been checked.
type encoder interface {
	record(r *Record) error
	reject(x *Reject) error
	close() error
}

func newEncoder(format string, w io.Writer, s *Schema, rejects bool, o WriteOptions) (encoder, error) {
	if o.Compression == "" {
		o.Compression = Compressions()[0]
	}
	if !slices.Contains(Compressions(), o.Compression) {
		return nil, fmt.Errorf("unknown compression %q: use one of %s", o.Compression, strings.Join(Compressions(), ", "))
	}
	l, err := newLayout(s, rejects)
	if err != nil {
		return nil, err
	}
	switch format {
	case "parquet":
		return newParquetEncoder(w, l, o)
	case "arrow":
		return newArrowEncoder(w, l, o)
	case "jsonl":
		return newJSONEncoder(w, l, "none")
	case "jsonl.zst":
		return newJSONEncoder(w, l, o.Compression)
	}
	return nil, fmt.Errorf("unknown format %q: use one of %s", format, strings.Join(Formats(), ", "))
}

type rowWriter struct {
	schema *Schema
	enc    encoder
}

func (w rowWriter) Write(rs []*Record) error {
	for _, r := range rs {
		if err := w.schema.CheckRecord(r); err != nil {
			return err
		}
	}
	for _, r := range rs {
		if err := w.enc.record(r); err != nil {
			return err
		}
	}
	return nil
}

func (w rowWriter) Close() error { return w.enc.close() }

type rejectWriter struct {
	schema *Schema
	enc    encoder
}

func (w rejectWriter) Write(rs []Reject) error {
	for i := range rs {
		if err := w.schema.CheckReject(&rs[i]); err != nil {
			return err
		}
	}
	for i := range rs {
		if err := w.enc.reject(&rs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w rejectWriter) Close() error { return w.enc.close() }
