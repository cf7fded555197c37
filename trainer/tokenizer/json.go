package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// file is a tokenizer.json. The small parts stay as they were written; the vocabulary is taken apart.
type file struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"` // kept, never applied
	Padding       json.RawMessage `json:"padding"`    // kept, never applied
	AddedTokens   []AddedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         modelFile       `json:"-"`
}

func parseFile(data []byte) (file, error) {
	var f struct {
		file
		Model json.RawMessage `json:"model"`
	}
	if err := decodeAt(data, "tokenizer.json", &f); err != nil {
		return file{}, err
	}
	if absent(f.Model) {
		return file{}, errors.New("model: missing; this is no tokenizer.json")
	}
	for _, raw := range []*json.RawMessage{&f.Truncation, &f.Padding, &f.Normalizer, &f.PreTokenizer, &f.PostProcessor, &f.Decoder} {
		var b bytes.Buffer
		if !absent(*raw) && json.Compact(&b, *raw) == nil {
			*raw = b.Bytes()
		} else {
			*raw = nil
		}
	}
	var err error
	f.file.Model, err = parseModel(f.Model)
	return f.file, err
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// decodeAt is json.Unmarshal with errors that name the place.
func decodeAt(raw []byte, place string, v any) error {
	err := json.Unmarshal(raw, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field != "" {
			place += "." + e.Field
		}
		return fmt.Errorf("%s: is a %s, want %s", place, e.Value, e.Type)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%s: %w at byte %d", place, err, e.Offset)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	return nil
}

// typeOf returns the "type" of a component.
func typeOf(raw json.RawMessage, place string) (string, error) {
	var head struct {
		Type *string `json:"type"`
	}
	if err := decodeAt(raw, place, &head); err != nil {
		return "", err
	}
	if head.Type == nil {
		return "", fmt.Errorf("%s.type: missing", place)
	}
	return *head.Type, nil
}

// sequence decodes the list of a Sequence component and calls f with each member and its place.
func sequence(raw json.RawMessage, place, key string, f func(raw json.RawMessage, place string) error) error {
	var members map[string]json.RawMessage
	if err := decodeAt(raw, place, &members); err != nil {
		return err
	}
	var list []json.RawMessage
	if err := decodeAt(orNull(members[key]), place+"."+key, &list); err != nil {
		return err
	}
	for i, m := range list {
		if err := f(m, fmt.Sprintf("%s.%s[%d]", place, key, i)); err != nil {
			return err
		}
	}
	return nil
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

// patternFile is {"String": "…"} or {"Regex": "…"}.
type patternFile struct {
	String *string
	Regex  *string
}

func (p patternFile) compile(place string) (pattern, error) {
	switch {
	case p.String != nil && *p.String != "":
		return literal(*p.String), nil
	case p.Regex != nil:
		compiled, err := newPattern(*p.Regex)
		if err != nil {
			return nil, fmt.Errorf("%s.pattern.Regex: %w", place, err)
		}
		return compiled, nil
	}
	return nil, fmt.Errorf("%s.pattern: want {\"String\": text} or {\"Regex\": expression}", place)
}
