package export

import (
	"strings"

	"sluice/cmd/internal/rows"
	"sluice/schemas"
)

// turns finds the conversation of a record: its messages, or those made of columns of text.
type turns struct {
	prompt, completion, system *rows.Column // nil: the record has messages
}

func newTurns(o *Options) (*turns, error) {
	t := &turns{}
	all := rows.Columns(o.Schema, false)
	for _, c := range []struct {
		flag, name string
		to         **rows.Column
	}{{"--prompt", o.Prompt, &t.prompt}, {"--completion", o.Completion, &t.completion}, {"--system", o.System, &t.system}} {
		if c.name == "" {
			continue
		}
		found, err := rows.Select(all, []string{c.name})
		if e, ok := err.(*rows.UnknownColumn); ok {
			return nil, unknownColumn(c.flag, e)
		}
		if found[0].Type != string(schemas.String) {
			return nil, usage("", "%s %s: the column holds %s, not texts", c.flag, c.name, found[0].Type)
		}
		*c.to = &found[0]
	}
	return t, nil
}

func unknownColumn(flag string, e *rows.UnknownColumn) error {
	hint := "they have " + strings.Join(e.Has, ", ")
	if e.Near != "" {
		hint = "did you mean " + e.Near + "?"
	}
	return usage(hint, "%s: %w", flag, e)
}

// textColumns proposes columns for a prompt and a completion.
func textColumns(s *schemas.Schema) string {
	var names []string
	for _, c := range s.Columns {
		if c.Type.Kind == schemas.String {
			names = append(names, c.Name)
		}
	}
	if s.Kind == schemas.Labeled {
		names = append(names, "label")
	}
	if len(names) == 0 {
		return "columns that generators/columns makes"
	}
	return "--prompt text --completion " + names[0]
}

// of returns the conversation of r.
func (t *turns) of(r *schemas.Record) ([]schemas.Message, error) {
	if t.prompt == nil {
		return r.Messages, nil
	}
	var ms []schemas.Message
	if t.system != nil {
		if s, _ := t.system.Get(rows.Row{Record: r}).(string); s != "" {
			ms = append(ms, schemas.Message{Role: system, Content: s})
		}
	}
	for _, c := range []struct {
		role string
		col  *rows.Column
	}{{user, t.prompt}, {assistant, t.completion}} {
		s, _ := c.col.Get(rows.Row{Record: r}).(string)
		if s == "" {
			return nil, misfit(r, "its column %s is empty", c.col.Name)
		}
		ms = append(ms, schemas.Message{Role: c.role, Content: s})
	}
	return ms, nil
}

// Roles of turns.
const (
	system    = "system"
	user      = "user"
	assistant = "assistant"
)

// plainTurns refuses what only the chat layout has a place for: calls of tools, their answers, names of speakers, other roles.
func plainTurns(r *schemas.Record, ms []schemas.Message) error {
	for i := range ms {
		m := &ms[i]
		switch {
		case len(m.ToolCalls) > 0 || m.ToolCallID != "" || m.Role == "tool":
			return misfit(r, "turn %d has to do with tools; chat can hold it", i+1)
		case m.Name != "":
			return misfit(r, "turn %d has the speaker's name %q; chat can hold it", i+1, m.Name)
		case m.Role != system && m.Role != user && m.Role != assistant:
			return misfit(r, "turn %d has the role %q", i+1, m.Role)
		}
	}
	return nil
}

// alternating splits off the system's turn and refuses what does not go user, assistant, user, … , assistant.
func alternating(r *schemas.Record, ms []schemas.Message) (first string, rest []schemas.Message, err error) {
	if err := plainTurns(r, ms); err != nil {
		return "", nil, err
	}
	rest = ms
	if len(rest) > 0 && rest[0].Role == system {
		first, rest = rest[0].Content, rest[1:]
	}
	for i, m := range rest {
		want := user
		if i%2 == 1 {
			want = assistant
		}
		if m.Role != want {
			return "", nil, misfit(r, "turn %d is the %s's where the %s's is due", i+1+len(ms)-len(rest), m.Role, want)
		}
	}
	if len(rest) == 0 || len(rest)%2 == 1 {
		return "", nil, misfit(r, "its last turn is not the assistant's: there is nothing to learn")
	}
	return first, rest, nil
}
