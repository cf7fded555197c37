package schemas

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Row is a row of any file. Its values are nil, string, int64, float64, bool, []any or map[string]any.
type Row struct {
	N      int64 // number of the row in its file, from 0; blank lines do not count
	Values map[string]any
	Err    error  // this row alone cannot be read
	Raw    string // its beginning, where it cannot
}

// ReadOptions say how foreign files are read. The zero value reads what is common.
type ReadOptions struct {
	Format  string   // jsonl, json, csv, tsv, parquet or arrow; empty: by the name of the file
	Columns []string // read only these where the format allows it (Parquet, Arrow); others leave out the rest as well
	Skip    int64    // leave out this many rows at the start; Row.N counts them
	MaxLine int      // bytes of the longest line or JSON value, 64 MiB if 0; a longer line is a row error

	Delimiter rune     // of CSV; 0: tab for .tsv, comma else
	NoHeader  bool     // the first line of CSV is a row
	Names     []string // names of the columns of CSV, instead of the header's
}

// ReadRows returns the rows of a file that anyone wrote: .jsonl, .ndjson, .json, .csv, .tsv, each also compressed (what it
// is compressed with is seen from its first bytes), .parquet and .arrow (file or stream).
//
// A row that cannot be read by itself, such as a line that is no JSON, comes with its Err set and reading goes on. An error of
// the iterator means that the file is damaged from there on and ends it: it names the file and comes after all rows
// that were readable.
func ReadRows(path string, o ReadOptions) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		in, err := openRows(path, o)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer in.Close()
		keep := keeper(o.Columns)
		for n := int64(0); ; n++ {
			row, err := in.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Row{}, fmt.Errorf("%s: row %d: %w", path, n, err))
				return
			}
			if skipped, ok := in.(skipper); ok {
				row.N = n + skipped.skipped()
			} else if row.N = n; n < o.Skip {
				continue
			}
			keep(row.Values)
			if !yield(row, nil) {
				return
			}
		}
	}
}

// rowFormat is the extension without the compression's.
func rowFormat(path string) string {
	name := strings.ToLower(filepath.Base(path))
	for _, c := range []string{".gz", ".zst", ".zstd", ".bz2"} {
		name = strings.TrimSuffix(name, c)
	}
	switch e := strings.TrimPrefix(filepath.Ext(name), "."); e {
	case "jsonl", "json", "csv", "tsv", "parquet", "arrow":
		return e
	case "ndjson":
		return "jsonl"
	}
	return ""
}

// A rowSource reads rows one by one; io.EOF itself ends them.
type rowSource interface {
	next() (Row, error)
	io.Closer
}

// A skipper has left out ReadOptions.Skip rows by itself.
type skipper interface{ skipped() int64 }

func openRows(path string, o ReadOptions) (rowSource, error) {
	if o.Format == "" {
		o.Format = rowFormat(path)
	}
	switch o.Format {
	case "jsonl":
		in, err := openLines(path, o.MaxLine)
		if err != nil {
			return nil, err
		}
		return &lineRows{in}, nil
	case "json":
		return openJSONFile(path, o)
	case "csv", "tsv":
		return openCSV(path, o)
	case "parquet":
		p, err := openParquet(path)
		if err != nil {
			return nil, err
		}
		return newTableRows(p, path, o)
	case "arrow":
		a, err := openArrow(path, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		return newTableRows(a, path, o)
	}
	return nil, fmt.Errorf("%s: cannot read this kind of file: want .jsonl, .json, .csv, .tsv (also .gz, .zst), .parquet or .arrow", path)
}

// keeper returns a function that deletes all but the named members.
func keeper(columns []string) func(map[string]any) {
	if len(columns) == 0 {
		return func(map[string]any) {}
	}
	wanted := make(map[string]bool, len(columns))
	for _, c := range columns {
		wanted[c] = true
	}
	return func(m map[string]any) {
		for k := range m {
			if !wanted[k] {
				delete(m, k)
			}
		}
	}
}

// lineRows reads JSON Lines.
type lineRows struct{ in *lineReader }

func (l *lineRows) Close() error { return l.in.Close() }

func (l *lineRows) next() (Row, error) {
	for {
		line, err := l.in.next()
		if long, ok := errors.AsType[*errLong](err); ok {
			return Row{Err: long}, nil
		}
		if err != nil {
			return Row{}, err
		}
		if line == nil {
			return Row{}, io.EOF
		}
		if blank(line) {
			continue
		}
		return jsonRow(line), nil
	}
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// jsonRow decodes one value.
func jsonRow(b []byte) Row {
	m, err := parseObject(b)
	if err != nil {
		return Row{Err: err, Raw: excerpt(b)}
	}
	return Row{Values: m}
}

// excerpt is the beginning of a row for messages.
func excerpt(b []byte) string {
	const most = 120
	if len(b) <= most {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return strings.ToValidUTF8(string(b[:most]), "\ufffd") + "…"
}

// tableRows reads Parquet and Arrow.
type tableRows struct {
	table
	cur    cursor
	wanted []*node
	skip   int64
}

func newTableRows(t table, path string, o ReadOptions) (*tableRows, error) {
	r := &tableRows{table: t, skip: o.Skip, wanted: t.columns()}
	if len(o.Columns) > 0 {
		r.wanted = []*node{}
		for _, n := range t.columns() {
			for _, name := range o.Columns {
				if n.name == name {
					r.wanted = append(r.wanted, n)
					break
				}
			}
		}
		if len(r.wanted) == 0 {
			t.Close()
			return nil, fmt.Errorf("%s: none of the columns %s: it has %s", path, strings.Join(o.Columns, ", "), nodeNames(t.columns()))
		}
	}
	r.cur = t.cursor(o.Skip, r.wanted)
	return r, nil
}

func nodeNames(ns []*node) string {
	names := make([]string, len(ns))
	for i, n := range ns {
		names[i] = n.name
	}
	return strings.Join(names, ", ")
}

func (r *tableRows) skipped() int64 { return r.skip }

func (r *tableRows) Close() error {
	r.cur.close()
	return r.table.Close()
}

func (r *tableRows) next() (row Row, err error) {
	defer recoverAs(&err, "damaged file")
	t, err := r.cur.next()
	if err != nil {
		return Row{}, err
	}
	m := make(map[string]any, len(r.wanted))
	for _, n := range r.wanted {
		m[n.name] = takeValue(t, n)
	}
	return Row{Values: m}, r.cur.endRow()
}
