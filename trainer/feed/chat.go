package feed

import (
	"fmt"
	"strings"
	"time"

	"sluice/pipeline/prompt"
	"sluice/schemas"
	"sluice/trainer/tokenizer"
)

// ChatML is the chat template of tokenizers that have none. Its two marks are special tokens of tokenizers trained for chats.
const ChatML = `{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}` +
	`{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`

// A chat forms conversations by a chat template.
type chat struct {
	tok      *tokenizer.Tokenizer
	template *prompt.Template
	all      bool // every token is a target
}

func newChat(tok *tokenizer.Tokenizer, trainOn string) (*chat, error) {
	source := tok.ChatTemplate()
	if source == "" {
		source = ChatML
	}
	t, err := prompt.ParseChat("chat template", source, time.Unix(0, 0).UTC())
	if err != nil {
		return nil, err
	}
	if trainOn != "assistant" && trainOn != "all" {
		return nil, fmt.Errorf("train_on is assistant or all, not %q", trainOn)
	}
	return &chat{tok, t, trainOn == "all"}, nil
}

// example renders the conversation and marks the tokens of what the assistant said, the mark that ends its turn included. What it said is what the
// template adds when the answer follows the prompt for one.
func (c *chat) example(r *schemas.Record) (x example, err error) {
	ms := r.Messages
	if len(ms) == 0 && len(r.Chosen) > 0 {
		ms = append(append(ms, r.Prompt...), r.Chosen...)
	}
	if len(ms) == 0 {
		return example{skip: reasonEmpty}, nil
	}
	full, err := c.render(ms, false)
	if err != nil {
		return x, err
	}
	var spans []tokenizer.Span
	for i, m := range ms {
		if m.Role != "assistant" || c.all {
			continue
		}
		before, err := c.render(ms[:i], true)
		if err != nil {
			return x, err
		}
		after, err := c.render(ms[:i+1], false)
		if err != nil {
			return x, err
		}
		if !strings.HasPrefix(after, before) || !strings.HasPrefix(full, after) {
			// Templates that rewrite earlier turns, such as dropping their reasoning: find the words themselves.
			at := strings.LastIndex(full[:min(len(full), len(after))], m.Content)
			if at < 0 || m.Content == "" {
				return x, fmt.Errorf("the chat template gives message %d another form inside the conversation: its answer cannot be told from the rest; use `train_on: all`", i)
			}
			spans = append(spans, tokenizer.Span{Start: at, End: at + len(m.Content)})
			continue
		}
		spans = append(spans, tokenizer.Span{Start: len(before), End: len(strings.TrimRight(after, "\n"))})
	}
	e := c.tok.Encode(full, tokenizer.Options{})
	x.ids = e.IDs
	if c.all {
		return x, nil
	}
	if len(spans) == 0 {
		return example{skip: reasonEmpty}, nil
	}
	x.marks = make([]bool, len(e.IDs))
	k := 0
	for i, o := range e.Offsets {
		for k < len(spans) && o.Start >= spans[k].End {
			k++
		}
		x.marks[i] = k < len(spans) && o.End > spans[k].Start && o.Start >= spans[k].Start
	}
	return x, nil
}

func (c *chat) render(ms []schemas.Message, ask bool) (string, error) {
	if len(ms) == 0 && !ask {
		return "", nil
	}
	list := make([]any, len(ms))
	for i, m := range ms {
		list[i] = map[string]any{"role": m.Role, "content": m.Content}
	}
	s := c.tok.Special()
	return c.template.Render(map[string]any{"messages": list, "add_generation_prompt": ask,
		"bos_token": c.token(s.BOS), "eos_token": c.token(s.EOS)})
}

func (c *chat) token(id int32) string {
	if id < 0 {
		return ""
	}
	return c.tok.Token(id)
}
