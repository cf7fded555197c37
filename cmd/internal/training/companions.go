package training

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/trainer/tokenizer"
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

// WriteTokenizer writes a model's tokenizer into a folder, as the reference library wants it.
func (m *Model) WriteTokenizer(dir string) error {
	var b bytes.Buffer
	if err := m.Tokenizer.Write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), b.Bytes(), 0o644); err != nil {
		return err
	}
	beside, err := m.Tokenizer.Companion(m.Config.MaxTokens())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, tokenizer.ConfigName), beside, 0o644)
}
