package schemas

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// FormatOf returns the format of a shard by its name, or "".
func FormatOf(path string) string {
	for _, f := range []string{"jsonl.zst", "jsonl", "parquet", "arrow"} {
		if strings.HasSuffix(path, "."+f) {
			return f
		}
	}
	return ""
}

// ReadShard returns the records of a shard that sluice wrote, in order. A file that is damaged, cut short or of
// other origin ends it with an error that names the file and the cause.
func ReadShard(path string) iter.Seq2[*Record, error] { return readShard(path, nil) }

// readShard reads with a schema that is known already, which only JSONL makes use of.
func readShard(path string, s *Schema) iter.Seq2[*Record, error] { return readShardFrom(path, s, 0) }

// readShardFrom leaves out the first rows of a Parquet or Arrow shard.
func readShardFrom(path string, s *Schema, skip int64) iter.Seq2[*Record, error] {
	return eachRow(path, s, skip, (*layout).take, func(line []byte, s *Schema) (*Record, error) {
		m, err := parseObject(line)
		if err != nil {
			return nil, err
		}
		return recordOf(m, s)
	}, false)
}

// ReadRejects is ReadShard for the files below rejects.
func ReadRejects(path string) iter.Seq2[Reject, error] { return readRejects(path, nil) }

func readRejects(path string, s *Schema) iter.Seq2[Reject, error] { return readRejectsFrom(path, s, 0) }

func readRejectsFrom(path string, s *Schema, skip int64) iter.Seq2[Reject, error] {
	return eachRow(path, s, skip, (*layout).takeReject, decodeReject, true)
}

// ReadShardSchema returns the schema of a shard. That of a JSONL shard is in the manifest of its dataset.
func ReadShardSchema(path string) (*Schema, error) {
	t, err := openTable(path)
	if err != nil {
		return nil, err
	}
	if t == nil {
		m, err := ReadManifest(filepath.Dir(filepath.Dir(path)))
		if err != nil {
			return nil, fmt.Errorf("%s: the schema of a JSONL shard is in its manifest: %w", path, err)
		}
		return &m.Schema, nil
	}
	defer t.Close()
	l, err := t.layout()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l.schema, nil
}

// A table is an open file of columns.
type table interface {
	layout() (*layout, error) // of a shard of sluice
	columns() []*node
	count() (rows int64, err error)
	cursor(skip int64, wanted []*node) cursor
	Close() error
}

// A cursor walks rows: next returns a taker that stands before the next one, or io.EOF itself; endRow, after
// the row was taken, whether it was whole.
type cursor interface {
	next() (taker, error)
	endRow() error
	close()
}

// openTable opens a Parquet or Arrow file; for JSONL it returns nil.
func openTable(path string) (table, error) {
	switch FormatOf(path) {
	case "parquet":
		p, err := openParquet(path)
		if err != nil {
			return nil, err
		}
		return p, nil
	case "arrow":
		a, err := openArrow(path, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		return a, nil
	case "":
		return nil, fmt.Errorf("%s: unknown extension, want one of %s", path, strings.Join(Formats(), ", "))
	}
	return nil, nil
}

// eachRow walks a shard of any format.
func eachRow[R any](path string, s *Schema, skip int64, take func(*layout, taker) (R, error), decode func([]byte, *Schema) (R, error), rejects bool) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		t, err := openTable(path)
		if err != nil {
			yield(none, err)
			return
		}
		if t == nil {
			eachLine(path, s, decode, yield)
			return
		}
		defer t.Close()
		l, err := t.layout()
		if err == nil && l.rejects != rejects {
			err = errors.New("rows and rejects are not read alike: one was given for the other")
		}
		if err != nil {
			yield(none, fmt.Errorf("%s: %w", path, err))
			return
		}
		c := t.cursor(skip, nil)
		defer c.close()
		for {
			// The library may panic on damaged bytes, the loop body of the caller is none of our business.
			var r R
			err := safely("damaged file", func() error {
				t, err := c.next()
				if err == nil {
					r, err = take(l, t)
				}
				if err == nil {
					err = c.endRow()
				}
				return err
			})
			if err == io.EOF { // itself: an error that wraps it is damage
				return
			}
			if err != nil {
				yield(none, fmt.Errorf("%s: %w", path, err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// eachLine reads a JSONL shard. Its schema, where it is not known, is that of the manifest beside it, or free.
func eachLine[R any](path string, s *Schema, decode func([]byte, *Schema) (R, error), yield func(R, error) bool) {
	var none R
	if s == nil {
		switch m, err := ReadManifest(filepath.Dir(filepath.Dir(path))); {
		case err == nil:
			s = &m.Schema
		case !errors.Is(err, ErrNoManifest) && !errors.Is(err, fs.ErrNotExist):
			yield(none, err)
			return
		}
	}
	in, err := openLines(path, 0)
	if err != nil {
		yield(none, err)
		return
	}
	defer in.Close()
	for n := 1; ; n++ {
		line, err := in.next()
		if line == nil && err == nil {
			return
		}
		var r R
		if err == nil {
			r, err = decode(line, s)
		}
		if err != nil {
			yield(none, fmt.Errorf("%s: line %d: %w", path, n, err))
			return
		}
		if !yield(r, nil) {
			return
		}
	}
}
