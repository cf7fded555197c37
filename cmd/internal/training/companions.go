package training

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// companions are the files of a model folder beside the weights and their shape.
var companions = []string{"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json",
	"merges.txt", "tokenizer.model", "chat_template.jinja", "generation_config.json", "modules.json", "sentence_bert_config.json",
	"config_sentence_transformers.json", "1_Pooling/config.json", "README.md", "LICENSE"}

// CopyCompanions copies what lies beside a model's weights, byte for byte.
func CopyCompanions(from, to string) error {
	for _, name := range companions {
		b, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		path := filepath.Join(to, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A tokenizerConfig is the part of tokenizer_config.json that tokenizers of all kinds share.
type tokenizerConfig struct {
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

// WriteTokenizer writes a model's tokenizer into a folder, as the reference library wants it.
func (m *Model) WriteTokenizer(dir string) error {
	var b bytes.Buffer
	if err := m.Tokenizer.Write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), b.Bytes(), 0o644); err != nil {
		return err
	}
	t, s := m.Tokenizer, m.Tokenizer.Special()
	b.Reset()
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(tokenizerConfig{t.Token(s.BOS), t.Token(s.EOS), t.Token(s.UNK), t.Token(s.PAD), t.Token(s.SEP), t.Token(s.CLS), t.Token(s.MASK),
		t.ChatTemplate(), m.Config.MaxTokens(), "PreTrainedTokenizerFast", false})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), b.Bytes(), 0o644)
}
