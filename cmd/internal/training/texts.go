package training

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/schemas"
)

// A Text is one text, its name, and where it stands.
type Text struct {
	ID    schemas.ID
	Value string
	Path  string
	N     int64 // among the texts of Path, from 1
}

// Place says where the text stands, for errors.
func (t *Text) Place() string { return fmt.Sprintf("%s, text %d", t.Path, t.N) }

// TextOptions say how texts are read.
type TextOptions struct {
	Column string    // of files with rows: the column with the text; "": text
	Role   string    // of datasets: train, test
	Pieces bool      // plain text is read in pieces of some lines, line ends included, instead of line by line
	Stdin  io.Reader // what - reads
	Open   func(dir string) (*schemas.Dataset, error)
}

// A ColumnError is a row without the column that holds the text.
type ColumnError struct {
	Place, Column string
	Has           []string // what it has instead
}

func (e *ColumnError) Error() string {
	return fmt.Sprintf("%s: no text in column %q", e.Place, e.Column)
}

// ErrNoText is a file that is neither text nor of a format with rows.
var ErrNoText = errors.New("no text: it holds zero bytes")

// piece is about how much plain text goes into one text with TextOptions.Pieces.
const piece = 64 << 10

// Texts reads texts in their order: of dataset folders, of files with rows (JSON Lines, JSON, CSV, Parquet, Arrow, also
// compressed), and of any other file and "-" line by line.
func Texts(paths []string, o TextOptions) iter.Seq2[Text, error] {
	return func(yield func(Text, error) bool) {
		for _, path := range paths {
			for t, err := range o.one(path) {
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

func (o TextOptions) one(path string) iter.Seq2[Text, error] {
	if path == "-" {
		return o.plain("stdin", o.Stdin)
	}
	switch st, err := os.Stat(path); {
	case err != nil:
		return failed(err)
	case st.IsDir():
		return o.dataset(path)
	case hasRows(path):
		return o.rows(path)
	}
	return func(yield func(Text, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Text{}, err)
			return
		}
		defer f.Close()
		r, err := unpacked(path, f)
		if err != nil {
			yield(Text{}, err)
			return
		}
		o.plain(path, r)(yield)
	}
}

// unpacked reads plain text, also through gzip and bzip2. What else holds zero bytes is no text.
func unpacked(path string, f io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(f, 1<<16)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return z, nil
	case bytes.HasPrefix(head, []byte("BZh")):
		return bzip2.NewReader(in), nil
	case bytes.IndexByte(head, 0) >= 0:
		return nil, fmt.Errorf("%s: %w", path, ErrNoText)
	}
	return in, nil
}

// hasRows tells files of rows by their names, without the name of a compression.
func hasRows(path string) bool {
	name := strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst", ".bz2", ".xz"} {
		name = strings.TrimSuffix(name, packed)
	}
	return slices.Contains([]string{".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow"}, filepath.Ext(name))
}

func failed(err error) iter.Seq2[Text, error] {
	return func(yield func(Text, error) bool) { yield(Text{}, err) }
}

func (o TextOptions) dataset(dir string) iter.Seq2[Text, error] {
	d, err := o.Open(dir)
	if err != nil {
		return failed(err)
	}
	return func(yield func(Text, error) bool) {
		n := int64(0)
		for r, err := range d.Records(o.Role) {
			if err != nil {
				yield(Text{}, err)
				return
			}
			if n++; !yield(Text{r.ID, r.Content(), dir, n}, nil) {
				return
			}
		}
	}
}

func (o TextOptions) rows(path string) iter.Seq2[Text, error] {
	column := o.Column
	if column == "" {
		column = "text"
	}
	return func(yield func(Text, error) bool) {
		for row, err := range schemas.ReadRows(path, schemas.ReadOptions{}) {
			var t Text
			if err == nil && row.Err != nil {
				err = fmt.Errorf("%s, row %d: %w", path, row.N, row.Err)
			}
			if err == nil {
				value, ok := row.Values[column].(string)
				if !ok {
					err = &ColumnError{fmt.Sprintf("%s, row %d", path, row.N), column, slices.Sorted(maps.Keys(row.Values))}
				}
				t = Text{rowID(path, row), value, path, row.N + 1}
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

// rowID is the row's own id where it is one of ours, else that of its place.
func rowID(path string, row schemas.Row) schemas.ID {
	if s, ok := row.Values["id"].(string); ok {
		if id, err := schemas.ParseID(s); err == nil {
			return id
		}
	}
	return schemas.SeedID(filepath.Base(path), row.N)
}

func (o TextOptions) plain(name string, r io.Reader) iter.Seq2[Text, error] {
	return func(yield func(Text, error) bool) {
		in := bufio.NewReaderSize(r, 1<<16)
		var b strings.Builder
		for n := int64(0); ; {
			line, err := in.ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Text{}, fmt.Errorf("%s: %w", name, err))
				return
			}
			if n == 0 && b.Len() == 0 {
				line = strings.TrimPrefix(line, "\ufeff")
			}
			b.WriteString(strings.ToValidUTF8(line, "\ufffd"))
			if ended := err != nil; b.Len() > 0 && (ended || !o.Pieces || b.Len() >= piece) {
				text := b.String()
				if !o.Pieces {
					text = strings.TrimRight(text, "\r\n")
				}
				if !yield(Text{schemas.SeedID(filepath.Base(name), n), text, name, n + 1}, nil) {
					return
				}
				n++
				b.Reset()
			}
			if err != nil {
				return
			}
		}
	}
}
