package schemas

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Clean replaces every run of bytes that is not UTF-8 by U+FFFD in the content and user columns of r, and returns how many
// strings it repaired. It is for the owner of a fresh record, before it is yielded: values shared with other records are
// replaced, not edited.
//
//	Clean({Text: "caf\xe9"}) = 1, Text is now "caf\ufffd"
func (s *Schema) Clean(r *Record) (repaired int) {
	c := cleaner{}
	c.fix(&r.Text)
	c.fix(&r.Origin.Source)
	if slices.ContainsFunc(r.Labels, invalid) {
		r.Labels = slices.Clone(r.Labels)
		for i := range r.Labels {
			c.fix(&r.Labels[i])
		}
	}
	for _, list := range []*[]Message{&r.Messages, &r.Prompt, &r.Chosen, &r.Rejected} {
		if slices.ContainsFunc(*list, func(m Message) bool { return m.eachString(refuseInvalid) != nil }) {
			*list = c.messages(*list)
		}
	}
	r.Columns, _ = c.value(r.Columns).(map[string]any)
	return c.repaired
}

func invalid(s string) bool { return !utf8.ValidString(s) }

func refuseInvalid(field, v string) error {
	if invalid(v) {
		return fmt.Errorf("%s: the text is not valid UTF-8", field)
	}
	return nil
}

type cleaner struct{ repaired int }

func (c *cleaner) fix(p *string) {
	if invalid(*p) {
		*p = strings.ToValidUTF8(*p, "\ufffd")
		c.repaired++
	}
}

func (c *cleaner) messages(ms []Message) []Message {
	ms = slices.Clone(ms)
	for i := range ms {
		m := &ms[i]
		for _, p := range []*string{&m.Role, &m.Content, &m.Name, &m.ToolCallID} {
			c.fix(p)
		}
		m.ToolCalls = slices.Clone(m.ToolCalls)
		for j := range m.ToolCalls {
			t := &m.ToolCalls[j]
			for _, p := range []*string{&t.ID, &t.Name, &t.Arguments} {
				c.fix(p)
			}
		}
	}
	return ms
}

// value returns v, or a repaired copy.
func (c *cleaner) value(v any) any {
	switch x := v.(type) {
	case string:
		if invalid(x) {
			c.fix(&x)
			return x
		}
	case []any:
		copied := false
		for i, e := range x {
			before := c.repaired
			f := c.value(e)
			if c.repaired == before {
				continue
			}
			if !copied {
				x, copied = slices.Clone(x), true
			}
			x[i] = f
		}
		return x
	case map[string]any:
		var repaired map[string]any
		for k, e := range x {
			before := c.repaired
			f := c.value(e)
			if c.repaired == before {
				continue
			}
			if repaired == nil {
				repaired = maps.Clone(x)
			}
			repaired[k] = f
		}
		if repaired != nil {
			return repaired
		}
	}
	return v
}

// checkStrings reports the first string outside the user columns that is not valid UTF-8, with its path.
func (r *Record) checkStrings() error {
	if err := refuseInvalid(colText, r.Text); err != nil {
		return err
	}
	for _, l := range r.Labels {
		if err := refuseInvalid(colLabel, l); err != nil {
			return err
		}
	}
	for _, list := range [...]struct {
		name string
		ms   []Message
	}{{colMessages, r.Messages}, {colPrompt, r.Prompt}, {colChosen, r.Chosen}, {colRejected, r.Rejected}} {
		for i := range list.ms {
			if err := list.ms[i].eachString(refuseInvalid); err != nil {
				return fmt.Errorf("%s[%d].%w", list.name, i, err)
			}
		}
	}
	o := &r.Origin
	for _, p := range [...]struct{ field, v string }{
		{"source", o.Source}, {"stage", o.Stage}, {"model", o.Model}, {"template", o.Template}, {"answer", o.Answer},
	} {
		if err := refuseInvalid(p.field, p.v); err != nil {
			return fmt.Errorf("origin.%w", err)
		}
	}
	return nil
}

// eachString calls f for every string of m until f fails.
func (m *Message) eachString(f func(field, v string) error) error {
	for _, p := range [...]struct{ field, v string }{
		{"role", m.Role}, {"content", m.Content}, {"name", m.Name}, {"tool_call_id", m.ToolCallID},
	} {
		if err := f(p.field, p.v); err != nil {
			return err
		}
	}
	for j := range m.ToolCalls {
		c := &m.ToolCalls[j]
		for _, p := range [...]struct{ field, v string }{{"id", c.ID}, {"name", c.Name}, {"arguments", c.Arguments}} {
			if err := f(p.field, p.v); err != nil {
				return fmt.Errorf("tool_calls[%d].%w", j, err)
			}
		}
	}
	return nil
}
