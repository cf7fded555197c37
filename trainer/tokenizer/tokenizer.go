package tokenizer

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// A Tokenizer turns text into ids and back. Make one with [Load], [Parse], [FromGGUF], [FromVocabText],
// [Characters] or a trainer.
type Tokenizer struct {
	file  file // what Write writes
	model model
	vocab *vocabulary // of the model, without the added tokens
	added *addedTokens
	extra map[int32]AddedToken // added tokens by id
	shown map[int32]string     // their text as it is found, and therefore decoded

	norm   normalizer // nil: the text is taken as it is
	ascii  *asciiMap  // norm as a table, when it is one
	normal func(string) bool
	pre    pretokenizer
	post   template
	dec    decoder
	cut    func(word string, i int) int // places where a word may be cut for the cache

	special Special
	chat    string
	rows    int
	surface []surface // by id, for WordStarts

	cache *wordCache
	works sync.Pool
}

// Load reads a tokenizer.json, or the one in a folder. Beside it, tokenizer_config.json, special_tokens_map.json
// and chat_template.jinja are read when they are there: they name the special tokens and the chat template.
func Load(path string) (*Tokenizer, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := t.readCompanions(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return t, nil
}

// Parse reads the bytes of a tokenizer.json. Errors name the place in the file.
func Parse(data []byte) (*Tokenizer, error) {
	f, err := parseFile(data)
	if err != nil {
		return nil, err
	}
	return build(f)
}

// build makes a tokenizer of its parts.
func build(f file) (*Tokenizer, error) {
	t := &Tokenizer{file: f, vocab: f.Model.vocab, cache: newWordCache(), extra: map[int32]AddedToken{}, shown: map[int32]string{}}
	t.works.New = func() any { return &work{} }
	var err error
	if t.norm, err = parseNormalizer(f.Normalizer, "normalizer"); err != nil {
		return nil, err
	}
	steps, bytes, err := parsePretokenizer(f.PreTokenizer, "pre_tokenizer")
	if err != nil {
		return nil, err
	}
	if bytes && !f.Model.rawBytes() {
		steps, bytes = append(steps, byteMapped{}), false
	}
	t.pre = newPretokenizer(steps)
	if t.model, err = f.Model.build(bytes); err != nil {
		return nil, fmt.Errorf("model.%w", err)
	}
	if b, ok := t.model.(*bpe); ok && b.cutAt != "" {
		t.cut = b.next
	}
	if t.post, err = parseTemplate(f.PostProcessor, "post_processor"); err != nil {
		return nil, err
	}
	if t.dec, err = parseDecoder(f.Decoder, "decoder"); err != nil {
		return nil, err
	}
	if err := t.addTokens(); err != nil {
		return nil, err
	}
	for _, s := range slices.Concat(t.post.single, t.post.pair) {
		for _, id := range s.ids {
			if t.Token(id) == "" {
				return nil, fmt.Errorf("post_processor: id %d is not in the vocabulary", id)
			}
		}
	}
	if t.norm != nil {
		t.ascii = newASCIIMap(t.norm)
		if form, ok := t.norm.(unicodeForm); ok {
			t.normal = form.normal
		}
	}
	t.special = t.findSpecial()
	t.describeSurfaces()
	return t, nil
}

// addTokens enters the added tokens: one whose text the model knows has the model's id.
func (t *Tokenizer) addTokens() error {
	t.rows = len(t.vocab.tokens)
	for i, a := range t.file.AddedTokens {
		if id, ok := t.vocab.ids[a.Content]; ok {
			t.file.AddedTokens[i].ID, a.ID = id, id
		}
		if a.ID < 0 || a.ID >= maxID {
			return fmt.Errorf("added_tokens[%d].id: %d, want 0 to %d", i, a.ID, maxID-1)
		}
		if a.Content == "" {
			return fmt.Errorf("added_tokens[%d].content: empty", i)
		}
		if old, ok := t.extra[a.ID]; ok && old.Content != a.Content {
			return fmt.Errorf("added_tokens[%d].id: %d belongs to %q already", i, a.ID, old.Content)
		}
		t.extra[a.ID] = a
		if seen := a.normalized(t.norm); seen != "" {
			t.shown[a.ID] = seen
		}
		t.rows = max(t.rows, int(a.ID)+1)
	}
	slices.SortStableFunc(t.file.AddedTokens, func(a, b AddedToken) int { return int(a.ID) - int(b.ID) })
	t.added = newAddedTokens(t.file.AddedTokens, t.norm)
	return nil
}

// Vocab returns the number of rows that an embedding of this vocabulary needs: the largest id plus one.
func (t *Tokenizer) Vocab() int { return t.rows }

// TokenID returns the id of a token as the vocabulary writes it ("Ġthe", "##ing", "▁a", "[CLS]").
func (t *Tokenizer) TokenID(token string) (int32, bool) {
	for _, a := range t.file.AddedTokens {
		if a.Content == token {
			return a.ID, true
		}
	}
	id, ok := t.vocab.ids[token]
	return id, ok
}

// Token returns the token with an id as the vocabulary writes it, "" when there is none. A normalized added token is
// given in its normalised form, as the reference does.
func (t *Tokenizer) Token(id int32) string {
	if s, ok := t.shown[id]; ok {
		return s
	}
	if id < 0 || int(id) >= len(t.vocab.tokens) {
		return ""
	}
	return t.vocab.tokens[id]
}

// IsSpecial reports whether id is a special token, such as the end of a text.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.extra[id].Special }

// AddedTokens returns the added tokens in order of their ids.
func (t *Tokenizer) AddedTokens() []AddedToken { return slices.Clone(t.file.AddedTokens) }

// Write writes the tokenizer as a tokenizer.json that the reference reads to the same effect.
func (t *Tokenizer) Write(w io.Writer) error {
	_, err := w.Write(t.file.bytes())
	return err
}
