package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Special holds the ids of the tokens with a part to play; -1 where a tokenizer has none.
type Special struct{ BOS, EOS, PAD, UNK, MASK, CLS, SEP int32 }

// Special returns the special tokens as the files beside the tokenizer name them, else as the template and the usual
// names tell.
func (t *Tokenizer) Special() Special { return t.special }

// ChatTemplate returns the Jinja template of the model's chat format, "" when there is none. Rendering is its user's
// business: package sluice/pipeline/prompt knows Jinja.
func (t *Tokenizer) ChatTemplate() string { return t.chat }

// findSpecial knows the usual names. A name counts when it is a token of the vocabulary.
func (t *Tokenizer) findSpecial() Special {
	first := func(names ...string) int32 {
		for _, n := range names {
			if id, ok := t.TokenID(n); ok {
				return id
			}
		}
		return -1
	}
	s := Special{
		BOS:  first("<s>", "<|begin_of_text|>", "<bos>", "[BOS]", "<|im_start|>", "<|startoftext|>", "<|endoftext|>"),
		EOS:  first("</s>", "<|end_of_text|>", "<eos>", "[EOS]", "<|im_end|>", "<|endoftext|>"),
		PAD:  first("<pad>", "[PAD]", "<|pad|>"),
		UNK:  first("<unk>", "[UNK]"),
		MASK: first("<mask>", "[MASK]"),
		CLS:  first("[CLS]"),
		SEP:  first("[SEP]"),
	}
	switch m := t.model.(type) {
	case *bpe:
		if m.unk >= 0 {
			s.UNK = m.unk
		}
	case *wordPiece:
		s.UNK = m.unk
	case *unigram:
		if m.unk >= 0 {
			s.UNK = m.unk
		}
	}
	if t.post.cls >= 0 {
		s.CLS, s.SEP = t.post.cls, t.post.sep
	}
	return s
}

// readCompanions reads what lies beside tokenizer.json in a model's folder.
func (t *Tokenizer) readCompanions(dir string) error {
	for _, name := range []string{"special_tokens_map.json", "tokenizer_config.json"} {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = t.configure(data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "chat_template.jinja"))
	if err == nil {
		t.chat = string(data)
	} else if !os.IsNotExist(err) {
		return err
	}
	return nil
}

// configure takes over the names and the template of a tokenizer_config.json. A name that is no token of the
// vocabulary changes nothing.
func (t *Tokenizer) configure(data []byte) error {
	var fields map[string]json.RawMessage
	if err := decodeAt(data, "", &fields); err != nil {
		return err
	}
	take := func(name string, id *int32) {
		if content, ok := tokenName(fields[name]); ok {
			if found, ok := t.TokenID(content); ok {
				*id = found
			}
		}
	}
	take("bos_token", &t.special.BOS)
	take("eos_token", &t.special.EOS)
	take("pad_token", &t.special.PAD)
	take("unk_token", &t.special.UNK)
	take("mask_token", &t.special.MASK)
	take("cls_token", &t.special.CLS)
	take("sep_token", &t.special.SEP)
	if c := fields["chat_template"]; !absent(c) {
		return t.configureChat(c)
	}
	return nil
}

// tokenName reads "x" or {"content": "x"}.
func tokenName(raw json.RawMessage) (string, bool) {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return name, name != ""
	}
	var token AddedToken
	if json.Unmarshal(raw, &token) != nil {
		return "", false
	}
	return token.Content, token.Content != ""
}

// configureChat reads a template, or a list of named ones of which it takes "default", else the first.
func (t *Tokenizer) configureChat(raw json.RawMessage) error {
	if json.Unmarshal(raw, &t.chat) == nil {
		return nil
	}
	var list []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := decodeAt(raw, "chat_template", &list); err != nil {
		return err
	}
	for i, c := range list {
		if i == 0 || c.Name == "default" {
			t.chat = c.Template
		}
	}
	return nil
}
