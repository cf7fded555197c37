package story

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"sluice/pipeline/llm"
	"sluice/schemas"
)

// A Ledger keeps answers by the key of their request.
type Ledger interface {
	Answers(key [32]byte) ([][]byte, error)
}

// An Exchange is a request and what came back. Several answers are those of one request whose first was cut at its limit.
type Exchange struct {
	Key     string
	Request Request
	Answers []*llm.Entry // oldest first
}

// Request is what determined an answer.
type Request struct {
	Model       string          `json:"model"`
	Messages    []llm.Message   `json:"messages"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Temperature *float64        `json:"temperature,omitempty"`
	Attempt     int             `json:"attempt,omitempty"`
}

// Exchanges returns what was asked for the answer with that key, in order: a request that was answered wrongly comes before its
// correction. None at all: the ledger does not have the answer.
func Exchanges(l Ledger, key string) ([]Exchange, error) {
	var all []Exchange
	for key != "" && len(all) < deepest {
		x, before, err := exchange(l, key)
		if err != nil {
			return nil, err
		}
		if x == nil {
			break
		}
		all = append([]Exchange{*x}, all...)
		key = before
	}
	return all, nil
}

// exchange reads one request with its answers; before is the key of the request that it corrects, if it does.
func exchange(l Ledger, key string) (x *Exchange, before string, err error) {
	var k [32]byte
	if n, err := hex.Decode(k[:], []byte(key)); err != nil || n != len(k) {
		return nil, "", fmt.Errorf("%q is no key of an answer", key)
	}
	stored, err := l.Answers(k)
	if err != nil || len(stored) == 0 {
		return nil, "", err
	}
	x = &Exchange{Key: key}
	for _, b := range stored {
		e, err := llm.DecodeEntry(b)
		if err != nil {
			return nil, "", err
		}
		x.Answers = append(x.Answers, e)
	}
	raw := x.Answers[0].Request
	if x.Request, err = readRequest(raw); err != nil {
		return nil, "", fmt.Errorf("request of answer %s: %w", key, err)
	}
	return x, corrected(raw, k), nil
}

// sent is a request as its key was made of it: what is not looked into stays as it is.
type sent struct {
	V           int               `json:"v"`
	Model       string            `json:"model"`
	Messages    []json.RawMessage `json:"messages"`
	Schema      json.RawMessage   `json:"schema,omitempty"`
	Tools       json.RawMessage   `json:"tools,omitempty"`
	Temperature json.RawMessage   `json:"temperature,omitempty"`
	TopP        json.RawMessage   `json:"top_p,omitempty"`
	Stop        json.RawMessage   `json:"stop,omitempty"`
	Seed        json.RawMessage   `json:"seed,omitempty"`
	N           int               `json:"n,omitempty"`
	Logprobs    int               `json:"logprobs,omitempty"`
	Extra       json.RawMessage   `json:"extra,omitempty"`
	Attempt     int               `json:"attempt,omitempty"`
}

// corrected returns the key of the request that this one corrects: the same without its last two turns, one attempt earlier. It
// is "" for a request that corrects none, or whose key is not made in this way.
func corrected(raw []byte, key [32]byte) string {
	var s sent
	if json.Unmarshal(raw, &s) != nil || len(s.Messages) < 3 || s.Attempt < 1 || s.key() != key {
		return ""
	}
	s.Messages = s.Messages[:len(s.Messages)-2]
	s.Attempt--
	k := s.key()
	return hex.EncodeToString(k[:])
}

func (s *sent) key() [32]byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return [32]byte{}
	}
	return sha256.Sum256(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func readRequest(raw []byte) (Request, error) {
	var q struct {
		Request
		Messages []struct {
			Role       string `json:"role"`
			Content    string `json:"content"`
			Name       string `json:"name"`
			ToolCallID string `json:"tool_call_id"`
			ToolCalls  []struct {
				ID        string `json:"id"`
				Name      string `json:"name"`
				Arguments string `json:"arguments"`
			} `json:"tool_calls"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(raw, &q); err != nil {
		return Request{}, err
	}
	for _, m := range q.Messages {
		msg := llm.Message{Role: m.Role, Content: m.Content, Name: m.Name, ToolCallID: m.ToolCallID}
		for _, c := range m.ToolCalls {
			msg.ToolCalls = append(msg.ToolCalls, schemas.ToolCall(c))
		}
		q.Request.Messages = append(q.Request.Messages, msg)
	}
	return q.Request, nil
}
