package schemas

import (
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"
)

// AppendJSON appends r as one JSON object without a newline. The order of keys is fixed: id, content, label or
// labels, user columns by name, scores by name, origin; what is empty is left out. A float always has a point
// or an exponent, so that it is read back as one.
func (r *Record) AppendJSON(b []byte) ([]byte, error) { return r.appendJSON(b, nil) }

// MarshalJSON writes what [Record.AppendJSON] does.
func (r *Record) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil) }

// appendJSON writes the user columns in the order of the schema, where there is one.
func (r *Record) appendJSON(b []byte, s *Schema) ([]byte, error) {
	o := objectWriter{b: append(b, '{')}
	if !r.ID.IsZero() {
		o.str(colID, r.ID.String())
	}
	o.word(colText, r.Text)
	o.messages(colMessages, r.Messages)
	o.messages(colPrompt, r.Prompt)
	o.messages(colChosen, r.Chosen)
	o.messages(colRejected, r.Rejected)
	if len(r.Labels) == 1 && (s == nil || s.Kind != Multi) {
		o.str(colLabel, r.Labels[0])
	} else {
		o.words(colLabels, r.Labels)
	}
	if s != nil {
		for _, c := range s.Columns {
			if v, ok := r.Columns[c.Name]; ok && v != nil {
				o.value(c.Name, v)
			}
		}
	} else {
		for _, name := range sortedKeys(r.Columns) {
			o.value(name, r.Columns[name])
		}
	}
	if len(r.Scores) > 0 {
		o.open(colScores)
		for _, name := range sortedKeys(r.Scores) {
			o.float(name, r.Scores[name])
		}
		o.close()
	}
	o.origin(&r.Origin)
	o.b = append(o.b, '}')
	return o.b, o.err
}

// appendRejectJSON writes the record of x and why it left.
func appendRejectJSON(b []byte, x *Reject, s *Schema) ([]byte, error) {
	b, err := x.Record.appendJSON(b, s)
	if err != nil {
		return b, err
	}
	o := objectWriter{b: b[:len(b)-1]}
	o.word("reject_stage", x.Stage)
	o.word("reject_reason", x.Reason)
	o.words("reject_reasons", x.Reasons)
	o.key("reject_failed")
	o.b = strconv.AppendBool(o.b, x.Failed)
	o.word("reject_detail", x.Detail)
	if !x.Owner.IsZero() {
		o.str("reject_owner", x.Owner.String())
	}
	if !x.Owner.IsZero() || x.Score != 0 {
		o.float("reject_score", x.Score)
	}
	return append(o.b, '}'), o.err
}

// objectWriter appends the members of a JSON object. It remembers the first error.
type objectWriter struct {
	b   []byte
	err error
}

func (o *objectWriter) key(name string) {
	if c := o.b[len(o.b)-1]; c != '{' && c != '[' {
		o.b = append(o.b, ',')
	}
	o.quote(name)
	o.b = append(o.b, ':')
}

func (o *objectWriter) quote(s string) {
	var err error
	if o.b, err = jsontext.AppendQuote(o.b, s); err != nil && o.err == nil {
		o.err = err
	}
}

func (o *objectWriter) open(name string) {
	o.key(name)
	o.b = append(o.b, '{')
}

func (o *objectWriter) close() { o.b = append(o.b, '}') }

func (o *objectWriter) str(name, s string) {
	o.key(name)
	o.quote(s)
}

func (o *objectWriter) word(name, s string) {
	if s != "" {
		o.str(name, s)
	}
}

func (o *objectWriter) words(name string, ss []string) {
	if len(ss) == 0 {
		return
	}
	o.key(name)
	o.b = append(o.b, '[')
	for i, s := range ss {
		o.comma(i)
		o.quote(s)
	}
	o.b = append(o.b, ']')
}

func (o *objectWriter) comma(i int) {
	if i > 0 {
		o.b = append(o.b, ',')
	}
}

func (o *objectWriter) int(name string, n int64) {
	if n != 0 {
		o.key(name)
		o.b = strconv.AppendInt(o.b, n, 10)
	}
}

func (o *objectWriter) float(name string, f float64) {
	o.key(name)
	o.number(f)
}

func (o *objectWriter) number(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		o.err = errNotFinite
		return
	}
	at := len(o.b)
	o.b = strconv.AppendFloat(o.b, f, 'g', -1, 64)
	for _, c := range o.b[at:] {
		if c == '.' || c == 'e' {
			return
		}
	}
	o.b = append(o.b, '.', '0')
}

