package schemas

import "fmt"

// A taker hands out the values of rows in the order in which a putter received them. Damage is
// remembered by the taker and asked for after each row, so that reading one is free of error checks.
type taker interface {
	null(n *node) bool // whether n is null; if so the taker moves past it
	str(n *node) string
	integer(n *node) int64
	float(n *node) float64
	boolean(n *node) bool
	group(n *node)            // enters a struct that is not null
	list(n *node)             // enters a list that is not null
	more(n *node, i int) bool // whether the list has an element i, and moves to it
}

// take reads a record.
func (l *layout) take(t taker) (*Record, error) {
	r := new(Record)
	var err error
	if r.ID, err = takeID(t, l.id); err != nil {
		return nil, err
	}
	if l.text != nil {
		r.Text = takeWord(t, l.text)
	}
	if l.label != nil {
		if s := takeWord(t, l.label); s != "" {
			r.Labels = []string{s}
		}
	}
	if l.labels != nil {
		r.Labels = takeWords(t, l.labels)
	}
	if l.messages != nil {
		r.Messages = takeMessages(t, l.messages)
	}
	if l.prompt != nil {
		r.Prompt = takeMessages(t, l.prompt)
		r.Chosen = takeMessages(t, l.chosen)
		r.Rejected = takeMessages(t, l.rejected)
	}
	for _, n := range l.user {
		if v := takeValue(t, n); v != nil {
			if r.Columns == nil {
				r.Columns = make(map[string]any, len(l.user))
			}
			r.Columns[n.name] = v
		}
	}
	if l.scores != nil {
		r.Scores = takeScores(t, l.scores)
	}
	if err := takeOrigin(t, l.origin, &r.Origin); err != nil {
		return nil, fmt.Errorf("record %s: %w", r.ID, err)
	}
	return r, nil
}

// takeReject reads what [layout.putReject] wrote.
func (l *layout) takeReject(t taker) (Reject, error) {
	r, err := l.take(t)
	if err != nil {
		return Reject{}, err
	}
	x := Reject{
		Record: r, Stage: takeWord(t, l.reject[0]), Reason: takeWord(t, l.reject[1]), Reasons: takeWords(t, l.reject[2]),
		Failed: !t.null(l.reject[3]) && t.boolean(l.reject[3]), Detail: takeWord(t, l.reject[4]),
	}
	if !t.null(l.reject[5]) {
		if x.Owner, err = ParseID(t.str(l.reject[5])); err != nil {
			return Reject{}, fmt.Errorf("record %s: reject_owner: %w", r.ID, err)
		}
	}
	if !t.null(l.reject[6]) {
		x.Score = t.float(l.reject[6])
	}
	return x, nil
}

func takeID(t taker, n *node) (ID, error) {
	if t.null(n) {
		return ID{}, fmt.Errorf("column %s is null", n.name)
	}
	return ParseID(t.str(n))
}

func takeWord(t taker, n *node) string {
	if t.null(n) {
		return ""
	}
	return t.str(n)
}

func takeInt(t taker, n *node) int64 {
	if t.null(n) {
		return 0
	}
	return t.integer(n)
}

func takeWords(t taker, n *node) []string {
	if t.null(n) {
		return nil
	}
	var ss []string
	t.list(n)
	for i := 0; t.more(n, i); i++ {
		ss = append(ss, takeWord(t, n.elem()))
	}
	return ss
}

func takeMessages(t taker, n *node) []Message {
	if t.null(n) {
		return nil
	}
	var ms []Message
	e := n.elem()
	t.list(n)
	for i := 0; t.more(n, i); i++ {
		var m Message
		if !t.null(e) {
			t.group(e)
			m.Role = takeWord(t, e.parts[0])
			m.Content = takeWord(t, e.parts[1])
			m.Name = takeWord(t, e.parts[2])
			m.ToolCalls = takeCalls(t, e.parts[3])
			m.ToolCallID = takeWord(t, e.parts[4])
		}
		ms = append(ms, m)
	}
	return ms
}

func takeCalls(t taker, n *node) []ToolCall {
	if t.null(n) {
		return nil
	}
	var cs []ToolCall
	e := n.elem()
	t.list(n)
	for i := 0; t.more(n, i); i++ {
		var c ToolCall
		if !t.null(e) {
			t.group(e)
			c.ID, c.Name, c.Arguments = takeWord(t, e.parts[0]), takeWord(t, e.parts[1]), takeWord(t, e.parts[2])
		}
		cs = append(cs, c)
	}
	return cs
}

func takeScores(t taker, n *node) map[string]float64 {
	if t.null(n) {
		return nil
	}
	var scores map[string]float64
	t.group(n)
	for _, f := range n.parts {
		if t.null(f) {
			continue
		}
		if scores == nil {
			scores = make(map[string]float64, len(n.parts))
		}
		scores[f.name] = t.float(f)
	}
	return scores
}

func takeOrigin(t taker, n *node, o *Origin) error {
	if t.null(n) {
		return nil
	}
	f := n.parts
	t.group(n)
	o.Source = takeWord(t, f[0])
	o.Row = takeInt(t, f[1])
	o.Depth = int(takeInt(t, f[2]))
	o.Round = int(takeInt(t, f[3]))
	if !t.null(f[4]) {
		t.list(f[4])
		for i := 0; t.more(f[4], i); i++ {
			id, err := takeID(t, f[4].elem())
			if err != nil {
				return fmt.Errorf("origin.parents: %w", err)
			}
			o.Parents = append(o.Parents, id)
		}
	}
	o.Stage = takeWord(t, f[5])
	o.Model = takeWord(t, f[6])
	o.Template = takeWord(t, f[7])
	o.Answer = takeWord(t, f[8])
	o.Cost = takeInt(t, f[9])
	o.PromptTokens = takeInt(t, f[10])
	o.CompletionTokens = takeInt(t, f[11])
	o.Estimated = !t.null(f[12]) && t.boolean(f[12])
	return nil
}

// takeValue reads a column of any type: nil, string, int64, float64, bool, []any or map[string]any. A
// field that is null is kept with a nil value: the struct has it.
func takeValue(t taker, n *node) any {
	if t.null(n) {
		return nil
	}
	switch n.kind {
	case String:
		return t.str(n)
	case Int:
		return t.integer(n)
	case Float:
		return t.float(n)
	case Bool:
		return t.boolean(n)
	case List:
		vs := []any{}
		t.list(n)
		for i := 0; t.more(n, i); i++ {
			vs = append(vs, takeValue(t, n.elem()))
		}
		return vs
	}
	m := make(map[string]any, len(n.parts))
	t.group(n)
	for _, f := range n.parts {
		m[f.name] = takeValue(t, f)
	}
	return m
}
