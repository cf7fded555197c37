package tokenizer

import (
	"bytes"
	"encoding/json"
)

// A companion is the part of tokenizer_config.json that tokenizers of all kinds share.
type companion struct {
	BOS      string `json:"bos_token,omitempty"`
	EOS      string `json:"eos_token,omitempty"`
	UNK      string `json:"unk_token,omitempty"`
	PAD      string `json:"pad_token,omitempty"`
	SEP      string `json:"sep_token,omitempty"`
	CLS      string `json:"cls_token,omitempty"`
	MASK     string `json:"mask_token,omitempty"`
	Template string `json:"chat_template,omitempty"`
	Longest  int    `json:"model_max_length"`
	Class    string `json:"tokenizer_class"`
	CleanUp  bool   `json:"clean_up_tokenization_spaces"`
}

// ConfigName is the file beside tokenizer.json that says which tokens have a part to play, and how a conversation is written.
const ConfigName = "tokenizer_config.json"

// Companion gives the content of [ConfigName] for a model of at most longest tokens: what the reference library, and [Load], read beside tokenizer.json.
func (t *Tokenizer) Companion(longest int) ([]byte, error) {
	s := t.Special()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(companion{t.Token(s.BOS), t.Token(s.EOS), t.Token(s.UNK), t.Token(s.PAD), t.Token(s.SEP), t.Token(s.CLS), t.Token(s.MASK),
		t.chat, longest, "PreTrainedTokenizerFast", false})
	return b.Bytes(), err
}

// SetChatTemplate gives the tokenizer a template of conversations, in Jinja.
func (t *Tokenizer) SetChatTemplate(source string) { t.chat = source }
