package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"sluice/pipeline/prompt"
)

// A Turn is what one side said in a conversation.
type Turn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
	Name    string `json:"name,omitempty"`
}

// ErrNoTemplate is a model that was taught no conversations.
var ErrNoTemplate = errors.New("the model has no chat template")

// ReadTurns reads a conversation: [{"role": "user", "content": "…"}, …], or an object with it under messages.
func ReadTurns(r io.Reader) ([]Turn, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var turns []Turn
	if err := json.Unmarshal(b, &turns); err != nil {
		var row struct {
			Messages []Turn `json:"messages"`
		}
		if json.Unmarshal(b, &row) != nil || row.Messages == nil {
			return nil, fmt.Errorf("no conversation: %w", err)
		}
		turns = row.Messages
	}
	for i, t := range turns {
		if t.Role == "" {
			return nil, fmt.Errorf("message %d has no role", i+1)
		}
	}
	if len(turns) == 0 {
		return nil, errors.New("a conversation without messages")
	}
	return turns, nil
}

// Chat writes a conversation as the model's chat template does, up to where its answer begins. Templates that ask for the
// date get the first day of 1970: equal conversations are equal prompts.
func (m *Model) Chat(turns []Turn) (string, error) {
	source := m.Tokenizer.ChatTemplate()
	if source == "" {
		return "", fmt.Errorf("%s: %w", m.Path, ErrNoTemplate)
	}
	t, err := prompt.ParseChat("chat template of "+m.Path, source, time.Unix(0, 0).UTC())
	if err != nil {
		return "", err
	}
	var messages []any
	for _, turn := range turns {
		message := prompt.Map{{Key: "role", Value: turn.Role}, {Key: "content", Value: turn.Content}}
		if turn.Name != "" {
			message = append(message, prompt.Pair{Key: "name", Value: turn.Name})
		}
		messages = append(messages, message)
	}
	s := m.Tokenizer.Special()
	return t.Render(map[string]any{"messages": messages, "add_generation_prompt": true,
		"bos_token": m.Tokenizer.Token(s.BOS), "eos_token": m.Tokenizer.Token(s.EOS),
		"unk_token": m.Tokenizer.Token(s.UNK), "pad_token": m.Tokenizer.Token(s.PAD)})
}
