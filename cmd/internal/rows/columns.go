package rows

import (
	"fmt"
	"slices"
	"strings"

	"sluice/pipeline/catalog"
	"sluice/schemas"
)

// A Column is one value of each row, by name: id, text, label, labels, messages, prompt, chosen, rejected, a user column, scores,
// scores.NAME, origin.FIELD, and for rejects reject_FIELD.
type Column struct {
	Name string
	Type string        // string, int, float, bool, or what it holds in words
	Flat bool          // one plain value, as a cell of a table can hold it
	Get  func(Row) any // nil, string, int64, float64, bool, []any, map[string]any or []schemas.Message
}

// rejectColumns are what is known of a reject beside its record.
var rejectColumns = []struct {
	name string
	kind schemas.TypeKind
	get  func(*schemas.Reject) any
}{
	{"reject_stage", schemas.String, func(x *schemas.Reject) any { return x.Stage }},
	{"reject_reason", schemas.String, func(x *schemas.Reject) any { return x.Reason }},
	{"reject_detail", schemas.String, func(x *schemas.Reject) any { return word(x.Detail) }},
	{"reject_failed", schemas.Bool, func(x *schemas.Reject) any { return x.Failed }},
	{"reject_owner", schemas.String, func(x *schemas.Reject) any { return idOrNull(x.Owner) }},
	{"reject_score", schemas.Float, func(x *schemas.Reject) any {
		if x.Owner.IsZero() {
			return nil
		}
		return x.Score
	}},
}

// originColumns are the fields of a record's story.
var originColumns = []struct {
	name string
	kind schemas.TypeKind
	get  func(*schemas.Origin) any
}{
	{"source", schemas.String, func(o *schemas.Origin) any { return o.Source }},
	{"row", schemas.Int, func(o *schemas.Origin) any { return o.Row }},
	{"depth", schemas.Int, func(o *schemas.Origin) any { return int64(o.Depth) }},
	{"round", schemas.Int, func(o *schemas.Origin) any { return int64(o.Round) }},
	{"parent", schemas.String, func(o *schemas.Origin) any {
		if len(o.Parents) == 0 {
			return nil
		}
		return o.Parents[0].String()
	}},
	{"stage", schemas.String, func(o *schemas.Origin) any { return word(o.Stage) }},
	{"model", schemas.String, func(o *schemas.Origin) any { return word(o.Model) }},
	{"template", schemas.String, func(o *schemas.Origin) any { return word(o.Template) }},
	{"answer", schemas.String, func(o *schemas.Origin) any { return word(o.Answer) }},
	{"cost", schemas.Int, func(o *schemas.Origin) any { return o.Cost }},
	{"prompt_tokens", schemas.Int, func(o *schemas.Origin) any { return o.PromptTokens }},
	{"completion_tokens", schemas.Int, func(o *schemas.Origin) any { return o.CompletionTokens }},
	{"estimated", schemas.Bool, func(o *schemas.Origin) any { return o.Estimated }},
}

func word(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func idOrNull(id schemas.ID) any {
	if id.IsZero() {
		return nil
	}
	return id.String()
}

// Columns lists every column that rows of s have, in the order of a shard.
func Columns(s *schemas.Schema, rejects bool) []Column {
	cs := []Column{flat("id", schemas.String, func(r Row) any { return r.Record.ID.String() })}
	cs = append(cs, content(s.Kind)...)
	for _, c := range s.Columns {
		get := func(r Row) any { return r.Record.Columns[c.Name] }
		cs = append(cs, Column{c.Name, c.Type.String(), c.Type.Kind != schemas.List && c.Type.Kind != schemas.Struct, get})
	}
	if len(s.Scores) > 0 {
		cs = append(cs, Column{"scores", "scores by name", false, func(r Row) any { return scoresOf(r.Record) }})
	}
	for _, name := range s.Scores {
		cs = append(cs, flat("scores."+name, schemas.Float, func(r Row) any {
			if v, ok := r.Record.Scores[name]; ok {
				return v
			}
			return nil
		}))
	}
	for _, o := range originColumns {
		cs = append(cs, flat("origin."+o.name, o.kind, func(r Row) any { return o.get(&r.Record.Origin) }))
	}
	if rejects {
		for _, x := range rejectColumns {
			cs = append(cs, flat(x.name, x.kind, func(r Row) any { return x.get(r.Reject) }))
		}
	}
	return cs
}

func flat(name string, k schemas.TypeKind, get func(Row) any) Column {
	return Column{name, string(k), true, get}
}

// content are the columns of a kind.
func content(k schemas.Kind) []Column {
	text := flat("text", schemas.String, func(r Row) any { return r.Record.Text })
	turns := func(name string, of func(*schemas.Record) []schemas.Message) Column {
		return Column{name, "messages", false, func(r Row) any { return of(r.Record) }}
	}
	switch k {
	case schemas.Labeled:
		return []Column{text, flat("label", schemas.String, func(r Row) any { return word(r.Record.Label()) })}
	case schemas.Multi:
		return []Column{text, {"labels", "list<string>", false, func(r Row) any { return list(r.Record.Labels) }}}
	case schemas.Chat:
		return []Column{turns("messages", func(r *schemas.Record) []schemas.Message { return r.Messages })}
	case schemas.Preference:
		return []Column{
			turns("prompt", func(r *schemas.Record) []schemas.Message { return r.Prompt }),
			turns("chosen", func(r *schemas.Record) []schemas.Message { return r.Chosen }),
			turns("rejected", func(r *schemas.Record) []schemas.Message { return r.Rejected }),
		}
	}
	return []Column{text}
}

func list(ss []string) any {
	vs := make([]any, len(ss))
	for i, s := range ss {
		vs[i] = s
	}
	return vs
}

func scoresOf(r *schemas.Record) any {
	m := make(map[string]any, len(r.Scores))
	for k, v := range r.Scores {
		m[k] = v
	}
	return m
}

// UnknownColumn is the name of a column that rows do not have.
type UnknownColumn struct {
	Name, Near string // Near is what may have been meant, or ""
	Has        []string
}

func (e *UnknownColumn) Error() string { return fmt.Sprintf("rows have no column %q", e.Name) }

// Select returns the named columns in that order.
func Select(all []Column, names []string) ([]Column, error) {
	var has []string
	for _, c := range all {
		has = append(has, c.Name)
	}
	var cs []Column
	for _, name := range names {
		name = strings.TrimSpace(name)
		i := slices.Index(has, name)
		if i < 0 {
			return nil, &UnknownColumn{name, catalog.Nearest(name, has), has}
		}
		cs = append(cs, all[i])
	}
	return cs, nil
}
