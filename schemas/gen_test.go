package schemas

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// random makes schemas and records of every shape from a seed: empty strings, zeros, nulls at every depth, empty and
// null lists, multi-byte text.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 1))} }

func (r random) schema(kind Kind) *Schema {
	s := &Schema{Kind: kind}
	for i := range r.IntN(5) {
		s.Columns = append(s.Columns, Column{fmt.Sprintf("%c_%d", 'z'-rune(i), r.IntN(100)), r.typ(3)})
	}
	for i := range r.IntN(3) {
		s.Scores = append(s.Scores, fmt.Sprintf("score%d", i))
	}
	return s
}

func (r random) typ(depth int) Type {
	n := 6
	if depth == 0 {
		n = 4
	}
	switch r.IntN(n) {
	case 0:
		return Type{Kind: String}
	case 1:
		return Type{Kind: Int}
	case 2:
		return Type{Kind: Float}
	case 3:
		return Type{Kind: Bool}
	case 4:
		e := r.typ(depth - 1)
		return Type{Kind: List, Elem: &e}
	}
	t := Type{Kind: Struct}
	for i := range 1 + r.IntN(3) {
		t.Fields = append(t.Fields, Column{fmt.Sprintf("%c%d", 'y'-rune(i), i), r.typ(depth - 1)})
	}
	return t
}

func (r random) value(t Type) any {
	if r.IntN(4) == 0 {
		return nil
	}
	switch t.Kind {
	case String:
		return r.text()
	case Int:
		return []int64{0, 1, -1, r.Int64(), -r.Int64()}[r.IntN(5)]
	case Float:
		return []float64{0, 1, -3.5, 1e300, r.NormFloat64()}[r.IntN(5)]
	case Bool:
		return r.IntN(2) == 0
	case List:
		vs := []any{}
		for range r.IntN(4) {
			vs = append(vs, r.value(*t.Elem))
		}
		return vs
	}
	m := make(map[string]any)
	for _, f := range t.Fields {
		m[f.Name] = r.value(f.Type)
	}
	return m
}

func (r random) text() string {
	words := []string{"", "a", "quick", "brown\n", "狐", "\"jumps\"", "über", "\t", "🦊", "x\\y", "0", "\u2028"}
	n := r.IntN(8)
	if r.IntN(50) == 0 {
		n = 3000
	}
	var b strings.Builder
	for range n {
		b.WriteString(words[r.IntN(len(words))])
	}
	return b.String()
}

func (r random) messages(n int) (ms []Message) {
	for range n {
		m := Message{Role: []string{"user", "assistant", "tool"}[r.IntN(3)], Content: r.text()}
		if r.IntN(3) == 0 {
			m.Name, m.ToolCallID = "bob", "call-1"
		}
		for range r.IntN(3) * r.IntN(2) {
			m.ToolCalls = append(m.ToolCalls, ToolCall{ID: "c", Name: "f", Arguments: `{"x": 0}`})
		}
		ms = append(ms, m)
	}
	return ms
}

func (r random) record(s *Schema, row int) *Record {
	x := &Record{ID: SeedID("test", int64(row))}
	switch s.Kind {
	case Text:
		x.Text = r.text()
	case Labeled:
		x.Text, x.Labels = r.text(), []string{fmt.Sprint("label", r.IntN(5))}
	case Multi:
		x.Text = r.text()
		for i := range r.IntN(3) {
			x.Labels = append(x.Labels, fmt.Sprint("label", i))
		}
	case Chat:
		x.Messages = r.messages(1 + r.IntN(4))
	case Preference:
		x.Prompt, x.Chosen, x.Rejected = r.messages(r.IntN(3)), r.messages(1), r.messages(2)
	}
	for _, c := range s.Columns {
		if v := r.value(c.Type); v != nil {
			if x.Columns == nil {
				x.Columns = make(map[string]any)
			}
			x.Columns[c.Name] = v
		}
	}
	for _, name := range s.Scores {
		if r.IntN(2) == 0 {
			if x.Scores == nil {
				x.Scores = make(map[string]float64)
			}
			x.Scores[name] = float64(r.IntN(3))
		}
	}
	x.Origin = Origin{Source: "test", Row: int64(row)}
	if r.IntN(2) == 0 {
		x.Origin.Depth, x.Origin.Round, x.Origin.Stage, x.Origin.Model = 1, r.IntN(3), "generators/x", "m"
		x.Origin.Parents = []ID{SeedID("p", 1), SeedID("p", 2)}[:1+r.IntN(2)]
		x.Origin.Template, x.Origin.Answer = "ab", fmt.Sprint(r.Uint64())
		x.Origin.Cost, x.Origin.PromptTokens, x.Origin.CompletionTokens = r.Int64N(1e12), 12, 0
		x.Origin.Estimated = r.IntN(2) == 0
	}
	return x
}

func (r random) records(s *Schema, n int) []*Record {
	rs := make([]*Record, n)
	for i := range rs {
		rs[i] = r.record(s, i)
	}
	return rs
}

func (r random) rejects(s *Schema, n int) []Reject {
	xs := make([]Reject, n)
	for i := range xs {
		x := Reject{Record: r.record(s, i), Stage: "filters/length", Reason: "too_short"}
		switch r.IntN(3) {
		case 0:
			x.Reasons, x.Detail = []string{"too_short", "no_letters"}, "3 < 5"
		case 1:
			x.Owner, x.Score = SeedID("o", int64(i)), float64(r.IntN(2))
		case 2:
			x.Failed, x.Record = true, &Record{ID: x.Record.ID, Origin: x.Record.Origin} // it has no content
		}
		xs[i] = x
	}
	return xs
}
