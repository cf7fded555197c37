package schemas

import "encoding/hex"

// A putter receives the values of rows, column by column and depth first. What it is given has been
// checked: a putter does not fail on a value. Parquet and Arrow each have one.
type putter interface {
	null(n *node) // n and all below it
	str(n *node, v string)
	integer(n *node, v int64)
	float(n *node, v float64)
	boolean(n *node, v bool)
	group(n *node)            // a struct that is not null; its fields follow
	list(n *node, length int) // a list that is not null; length elements follow, each after next
	next(n *node, i int)      // element i of the list comes
	end(n *node)              // the list is complete
	ident(n *node, id ID)     // 32 hexadecimal digits
}

// put writes r to p. It must have passed [Schema.CheckRecord].
func (l *layout) put(p putter, r *Record) {
	p.ident(l.id, r.ID)
	switch l.schema.Kind {
	case Text:
		p.str(l.text, r.Text)
	case Labeled:
		p.str(l.text, r.Text)
		putWord(p, l.label, r.Label())
	case Multi:
		p.str(l.text, r.Text)
		putWords(p, l.labels, r.Labels)
	case Chat:
		putMessages(p, l.messages, r.Messages)
	case Preference:
		putMessages(p, l.prompt, r.Prompt)
		putMessages(p, l.chosen, r.Chosen)
		putMessages(p, l.rejected, r.Rejected)
	}
	for _, n := range l.user {
		putValue(p, n, r.Columns[n.name])
	}
	if l.scores != nil {
		putScores(p, l.scores, r.Scores)
	}
	putOrigin(p, l.origin, &r.Origin)
}

// putReject writes what [layout.put] does, and why the record left.
func (l *layout) putReject(p putter, x *Reject) {
	l.put(p, x.Record)
	putWord(p, l.reject[0], x.Stage)
	putWord(p, l.reject[1], x.Reason)
	putWords(p, l.reject[2], x.Reasons)
	p.boolean(l.reject[3], x.Failed)
	putWord(p, l.reject[4], x.Detail)
	if x.Owner.IsZero() {
		p.null(l.reject[5])
	} else {
		p.ident(l.reject[5], x.Owner)
	}
	if x.Owner.IsZero() && x.Score == 0 {
		p.null(l.reject[6])
	} else {
		p.float(l.reject[6], x.Score)
	}
}

// appendHex appends what [ID.String] returns.
func appendHex(b []byte, id ID) []byte { return hex.AppendEncode(b, id[:]) }

// putWord writes a string whose absence is "".
func putWord(p putter, n *node, s string) {
	if s == "" {
		p.null(n)
		return
	}
	p.str(n, s)
}

// putWords writes a list whose absence is the empty one.
func putWords(p putter, n *node, ss []string) {
	if len(ss) == 0 {
		p.null(n)
		return
	}
	p.list(n, len(ss))
	for i, s := range ss {
		p.next(n, i)
		p.str(n.elem(), s)
	}
	p.end(n)
}

func putMessages(p putter, n *node, ms []Message) {
	if len(ms) == 0 {
		p.null(n)
		return
	}
	e := n.elem()
	p.list(n, len(ms))
	for i := range ms {
		m := &ms[i]
		p.next(n, i)
		p.group(e)
		p.str(e.parts[0], m.Role)
		p.str(e.parts[1], m.Content) // never null: chat templates call string methods on it
		putWord(p, e.parts[2], m.Name)
		putCalls(p, e.parts[3], m.ToolCalls)
		putWord(p, e.parts[4], m.ToolCallID)
	}
	p.end(n)
}

func putCalls(p putter, n *node, cs []ToolCall) {
	if len(cs) == 0 {
		p.null(n)
		return
	}
	e := n.elem()
	p.list(n, len(cs))
	for i := range cs {
		p.next(n, i)
		p.group(e)
		putWord(p, e.parts[0], cs[i].ID)
		p.str(e.parts[1], cs[i].Name)
		p.str(e.parts[2], cs[i].Arguments)
	}
	p.end(n)
}

func putScores(p putter, n *node, scores map[string]float64) {
	if len(scores) == 0 {
		p.null(n)
		return
	}
	p.group(n)
	for _, f := range n.parts {
		if v, ok := scores[f.name]; ok {
			p.float(f, v)
		} else {
			p.null(f)
		}
	}
}

func putOrigin(p putter, n *node, o *Origin) {
	f := n.parts
	p.group(n)
	putWord(p, f[0], o.Source)
	p.integer(f[1], o.Row)
	p.integer(f[2], int64(o.Depth))
	p.integer(f[3], int64(o.Round))
	if len(o.Parents) == 0 {
		p.null(f[4])
	} else {
		p.list(f[4], len(o.Parents))
		for i, id := range o.Parents {
			p.next(f[4], i)
			p.ident(f[4].elem(), id)
		}
		p.end(f[4])
	}
	putWord(p, f[5], o.Stage)
	putWord(p, f[6], o.Model)
	putWord(p, f[7], o.Template)
	putWord(p, f[8], o.Answer)
	p.integer(f[9], o.Cost)
	p.integer(f[10], o.PromptTokens)
	p.integer(f[11], o.CompletionTokens)
	p.boolean(f[12], o.Estimated)
}

// putValue writes the value of a user column, which has passed [Type.Check].
func putValue(p putter, n *node, v any) {
	switch x := v.(type) {
	case nil:
		p.null(n)
	case string:
		p.str(n, x)
	case int64:
		p.integer(n, x)
	case float64:
		p.float(n, x)
	case bool:
		p.boolean(n, x)
	case []any:
		p.list(n, len(x))
		for i, e := range x {
			p.next(n, i)
			putValue(p, n.elem(), e)
		}
		p.end(n)
	case map[string]any:
		p.group(n)
		for _, f := range n.parts {
			putValue(p, f, x[f.name])
		}
	}
}