func (o *objectWriter) messages(name string, ms []Message) {
	if len(ms) == 0 {
		return
	}
	o.key(name)
	o.b = append(o.b, '[')
	for i := range ms {
		m := &ms[i]
		o.comma(i)
		o.b = append(o.b, '{')
		o.str("role", m.Role)
		o.str("content", m.Content)
		o.word("name", m.Name)
		if len(m.ToolCalls) > 0 {
			o.key("tool_calls")
			o.b = append(o.b, '[')
			for j, c := range m.ToolCalls {
				o.comma(j)
				o.b = append(o.b, '{')
				o.word("id", c.ID)
				o.str("name", c.Name)
				o.str("arguments", c.Arguments)
				o.b = append(o.b, '}')
			}
			o.b = append(o.b, ']')
		}
		o.word("tool_call_id", m.ToolCallID)
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

func (o *objectWriter) origin(g *Origin) {
	before := len(o.b)
	o.open(colOrigin)
	empty := len(o.b)
	o.word("source", g.Source)
	if g.Source != "" || g.Row != 0 {
		o.key("row")
		o.b = strconv.AppendInt(o.b, g.Row, 10)
	}
	o.int("depth", int64(g.Depth))
	o.int("round", int64(g.Round))
	if len(g.Parents) > 0 {
		o.key("parents")
		o.b = append(o.b, '[')
		for i, id := range g.Parents {
			o.comma(i)
			o.quote(id.String())
		}
		o.b = append(o.b, ']')
	}
	o.word("stage", g.Stage)
	o.word("model", g.Model)
	o.word("template", g.Template)
	o.word("answer", g.Answer)
	o.int("cost", g.Cost)
	o.int("prompt_tokens", g.PromptTokens)
	o.int("completion_tokens", g.CompletionTokens)
	if g.Estimated {
		o.key("estimated")
		o.b = append(o.b, "true"...)
	}
	if len(o.b) == empty {
		o.b = o.b[:before]
		return
	}
	o.close()
}

func (o *objectWriter) value(name string, v any) {
	o.key(name)
	o.any(v)
}

func (o *objectWriter) any(v any) {
	switch x := v.(type) {
	case nil:
		o.b = append(o.b, "null"...)
	case string:
		o.quote(x)
	case int64:
		o.b = strconv.AppendInt(o.b, x, 10)
	case float64:
		o.number(x)
	case bool:
		o.b = strconv.AppendBool(o.b, x)
	case []any:
		o.b = append(o.b, '[')
		for i, e := range x {
			o.comma(i)
			o.any(e)
		}
		o.b = append(o.b, ']')
	case map[string]any:
		o.b = append(o.b, '{')
		for _, k := range sortedKeys(x) {
			o.value(k, x[k])
		}
		o.close()
	default:
		o.err = notAValue(v)
	}
}

// jsonEncoder writes one record a line.
type jsonEncoder struct {
	layout *layout
	w      io.Writer
	zstd   *zstd.Encoder // nil without compression
	buf    []byte
	err    error
}

func newJSONEncoder(w io.Writer, l *layout, compression string) (*jsonEncoder, error) {
	e := &jsonEncoder{layout: l, w: w}
	if compression == "none" {
		return e, nil
	}
	level := map[string]zstd.EncoderLevel{
		"zstd-fastest": zstd.SpeedFastest, "zstd": zstd.SpeedDefault, "zstd-better": zstd.SpeedBetterCompression,
	}[compression]
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	e.zstd, e.w = z, z
	return e, nil
}

func (e *jsonEncoder) record(r *Record) error {
	b, err := r.appendJSON(e.buf, e.layout.schema)
	return e.line(b, err)
}

func (e *jsonEncoder) reject(x *Reject) error {
	b, err := appendRejectJSON(e.buf, x, e.layout.schema)
	return e.line(b, err)
}

// line takes the buffer back and hands it on when it is large enough.
func (e *jsonEncoder) line(b []byte, err error) error {
	if e.err == nil {
		e.err = err
	}
	e.buf = append(b, '\n')
	if len(e.buf) >= 256<<10 {
		e.flush()
	}
	return e.err
}

func (e *jsonEncoder) flush() {
	if e.err != nil {
		return
	}
	n, err := e.w.Write(e.buf)
	if err == nil && n < len(e.buf) {
		err = io.ErrShortWrite
	}
	e.buf, e.err = e.buf[:0], err
	if cap(e.buf) > 4<<20 {
		e.buf = nil // one long record must not hold its memory for the rest of the file
	}
}

func (e *jsonEncoder) close() error {
	e.flush()
	if e.zstd != nil {
		if err := e.zstd.Close(); e.err == nil {
			e.err = err
		}
	}
	if e.err != nil {
		return e.err
	}
	e.err = errClosed
	return nil
}
