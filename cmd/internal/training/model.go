package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sluice/trainer"
	"sluice/trainer/model"
	"sluice/trainer/tokenizer"
)

// ErrNoTokenizer is a model folder without one.
var ErrNoTokenizer = errors.New("no tokenizer.json and no vocab.txt")

// ErrLinear is a folder with a linear student, which is no network.
var ErrLinear = errors.New("it holds a linear student, which classifies and does nothing else")

// A Model is a model with the tokenizer it was trained with.
type Model struct {
	*model.Model
	Path      string
	Tokenizer *tokenizer.Tokenizer
	GGUF      *tokenizer.GGUF // the vocabulary as the file had it; nil for a folder
}

// IsGGUF tells by its name whether path is a GGUF file.
func IsGGUF(path string) bool { return strings.EqualFold(filepath.Ext(path), ".gguf") }

// Load reads a model folder or a GGUF file. Of a folder, options say the head.
func Load(path string, o model.LoadOptions) (*Model, error) {
	m, err := LoadWeights(path, o)
	if err != nil {
		return nil, err
	}
	if m.GGUF != nil {
		if m.Tokenizer, err = tokenizer.FromGGUF(*m.GGUF); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return m, nil
	}
	if m.Tokenizer, err = LoadTokenizer(path); err != nil {
		return nil, err
	}
	if have, rows := m.Tokenizer.Vocab(), m.Config.Vocab; have > rows {
		return nil, fmt.Errorf("%s: the tokenizer has %d tokens, the model rows for %d: they do not belong together", path, have, rows)
	}
	return m, nil
}

// LoadWeights is [Load] without a tokenizer.
func LoadWeights(path string, o model.LoadOptions) (*Model, error) {
	if IsGGUF(path) {
		m, v, err := model.LoadGGUF(path)
		if err != nil {
			return nil, err
		}
		return &Model{Model: m, Path: path, GGUF: &v}, nil
	}
	if trainer.IsLinear(path) {
		return nil, fmt.Errorf("%s: %w", path, ErrLinear)
	}
	m, err := model.Load(path, o)
	if err != nil {
		return nil, err
	}
	return &Model{Model: m, Path: path}, nil
}

// LoadTokenizer reads a tokenizer.json or a vocab.txt, of a folder whichever it has, or the vocabulary of a GGUF file.
func LoadTokenizer(path string) (*tokenizer.Tokenizer, error) {
	if IsGGUF(path) {
		m, err := Load(path, model.LoadOptions{})
		if err != nil {
			return nil, err
		}
		return m.Tokenizer, nil
	}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !st.IsDir() && filepath.Ext(path) == ".txt":
		return loadVocabText(path)
	case !st.IsDir():
		return tokenizer.Load(path)
	}
	t, err := tokenizer.Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	t, err = loadVocabText(filepath.Join(path, "vocab.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoTokenizer)
	}
	return t, err
}

// loadVocabText reads the vocabulary of a BERT; the file beside it tells whether it is uncased, which most are.
func loadVocabText(path string) (*tokenizer.Tokenizer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	config := struct {
		Lower bool `json:"do_lower_case"`
	}{true}
	beside := filepath.Join(filepath.Dir(path), "tokenizer_config.json")
	b, err := os.ReadFile(beside)
	if err == nil {
		err = json.Unmarshal(b, &config)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", beside, err)
	}
	t, err := tokenizer.FromVocabText(f, config.Lower)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Fit gives the ids of text between the template's tokens, cut to at most most ids so that the tokens at the end stay, as
// the reference library truncates.
func (m *Model) Fit(text string, most int) []int32 {
	if limit := m.Config.MaxTokens(); most < 1 || most > limit {
		most = limit
	}
	ids := m.Tokenizer.AppendIDs(nil, text, true)
	if len(ids) <= most {
		return ids
	}
	special := m.Tokenizer.Encode(text, tokenizer.Options{Special: true}).Special
	tail := 0
	for tail < most-1 && special[len(special)-1-tail] {
		tail++
	}
	return append(ids[:most-tail:most-tail], ids[len(ids)-tail:]...)
}
