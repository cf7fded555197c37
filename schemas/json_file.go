package schemas

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonFile reads a .json file: an array of objects, one object, or objects one after the other.
type jsonFile struct {
	in    io.ReadCloser
	bound *boundReader
	dec   *jsontext.Decoder
	array bool
}

func openJSONFile(path string, o ReadOptions) (*jsonFile, error) {
	in, err := openStream(path)
	if err != nil {
		return nil, err
	}
	most := o.MaxLine
	if most <= 0 {
		most = maxLine
	}
	b := &boundReader{in: in, most: most, left: most}
	// Duplicate names and bad UTF-8 cost one row, not the file: the strict parser meets them in the value.
	d := jsontext.NewDecoder(b, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	f := &jsonFile{in: in, bound: b, dec: d}
	if d.PeekKind() == '[' {
		f.array = true
		if _, err := d.ReadToken(); err != nil {
			in.Close()
			return nil, fmt.Errorf("%s: %w", path, plainJSONError(err))
		}
	}
	return f, nil
}

func (f *jsonFile) Close() error { return f.in.Close() }

func (f *jsonFile) next() (Row, error) {
	f.bound.left = f.bound.most
	if f.array && f.dec.PeekKind() == ']' {
		if _, err := f.dec.ReadToken(); err != nil {
			return Row{}, plainJSONError(err)
		}
		f.array = false
		if _, err := f.dec.ReadToken(); err != io.EOF {
			return Row{}, errors.New("data after the JSON array")
		}
		return Row{}, io.EOF
	}
	v, err := f.dec.ReadValue()
	if err == io.EOF && !f.array {
		return Row{}, io.EOF
	}
	if err != nil {
		if f.bound.left <= 0 {
			return Row{}, fmt.Errorf("a JSON value is %w of %d bytes: raise max_line to read it", ErrTooLong, f.bound.most)
		}
		return Row{}, plainJSONError(err)
	}
	return jsonRow(v), nil
}

// boundReader stops a value that is too long from filling the memory: left is set anew before each.
type boundReader struct {
	in         io.Reader
	most, left int
}

func (b *boundReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLong
	}
	n, err := b.in.Read(p[:min(len(p), max(b.left, 4096))])
	b.left -= n
	return n, err
}
