package schemas

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxLine is the longest line that is read unless ReadOptions says otherwise.
const maxLine = 64 << 20

// openStream opens a file and decompresses it by what its first bytes say, whatever its name: gzip, zstd (also
// several members in a row), bzip2 or none.
func openStream(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = fmt.Errorf("%s is a folder", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	in := bufio.NewReaderSize(f, 256<<10)
	head, _ := in.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: damaged gzip: %w", path, err)
		}
		return stream{z, f.Close}, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: damaged zstd: %w", path, err)
		}
		return stream{z, func() error { z.Close(); return f.Close() }}, nil
	case bytes.HasPrefix(head, []byte("BZh")):
		return stream{bzip2.NewReader(in), f.Close}, nil
	}
	return stream{in, f.Close}, nil
}

type stream struct {
	io.Reader
	close func() error
}

func (s stream) Close() error { return s.close() }

// lineReader reads lines of bounded length.
type lineReader struct {
	in   io.ReadCloser
	buf  *bufio.Reader
	max  int
	long []byte // a line that did not fit buf
	bom  bool   // the start of the file has been looked at
}

// ErrTooLong is what the error of a row is that exceeds [ReadOptions.MaxLine].
var ErrTooLong = errors.New("longer than the limit")

// errLong is returned for a line beyond the bound, which has been skipped without being held in memory.
type errLong struct {
	max  int
	size int64
}

func (e *errLong) Error() string {
	return fmt.Sprintf("line of %d bytes is %v of %d: raise max_line to read it", e.size, ErrTooLong, e.max)
}

func (e *errLong) Unwrap() error { return ErrTooLong }

// openLines opens the lines of a file of text; max 0 means the default.
func openLines(path string, max int) (*lineReader, error) {
	in, err := openStream(path)
	if err != nil {
		return nil, err
	}
	if max <= 0 {
		max = maxLine
	}
	return &lineReader{in: in, buf: bufio.NewReaderSize(in, 256<<10), max: max}, nil
}

func (l *lineReader) Close() error { return l.in.Close() }

// next returns the next line without its end, valid until the next call; nil and no error at the end of the file. A
// line that a damaged end of a compressed file has cut is not returned: the error is.
func (l *lineReader) next() ([]byte, error) {
	if !l.bom {
		l.bom = true
		if b, _ := l.buf.Peek(3); string(b) == "\ufeff" {
			l.buf.Discard(3)
		}
	}
	l.long = l.long[:0]
	skipped := int64(0)
	for {
		b, err := l.buf.ReadSlice('\n')
		switch {
		case err == nil, errors.Is(err, io.EOF):
			if skipped > 0 || len(l.long)+len(b) > l.max+2 {
				return nil, &errLong{l.max, skipped + int64(len(l.long)+len(b))}
			}
			if err != nil && len(l.long)+len(b) == 0 {
				return nil, nil
			}
			if len(l.long) > 0 {
				l.long = append(l.long, b...)
				b = l.long
			}
			return trimEnd(b), nil
		case errors.Is(err, bufio.ErrBufferFull):
			if skipped > 0 || len(l.long)+len(b) > l.max+2 {
				skipped += int64(len(l.long) + len(b))
				l.long = l.long[:0]
				continue
			}
			l.long = append(l.long, b...)
		default:
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("the compressed file is cut short")
			}
			return nil, err
		}
	}
}

// trimEnd removes the line's end. The result is never nil.
func trimEnd(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte{'\n'})
	return bytes.TrimSuffix(b, []byte{'\r'})
}
