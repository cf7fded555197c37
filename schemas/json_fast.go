package schemas

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

const fastDepth = 64 // nesting beyond it is left to the strict decoder

// fastParser decodes JSON by cutting strings out at their quotes, more than twice as fast as token by token. It never guesses: ok
// is false for anything that is not plainly valid, a duplicate key included, and the strict decoder decides.
type fastParser struct {
	b []byte
	i int
}

// fastObject decodes a line that holds one object and nothing else.
func fastObject(line []byte) (map[string]any, bool) {
	if !utf8.Valid(line) {
		return nil, false
	}
	p := fastParser{b: line}
	if p.peek() != '{' {
		return nil, false
	}
	m, ok := p.object(0)
	return m, ok && p.peek() == 0 && p.i == len(p.b)
}

// peek skips white space and returns the byte that follows, or 0 at the end.
func (p *fastParser) peek() byte {
	for ; p.i < len(p.b); p.i++ {
		if c := p.b[p.i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

func (p *fastParser) object(depth int) (map[string]any, bool) {
	p.i++ // {
	m := make(map[string]any)
	if p.peek() == '}' {
		p.i++
		return m, true
	}
	for {
		if p.peek() != '"' {
			return nil, false
		}
		name, ok := p.str()
		if !ok || p.peek() != ':' {
			return nil, false
		}
		p.i++
		before := len(m)
		v, ok := p.value(depth + 1)
		if m[name] = v; !ok || len(m) == before {
			return nil, false
		}
		switch p.peek() {
		case ',':
			p.i++
		case '}':
			p.i++
			return m, true
		default:
			return nil, false
		}
	}
}

func (p *fastParser) list(depth int) ([]any, bool) {
	p.i++ // [
	vs := []any{}
	if p.peek() == ']' {
		p.i++
		return vs, true
	}
	for {
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		vs = append(vs, v)
		switch p.peek() {
		case ',':
			p.i++
		case ']':
			p.i++
			return vs, true
		default:
			return nil, false
		}
	}
}

func (p *fastParser) value(depth int) (any, bool) {
	if depth > fastDepth {
		return nil, false
	}
	switch c := p.peek(); c {
	case '"':
		return p.str()
	case '{':
		return p.object(depth)
	case '[':
		return p.list(depth)
	case 'n':
		return nil, p.word("null")
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	}
	return p.number()
}

func (p *fastParser) word(w string) bool {
	ok := bytes.HasPrefix(p.b[p.i:], []byte(w))
	p.i += len(w)
	return ok
}

// str reads the string whose opening quote is next.
func (p *fastParser) str() (string, bool) {
	p.i++
	from := p.i
	quote, ok := p.quote(from)
	if !ok {
		return "", false
	}
	slash := bytes.IndexByte(p.b[from:quote], '\\')
	if slash < 0 {
		p.i = quote + 1
		return string(p.b[from:quote]), !hasControl(p.b[from:quote])
	}
	var s []byte // what was unquoted so far
	for i := from; ; {
		if slash < 0 {
			s = append(s, p.b[i:quote]...)
			p.i = quote + 1
			return unsafe.String(unsafe.SliceData(s), len(s)), !hasControl(p.b[from:quote])
		}
		if s == nil {
			s = make([]byte, 0, quote-from)
		}
		i += slash
		s = append(s, p.b[i-slash:i]...)
		if i+1 >= len(p.b) {
			return "", false
		}
		c := unescaped[p.b[i+1]]
		if c == 0 { // \u and what is no escape at all
			return p.unquote(from, i)
		}
		s = append(s, c)
		if i += 2; i > quote {
			if quote, ok = p.quote(i); !ok {
				return "", false
			}
		}
		slash = bytes.IndexByte(p.b[i:quote], '\\')
	}
}

// unescaped is what the byte after a backslash stands for.
var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// quote returns where the next quote is.
func (p *fastParser) quote(i int) (at int, ok bool) {
	q := bytes.IndexByte(p.b[i:], '"')
	return i + q, q >= 0
}

// unquote leaves the string that starts at from to the library; no escape before i hides its end.
func (p *fastParser) unquote(from, i int) (string, bool) {
	for i < len(p.b) && p.b[i] != '"' {
		if p.b[i] == '\\' {
			i++
		}
		i++
	}
	if i >= len(p.b) {
		return "", false
	}
	p.i = i + 1
	u, err := jsontext.AppendUnquote(make([]byte, 0, i-from), p.b[from-1:p.i])
	return unsafe.String(unsafe.SliceData(u), len(u)), err == nil
}

// hasControl reports whether b has a byte below 0x20, eight at a time: for a byte x without borrow from its neighbour,
// (x-0x20) &^ x has its top bit set if and only if x < 0x20.
func hasControl(b []byte) bool {
	const low, high = 0x2020202020202020, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		if x := binary.LittleEndian.Uint64(b); (x-low)&^x&high != 0 {
			return true
		}
	}
	for _, c := range b {
		if c < ' ' {
			return true
		}
	}
	return false
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? as an int64 where it is whole and fits, else as a float64.
func (p *fastParser) number() (any, bool) {
	from := p.i
	p.skip('-')
	if first := p.i; !p.digits() || p.b[first] == '0' && p.i > first+1 {
		return nil, false
	}
	whole := true
	if p.skip('.') {
		if whole = false; !p.digits() {
			return nil, false
		}
	}
	if p.skip('e') || p.skip('E') {
		whole = false
		if !p.skip('+') {
			p.skip('-')
		}
		if !p.digits() {
			return nil, false
		}
	}
	lit := string(p.b[from:p.i])
	if whole {
		if n, err := strconv.ParseInt(lit, 10, 64); err == nil {
			return n, true
		}
	}
	f, err := strconv.ParseFloat(lit, 64)
	return f, err == nil
}

func (p *fastParser) skip(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *fastParser) digits() bool {
	from := p.i
	for p.i < len(p.b) && p.b[p.i]-'0' < 10 {
		p.i++
	}
	return p.i > from
}
