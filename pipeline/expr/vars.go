package expr

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/types"

	"sluice/schemas"
)

// field is a name that every record has.
type field struct {
	name string
	typ  types.Type
	get  func(r *schemas.Record) any
}

// fields are the names that expressions and templates know of every record.
var fields = []field{
	{"id", types.String, func(r *schemas.Record) any { return r.ID.String() }},
	{"text", types.String, func(r *schemas.Record) any { return r.Content() }},
	{"label", types.String, func(r *schemas.Record) any { return r.Label() }},
	{"labels", types.Array(types.String), func(r *schemas.Record) any { return list(r.Labels) }},
	{"words", types.Int, func(r *schemas.Record) any { return countWords(r.Content()) }},
	{"chars", types.Int, func(r *schemas.Record) any { return utf8.RuneCountInString(r.Content()) }},
	{"messages", types.Array(message), func(r *schemas.Record) any { return turns(r.Messages) }},
	{"prompt", types.Array(message), func(r *schemas.Record) any { return turns(r.Prompt) }},
	{"chosen", types.Array(message), func(r *schemas.Record) any { return turns(r.Chosen) }},
	{"rejected", types.Array(message), func(r *schemas.Record) any { return turns(r.Rejected) }},
	{"origin", origin, func(r *schemas.Record) any { return originOf(&r.Origin) }},
}

var (
	message = types.Map{"role": types.String, "content": types.String, "name": types.String}
	origin  = types.Map{"source": types.String, "row": types.Int64, "depth": types.Int, "round": types.Int, "stage": types.String,
		"model": types.String, "parent": types.String, "cost": types.Int64, "prompt_tokens": types.Int64, "completion_tokens": types.Int64}
)

func originOf(o *schemas.Origin) map[string]any {
	parent := ""
	if len(o.Parents) > 0 {
		parent = o.Parents[0].String()
	}
	return map[string]any{"source": o.Source, "row": o.Row, "depth": o.Depth, "round": o.Round, "stage": o.Stage, "model": o.Model,
		"parent": parent, "cost": o.Cost, "prompt_tokens": o.PromptTokens, "completion_tokens": o.CompletionTokens}
}

func turns(ms []schemas.Message) []any {
	l := make([]any, len(ms))
	for i, m := range ms {
		l[i] = map[string]any{"role": m.Role, "content": m.Content, "name": m.Name}
	}
	return l
}

func list(ss []string) []any {
	l := make([]any, len(ss))
	for i, s := range ss {
		l[i] = s
	}
	return l
}

func countWords(s string) int {
	n := 0
	for range strings.FieldsSeq(s) {
		n++
	}
	return n
}

// Vars returns the fields of a record by the names that expressions and prompt templates use: id, text (of any kind), label,
// labels, words (separated by white space), chars (code points), messages, prompt, chosen, rejected (lists of role, content and name), origin,
// scores, columns, and every user column by its own name unless the name is one of these.
func Vars(r *schemas.Record) map[string]any {
	m := make(map[string]any, len(fields)+2+len(r.Columns))
	for k, v := range r.Columns {
		m[k] = v
	}
	for _, f := range fields {
		m[f.name] = f.get(r)
	}
	m["scores"], m["columns"] = scores(r), columns(r)
	return m
}

// fill is Vars for the names that are read, so that a comparison of labels counts no words.
func fill(r *schemas.Record, names []string) map[string]any {
	m := make(map[string]any, len(names))
	for _, n := range names {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == n })
		switch {
		case i >= 0:
			m[n] = fields[i].get(r)
		case n == "scores":
			m[n] = scores(r)
		case n == "columns":
			m[n] = columns(r)
		default:
			m[n] = r.Columns[n]
		}
	}
	return m
}

// scores is a map of any, so that a score that was never written is null and not 0.
func scores(r *schemas.Record) map[string]any {
	m := make(map[string]any, len(r.Scores))
	for k, v := range r.Scores {
		m[k] = v
	}
	return m
}

func columns(r *schemas.Record) map[string]any {
	if r.Columns == nil {
		return map[string]any{}
	}
	return r.Columns
}

// Known returns the names that [Vars] gives for records of a schema, attributes of origin and scores with a dot, for
// checking templates before they run. ok is false when the schema is unknown: then any name may be a column.
func Known(f Fields) (names []string, ok bool) {
	for _, x := range fields {
		names = append(names, x.name)
	}
	for k := range origin {
		names = append(names, "origin."+k)
	}
	names = append(names, "scores", "columns")
	if f.Schema != nil {
		for _, s := range f.Schema.Scores {
			names = append(names, "scores."+s)
		}
		for _, c := range f.Schema.Columns {
			names = append(names, c.Name)
		}
	}
	for _, c := range f.Extra {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return slices.Compact(names), f.Schema != nil
}

// environment is what the checker knows of types; strict means that no other names exist.
func environment(f Fields) (types.Map, bool) {
	env := types.Map{}
	known := types.Map{types.Extra: types.Any}
	named := types.Map{types.Extra: types.Any}
	if f.Schema != nil {
		if len(f.Schema.Scores) > 0 {
			delete(known, types.Extra)
		}
		for _, s := range f.Schema.Scores {
			known[s] = types.Float64
		}
		for _, c := range f.Schema.Columns {
			env[c.Name] = typeOf(c.Type)
			named[c.Name] = env[c.Name]
		}
	}
	for _, c := range f.Extra {
		env[c.Name] = typeOf(c.Type)
	}
	for _, x := range fields {
		env[x.name] = x.typ
	}
	env["scores"], env["columns"] = known, named
	if f.Schema == nil {
		env[types.Extra] = types.Any
	}
	return env, f.Schema != nil
}
