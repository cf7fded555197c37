package prompt

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// toJSON is the tojson filter as Hugging Face's chat templates have it: json.dumps(x, ensure_ascii=False, indent=indent). It differs
// from the filter of Jinja2 itself, which escapes for HTML.
//
//	{"a": [1, 2.0, "é", null, true]}
func toJSON(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	p := jsonPrinter{indent: -1}
	for i, a := range params.Args { // ensure_ascii, indent, separators, sort_keys
		if i == 1 && a.IsInteger() {
			p.indent = a.Integer()
		}
	}
	for k, a := range params.KwArgs {
		switch k {
		case "indent":
			if a.IsInteger() {
				p.indent = min(a.Integer(), 64)
			}
		case "ensure_ascii", "separators", "sort_keys":
			if a.IsTrue() {
				return exec.AsValue(&Error{Message: "tojson: " + k + " is not supported"})
			}
		default:
			return exec.AsValue(&Error{Message: fmt.Sprintf("tojson: unknown argument %q", k), Hint: "it takes indent"})
		}
	}
	if err := p.print(in, 0); err != nil {
		return exec.AsValue(err)
	}
	return exec.AsSafeValue(p.b.String())
}

type jsonPrinter struct {
	b      strings.Builder
	indent int // -1: one line
}

func (p *jsonPrinter) print(v *exec.Value, depth int) error {
	if depth > 100 {
		return &Error{Message: "tojson: more than 100 levels"}
	}
	switch {
	case v.IsNil():
		p.b.WriteString("null")
	case v.IsError():
		return v
	case v.IsBool():
		p.b.WriteString(strconv.FormatBool(v.Bool()))
	case v.IsInteger():
		p.b.WriteString(strconv.Itoa(v.Integer()))
	case v.IsFloat():
		p.b.WriteString(pythonFloat(v.Float()))
	case v.IsString():
		p.quote(v.String())
	case v.IsList():
		n := v.Len()
		p.b.WriteByte('[')
		for i := range n {
			p.next(i, depth)
			if err := p.print(exec.ToValue(v.Index(i).Interface()), depth+1); err != nil {
				return err
			}
		}
		p.close(']', n, depth)
	case v.IsDict():
		es := entries(v)
		p.b.WriteByte('{')
		for i, e := range es {
			p.next(i, depth)
			p.quote(e.Key.String())
			p.b.WriteString(": ")
			if err := p.print(exec.ToValue(e.Value), depth+1); err != nil {
				return err
			}
		}
		p.close('}', len(es), depth)
	default:
		return &Error{Message: fmt.Sprintf("tojson: cannot write a %T", v.Interface())}
	}
	return nil
}

// next starts element i: ", " on one line, or a line of its own.
func (p *jsonPrinter) next(i, depth int) {
	if i > 0 {
		p.b.WriteByte(',')
		if p.indent < 0 {
			p.b.WriteByte(' ')
		}
	}
	p.line(depth + 1)
}

func (p *jsonPrinter) close(c byte, n, depth int) {
	if n > 0 {
		p.line(depth)
	}
	p.b.WriteByte(c)
}

func (p *jsonPrinter) line(depth int) {
	if p.indent >= 0 {
		p.b.WriteByte('\n')
		p.b.WriteString(strings.Repeat(" ", p.indent*depth))
	}
}

// quote writes a string as Python's json does without ensure_ascii: only quotes, backslashes and control characters below U+0020 escaped.
func (p *jsonPrinter) quote(s string) {
	p.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			p.b.WriteByte('\\')
			p.b.WriteRune(r)
		case r == '\n':
			p.b.WriteString(`\n`)
		case r == '\r':
			p.b.WriteString(`\r`)
		case r == '\t':
			p.b.WriteString(`\t`)
		case r == '\b':
			p.b.WriteString(`\b`)
		case r == '\f':
			p.b.WriteString(`\f`)
		case r < 0x20:
			fmt.Fprintf(&p.b, `\u%04x`, r)
		default:
			p.b.WriteRune(r)
		}
	}
	p.b.WriteByte('"')
}

// pythonFloat is repr(f): 2.0, 0.1, 1e+16, 1e-05, NaN, Infinity.
func pythonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.ContainsRune(s, '.') {
		s += ".0"
	}
	return s
}
