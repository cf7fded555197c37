package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// DecodeRecord reads the JSON of [Record.AppendJSON]. With a schema, the keys and types must be those of s, except that a whole
// number will do for a float. Without one (nil), every key that is not sluice's is a user column.
func DecodeRecord(b []byte, s *Schema) (*Record, error) {
	m, err := parseObject(b)
	if err != nil {
		return nil, err
	}
	r, err := recordOf(m, s)
	if err == nil && s != nil {
		err = s.CheckRecord(r)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// decodeReject reads a line of rejects.
func decodeReject(b []byte, s *Schema) (Reject, error) {
	m, err := parseObject(b)
	if err != nil {
		return Reject{}, err
	}
	why := make(map[string]any)
	for k, v := range m {
		if strings.HasPrefix(k, rejectMark) {
			why[k] = v
			delete(m, k)
		}
	}
	r, err := recordOf(m, s)
	if err != nil {
		return Reject{}, err
	}
	d := members{m: why}
	x := Reject{
		Record: r, Stage: d.str("reject_stage"), Reason: d.str("reject_reason"), Reasons: d.strs("reject_reasons"),
		Failed: d.boolean("reject_failed"), Detail: d.str("reject_detail"), Owner: d.id("reject_owner"), Score: d.float("reject_score"),
	}
	return x, d.end()
}

// recordOf builds a record from decoded members, which it uses up.
func recordOf(m map[string]any, s *Schema) (*Record, error) {
	d := members{m: m}
	var columns map[string]any
	if s != nil {
		for _, c := range s.Columns { // first, for a column may bear the name of another kind's content
			if v := d.take(c.Name); v != nil {
				if columns == nil {
					columns = make(map[string]any, len(s.Columns))
				}
				columns[c.Name] = widen(v, c.Type)
			}
		}
	}
	r := &Record{
		ID: d.id(colID), Text: d.str(colText), Labels: d.strs(colLabels), Messages: d.messages(colMessages),
		Prompt: d.messages(colPrompt), Chosen: d.messages(colChosen), Rejected: d.messages(colRejected),
		Columns: columns,
	}
	if l := d.str(colLabel); l != "" {
		r.Labels = append(r.Labels, l)
	}
	if v := typed[map[string]any](&d, colScores, Struct); len(v) > 0 {
		r.Scores = make(map[string]float64, len(v))
		sub := members{m: v, path: colScores + "."}
		for _, name := range sortedKeys(v) {
			r.Scores[name] = sub.float(name)
		}
		d.fail(sub.end())
	}
	if v := typed[map[string]any](&d, colOrigin, Struct); v != nil {
		sub := members{m: v, path: colOrigin + "."}
		r.Origin = sub.origin()
		d.fail(sub.end())
	}
	if s == nil && len(m) > 0 {
		r.Columns, d.m = m, nil
	}
	return r, d.end()
}

// widen turns the whole numbers of a float column into floats: JSON does not tell 3 from 3.0.
func widen(v any, t Type) any {
	switch x := v.(type) {
	case int64:
		if t.Kind == Float {
			return float64(x)
		}
	case []any:
		if t.Kind == List {
			for i := range x {
				x[i] = widen(x[i], *t.Elem)
			}
		}
	case map[string]any:
		if t.Kind == Struct {
			for _, f := range t.Fields {
				if e, ok := x[f.Name]; ok {
					x[f.Name] = widen(e, f.Type)
				}
			}
		}
	}
	return v
}

// members takes the members of a decoded object one by one and remembers the first that is of a wrong
// type. A member that is missing or null reads as zero.
type members struct {
	m    map[string]any
	path string // of the object, ending in a point
	err  error
}

// fail notes err if it is the first.
func (d *members) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// end reports the first error, or a member that no one has taken.
func (d *members) end() error {
	if d.err == nil && len(d.m) > 0 {
		d.err = fmt.Errorf("column %s%s: unknown", d.path, sortedKeys(d.m)[0])
	}
	return d.err
}

func (d *members) take(name string) any {
	v := d.m[name]
	delete(d.m, name)
	return v
}

// typed takes a member of type T.
func typed[T any](d *members, name string, k TypeKind) (x T) {
	v := d.take(name)
	if v == nil {
		return x
	}
	x, ok := v.(T)
	if !ok {
		d.fail(fmt.Errorf("column %s%s: want %s, got %s", d.path, name, k, describe(v)))
	}
	return x
}

func (d *members) str(name string) string   { return typed[string](d, name, String) }
func (d *members) int(name string) int64    { return typed[int64](d, name, Int) }
func (d *members) boolean(name string) bool { return typed[bool](d, name, Bool) }
func (d *members) list(name string) []any   { return typed[[]any](d, name, List) }

func (d *members) float(name string) float64 {
	if n, ok := d.m[name].(int64); ok {
		d.m[name] = float64(n)
	}
	return typed[float64](d, name, Float)
}

func (d *members) id(name string) ID {
	s := d.str(name)
	if s == "" {
		return ID{}
	}
	id, err := ParseID(s)
	if err != nil {
		d.fail(fmt.Errorf("column %s%s: %w", d.path, name, err))
	}
	return id
}

func (d *members) strs(name string) []string {
	vs := d.list(name)
	if len(vs) == 0 {
		return nil
	}
	ss := make([]string, len(vs))
	for i, v := range vs {
		s, ok := v.(string)
		if !ok {
			d.fail(fmt.Errorf("column %s%s[%d]: want string, got %s", d.path, name, i, describe(v)))
		}
		ss[i] = s
	}
	return ss
}

// each decodes the objects of a list.
func (d *members) each(name string, f func(d *members)) {
	for i, v := range d.list(name) {
		m, ok := v.(map[string]any)
		if !ok {
			d.fail(fmt.Errorf("column %s%s[%d]: want struct, got %s", d.path, name, i, describe(v)))
			continue
		}
		sub := members{m: m, path: fmt.Sprintf("%s%s[%d].", d.path, name, i)}
		f(&sub)
		d.fail(sub.end())
	}
}

func (d *members) messages(name string) (ms []Message) {
	d.each(name, func(d *members) {
		m := Message{Role: d.str("role"), Content: d.str("content"), Name: d.str("name"), ToolCallID: d.str("tool_call_id")}
		d.each("tool_calls", func(d *members) {
			m.ToolCalls = append(m.ToolCalls, ToolCall{ID: d.str("id"), Name: d.str("name"), Arguments: d.str("arguments")})
		})
		ms = append(ms, m)
	})
	return slices.Clip(ms)
}

func (d *members) origin() Origin {
	o := Origin{
		Source: d.str("source"), Row: d.int("row"), Depth: int(d.int("depth")), Round: int(d.int("round")),
		Stage: d.str("stage"), Model: d.str("model"), Template: d.str("template"), Answer: d.str("answer"),
		Cost: d.int("cost"), PromptTokens: d.int("prompt_tokens"), CompletionTokens: d.int("completion_tokens"), Estimated: d.boolean("estimated"),
	}
	for i, s := range d.strs("parents") {
		id, err := ParseID(s)
		if err != nil {
			d.fail(fmt.Errorf("column %sparents[%d]: %w", d.path, i, err))
		}
		o.Parents = append(o.Parents, id)
	}
	return o
}
