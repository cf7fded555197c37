package pipeline

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"sluice/schemas"
)

// messages reads a conversation: a list of {role, content, …} as chat APIs have it, or of ShareGPT's {from, value}.
// A transcript ("\n\nHuman: …\n\nAssistant: …") is split into its turns; other text becomes one message of role asText, where that is
// not empty. A cell of CSV may hold a list as JSON. The fault names the element.
func (m *mapper) messages(column string, v any, asText string) ([]schemas.Message, *fault) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case string:
		if turns := transcript(x); turns != nil {
			return turns, nil
		}
		if m.parse && strings.HasPrefix(strings.TrimSpace(x), "[") {
			if list, err := schemas.ParseJSON([]byte(x)); err == nil {
				return m.messages(column, list, asText)
			}
		}
		if asText != "" {
			if strings.TrimSpace(x) == "" {
				return nil, nil
			}
			return []schemas.Message{{Role: asText, Content: x}}, nil
		}
	case []any:
		ms := make([]schemas.Message, 0, len(x))
		for i, e := range x {
			turn, ok := e.(map[string]any)
			if !ok {
				return nil, faultf("bad_messages", "column %s[%d]: want a message, got %s", column, i, value(e))
			}
			msg, err := m.message(turn)
			if err != nil {
				return nil, faultf("bad_messages", "column %s[%d]: %v", column, i, err)
			}
			ms = append(ms, msg)
		}
		return ms, nil
	}
	return nil, faultf("wrong_type", "column %s: want a list of messages, got %s", column, value(v))
}

// The marks of a transcript, as Anthropic's preference data (hh-rlhf) has them.
const (
	humanMark     = "\n\nHuman:"
	assistantMark = "\n\nAssistant:"
)

// transcript splits a transcript into its turns; nil: the text is none.
func transcript(s string) []schemas.Message {
	if !strings.HasPrefix(s, humanMark) {
		return nil
	}
	var turns []schemas.Message
	for s != "" {
		role, mark := "user", humanMark
		if strings.HasPrefix(s, assistantMark) {
			role, mark = "assistant", assistantMark
		}
		s = s[len(mark):]
		end := len(s)
		for _, next := range []string{humanMark, assistantMark} {
			if i := strings.Index(s, next); i >= 0 {
				end = min(end, i)
			}
		}
		turns = append(turns, schemas.Message{Role: role, Content: strings.TrimSpace(s[:end])})
		s = s[end:]
	}
	return turns
}

// message reads one turn.
func (m *mapper) message(turn map[string]any) (msg schemas.Message, err error) {
	for _, key := range sortedKeys(turn) {
		v := turn[key]
		switch key {
		case "role", "from":
			msg.Role, err = role(v)
		case "content", "value":
			msg.Content, err = spoken(v)
		case "name":
			msg.Name, err = plainText(v)
		case "tool_call_id":
			msg.ToolCallID, err = plainText(v)
		case "tool_calls":
			msg.ToolCalls, err = toolCalls(v)
		default:
			if !m.drop && !nothing(v) {
				return msg, fmt.Errorf("unknown field %s (`extra: drop` leaves such fields out)", key)
			}
		}
		if err != nil {
			return msg, fmt.Errorf("%s: %w", key, err)
		}
	}
	if msg.Role == "" {
		return msg, fmt.Errorf("it has no role")
	}
	return msg, nil
}

// roles maps the names in use to those of a record.
var roles = map[string]string{
	"system": "system", "user": "user", "assistant": "assistant", "tool": "tool",
	"developer": "system", "function": "tool", // older and newer names of the OpenAI API
	"human": "user", "gpt": "assistant", "function_response": "tool", "observation": "tool", // ShareGPT and its kin
}

func role(v any) (string, error) {
	s, err := plainText(v)
	if err != nil {
		return "", err
	}
	r, ok := roles[strings.ToLower(s)]
	if !ok {
		return "", fmt.Errorf("%s is none of system, user, assistant, tool", excerpt(s))
	}
	return r, nil
}

func plainText(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	}
	return "", fmt.Errorf("want text, got %s", value(v))
}

// spoken reads content: text, null beside tool calls, or a list of parts of type text.
func spoken(v any) (string, error) {
	parts, ok := v.([]any)
	if !ok {
		return plainText(v)
	}
	var b strings.Builder
	for _, p := range parts {
		part, ok := p.(map[string]any)
		if kind, _ := part["type"].(string); !ok || kind != "text" {
			return "", fmt.Errorf("only parts of type text can be kept, got %s", value(p))
		}
		s, err := plainText(part["text"])
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// toolCalls reads calls as the OpenAI API has them ({id, function: {name, arguments}}) or flat ({id, name, arguments}).
// Arguments that are not text already are written as JSON.
func toolCalls(v any) ([]schemas.ToolCall, error) {
	list, ok := v.([]any)
	if !ok {
		if nothing(v) {
			return nil, nil
		}
		return nil, fmt.Errorf("want a list of calls, got %s", value(v))
	}
	calls := make([]schemas.ToolCall, 0, len(list))
	for _, e := range list {
		call, ok := e.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("want a call, got %s", value(e))
		}
		inner := call
		if f, ok := call["function"].(map[string]any); ok {
			inner = f
		}
		var c schemas.ToolCall
		var err error
		if c.ID, err = plainText(call["id"]); err != nil {
			return nil, fmt.Errorf("id: %w", err)
		}
		if c.Name, err = plainText(inner["name"]); err != nil {
			return nil, fmt.Errorf("name: %w", err)
		}
		if c.Name == "" {
			return nil, fmt.Errorf("a call has no name")
		}
		switch x := inner["arguments"].(type) {
		case string:
			c.Arguments = x
		case nil:
		default:
			b, err := json.Marshal(x)
			if err != nil {
				return nil, fmt.Errorf("arguments: %w", err)
			}
			c.Arguments = string(b)
		}
		calls = append(calls, c)
	}
	if len(calls) == 0 {
		return nil, nil
	}
	return calls, nil
}

// preference fills in prompt, chosen and rejected. Text is one message: the prompt of the user, the answers of the
// assistant. Where both answers repeat the prompt, or begin alike without one, the common turns are the prompt.
func (m *mapper) preference(values map[string]any, r *schemas.Record) (f *fault) {
	if r.Prompt, f = m.messages(m.from.Prompt, values[m.from.Prompt], "user"); f != nil {
		return f
	}
	if r.Chosen, f = m.messages(m.from.Chosen, values[m.from.Chosen], "assistant"); f != nil {
		return f
	}
	if r.Rejected, f = m.messages(m.from.Rejected, values[m.from.Rejected], "assistant"); f != nil {
		return f
	}
	n := 0
	for n < min(len(r.Chosen), len(r.Rejected))-1 && reflect.DeepEqual(r.Chosen[n], r.Rejected[n]) {
		n++
	}
	if common := r.Chosen[:n]; n > 0 && (len(r.Prompt) == 0 || reflect.DeepEqual(common, r.Prompt)) {
		r.Prompt, r.Chosen, r.Rejected = common, r.Chosen[n:], r.Rejected[n:]
	}
	switch {
	case len(r.Chosen) == 0:
		return faultf("missing_messages", "column %s has no answer", m.from.Chosen)
	case len(r.Rejected) == 0:
		return faultf("missing_messages", "column %s has no answer", m.from.Rejected)
	}
	return nil
}
