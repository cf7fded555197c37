package pipeline

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"sluice/schemas"
)

// Reasons of rows that cannot be read.
var (
	errTooLong = errors.New("too_long_line")
	errNotText = errors.New("not_text")
)

// textRows reads plain text as rows with one column, text: the whole file, its lines, or its paragraphs (blocks of
// lines between empty ones). Empty lines and paragraphs are no rows. Line ends may be \n or \r\n; a byte order mark is dropped. Memory
// is bounded by maxLine: a longer row has errTooLong, and reading goes on behind it.
func textRows(path, per string, maxLine int) iter.Seq2[schemas.Row, error] {
	return func(yield func(schemas.Row, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(schemas.Row{}, err)
			return
		}
		defer f.Close()
		if per == perFile {
			row, err := wholeFile(f, maxLine)
			yield(row, err)
			return
		}
		t := &textReader{in: bufio.NewReaderSize(f, 1<<16), max: int64(maxLine)}
		for n := int64(0); ; {
			row, err := t.next(per == perParagraph)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(schemas.Row{}, err)
				return
			}
			row.N = n
			n++
			if !yield(row, nil) {
				return
			}
		}
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func wholeFile(f *os.File, maxLine int) (schemas.Row, error) {
	b, err := io.ReadAll(io.LimitReader(f, int64(maxLine)+1))
	if err != nil {
		return schemas.Row{}, err
	}
	if len(b) > maxLine {
		info, err := f.Stat()
		if err != nil {
			return schemas.Row{}, err
		}
		return schemas.Row{Raw: string(b[:min(len(b), 200)]), Err: fmt.Errorf("%w: the file has %d bytes, max_line is %d", errTooLong, info.Size(), maxLine)}, nil
	}
	return textRow(bytes.TrimPrefix(b, byteOrderMark)), nil
}

// textRow makes a row of b. NUL bytes tell that it is no text.
func textRow(b []byte) schemas.Row {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return schemas.Row{Raw: string(b[:min(len(b), 200)]), Err: fmt.Errorf("%w: byte %d is NUL", errNotText, i)}
	}
	return schemas.Row{Values: map[string]any{"text": string(b)}}
}

// textReader reads lines and paragraphs.
type textReader struct {
	in    *bufio.Reader
	max   int64 // bytes of the longest row
	begun bool  // the first line has been looked at for a byte order mark
	buf   []byte
}

// next returns the next line or paragraph that is not empty, or io.EOF.
func (t *textReader) next(paragraph bool) (schemas.Row, error) {
	t.buf = t.buf[:0]
	total := int64(0) // bytes of the row, kept or not
	for {
		line, size, err := t.line()
		if err != nil && err != io.EOF {
			return schemas.Row{}, err
		}
		blank := size == int64(len(line)) && len(bytes.TrimSpace(line)) == 0
		if !blank {
			if total > 0 {
				t.buf, total = append(t.buf, '\n'), total+1
			}
			total += size
			if room := t.max - int64(len(t.buf)); room > 0 {
				t.buf = append(t.buf, line[:min(int64(len(line)), room)]...)
			}
		}
		if total > 0 && (!paragraph || blank || err == io.EOF) {
			if total > t.max {
				head := strings.ToValidUTF8(string(t.buf[:min(len(t.buf), 200)]), "\ufffd")
				return schemas.Row{Raw: head, Err: fmt.Errorf("%w: it has %d bytes, max_line is %d", errTooLong, total, t.max)}, nil
			}
			return textRow(t.buf), nil
		}
		if err == io.EOF {
			return schemas.Row{}, io.EOF
		}
	}
}

// line returns the next line without its end, cut to a little over max bytes, and its true size.
func (t *textReader) line() (line []byte, size int64, err error) {
	var part []byte
	for {
		part, err = t.in.ReadSlice('\n')
		if !t.begun {
			part, t.begun = bytes.TrimPrefix(part, byteOrderMark), true
		}
		size += int64(len(part))
		if line == nil && err != bufio.ErrBufferFull {
			line = part // the common case: no copy
			break
		}
		if int64(len(line)) <= t.max {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			break
		}
	}
	if n := len(line); int64(n) == size && n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
		size--
		if n = len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
			size--
		}
	}
	return line, size, err
}
