package rows

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sluice/schemas"
)

// An Object appends the members of one JSON object in the order of the calls: Open, members, Close. Strings are UTF-8, as records
// have them. A float always has a point or an exponent, so that every reader takes it for one.
type Object struct {
	B     []byte
	comma bool
}

// Open begins an object in what B has room for.
func (o *Object) Open() { o.B, o.comma = append(o.B[:0], '{'), false }

// Close ends the object with a line feed.
func (o *Object) Close() []byte {
	o.B = append(o.B, "}\n"...)
	return o.B
}

func (o *Object) key(name string) {
	if o.comma {
		o.B = append(o.B, ',')
	}
	o.comma = true
	o.B = append(appendString(o.B, name), ':')
}

// Value appends a member with what a [Column] gives.
func (o *Object) Value(name string, v any) {
	o.key(name)
	o.B = AppendValue(o.B, v)
}

// AppendValue appends the JSON of a column's value: members of a struct by name.
func AppendValue(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, x)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case float64:
		return appendFloat(b, x)
	case bool:
		return strconv.AppendBool(b, x)
	case []any:
		b = append(b, '[')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendValue(b, e)
		}
		return append(b, ']')
	case map[string]any:
		var o Object
		o.Open()
		for _, k := range slices.Sorted(maps.Keys(x)) {
			o.Value(k, x[k])
		}
		return append(append(b, o.B...), '}')
	case []schemas.Message:
		return appendMessages(b, x)
	}
	panic(fmt.Sprintf("rows: %T is no value of a column", v))
}

// appendMessages appends turns in the form of the OpenAI protocol, which chat templates read as well. A turn that only
// calls tools has no content.
func appendMessages(b []byte, ms []schemas.Message) []byte {
	b = append(b, '[')
	for i := range ms {
		m := &ms[i]
		if i > 0 {
			b = append(b, ',')
		}
		var o Object
		o.Open()
		o.Value("role", m.Role)
		if m.Content != "" || len(m.ToolCalls) == 0 {
			o.Value("content", m.Content)
		}
		if m.Name != "" {
			o.Value("name", m.Name)
		}
		if len(m.ToolCalls) > 0 {
			calls := make([]any, len(m.ToolCalls))
			for j, c := range m.ToolCalls {
				call := map[string]any{"type": "function", "function": map[string]any{"name": c.Name, "arguments": c.Arguments}}
				if c.ID != "" {
					call["id"] = c.ID
				}
				calls[j] = call
			}
			o.Value("tool_calls", calls)
		}
		if m.ToolCallID != "" {
			o.Value("tool_call_id", m.ToolCallID)
		}
		b = append(append(b, o.B...), '}')
	}
	return append(b, ']')
}

func appendFloat(b []byte, f float64) []byte {
	at := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	if !strings.ContainsAny(string(b[at:]), ".e") {
		b = append(b, ".0"...)
	}
	return b
}

// appendString quotes s and leaves every character as it is that JSON lets stand.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	return append(append(b, s[from:]...), '"')
}
