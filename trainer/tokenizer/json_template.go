package tokenizer

import (
	"encoding/json"
	"fmt"
)

// parseTemplate reads a post-processor.
func parseTemplate(raw json.RawMessage, place string) (template, error) {
	t := plainTemplate()
	if absent(raw) {
		return t, nil
	}
	kind, err := typeOf(raw, place)
	if err != nil {
		return t, err
	}
	switch kind {
	case "Sequence":
		templates := 0
		err := sequence(raw, place, "processors", func(raw json.RawMessage, place string) error {
			p, err := parseTemplate(raw, place)
			if err != nil {
				return err
			}
			if p.trim {
				t.trim, t.prefixSpace = true, p.prefixSpace
			}
			if len(p.pair) > 2 || len(p.single) > 1 || p.single[0].kind >= 0 {
				templates++
				t.single, t.pair, t.cls, t.sep = p.single, p.pair, p.cls, p.sep
			}
			return nil
		})
		if err == nil && templates > 1 {
			err = fmt.Errorf("%s: %d templates in a row, want at most one", place, templates)
		}
		return t, err
	case "TemplateProcessing":
		return parseTemplateProcessing(raw, place)
	case "ByteLevel", "BertProcessing", "RobertaProcessing":
	default:
		return t, fmt.Errorf("%s.type: unknown post-processor %q", place, kind)
	}
	f := struct {
		Sep            tokenPair `json:"sep"`
		Cls            tokenPair `json:"cls"`
		TrimOffsets    bool      `json:"trim_offsets"`
		AddPrefixSpace bool      `json:"add_prefix_space"`
	}{TrimOffsets: true, AddPrefixSpace: true}
	if err := decodeAt(raw, place, &f); err != nil {
		return t, err
	}
	cls, sep := slot{seq: -1, ids: []int32{f.Cls.id}}, slot{seq: -1, ids: []int32{f.Sep.id}}
	switch kind {
	case "BertProcessing":
		sep1 := sep
		sep1.kind = 1
		t.single = layout{cls, {seq: 0}, sep}
		t.pair = layout{cls, {seq: 0}, sep, {seq: 1, kind: 1}, sep1}
		t.cls, t.sep = f.Cls.id, f.Sep.id
	case "RobertaProcessing":
		t.single = layout{cls, {seq: 0}, sep}
		t.pair = layout{cls, {seq: 0}, sep, sep, {seq: 1}, sep}
		t.cls, t.sep = f.Cls.id, f.Sep.id
		t.trim, t.prefixSpace = f.TrimOffsets, f.AddPrefixSpace
	case "ByteLevel":
		t.trim, t.prefixSpace = f.TrimOffsets, f.AddPrefixSpace
	}
	return t, nil
}

// tokenPair is ["[SEP]", 102].
type tokenPair struct {
	token string
	id    int32
}

func (p *tokenPair) UnmarshalJSON(raw []byte) error {
	cells := []any{&p.token, &p.id}
	if err := json.Unmarshal(raw, &cells); err != nil || len(cells) != 2 || p.id < 0 {
		return fmt.Errorf("%.40s is not [token, id]", raw)
	}
	return nil
}

// templateItem is {"Sequence": {"id": "A", "type_id": 0}} or {"SpecialToken": {"id": "[CLS]", "type_id": 0}}.
type templateItem struct {
	Sequence     *templateSlot
	SpecialToken *templateSlot
}

type templateSlot struct {
	ID     string `json:"id"`
	TypeID int32  `json:"type_id"`
}

func parseTemplateProcessing(raw json.RawMessage, place string) (template, error) {
	var f struct {
		Single  []templateItem `json:"single"`
		Pair    []templateItem `json:"pair"`
		Special map[string]struct {
			IDs []int32 `json:"ids"`
		} `json:"special_tokens"`
	}
	t := plainTemplate()
	if err := decodeAt(raw, place, &f); err != nil {
		return t, err
	}
	layoutOf := func(items []templateItem, place string, texts ...string) (layout, error) {
		var l layout
		seen := map[string]int{}
		for i, item := range items {
			at := fmt.Sprintf("%s[%d]", place, i)
			switch {
			case item.Sequence != nil:
				seq := 0
				for seq < len(texts) && texts[seq] != item.Sequence.ID {
					seq++
				}
				if seq == len(texts) {
					return nil, fmt.Errorf("%s.Sequence.id: %q, want one of %q", at, item.Sequence.ID, texts)
				}
				seen[item.Sequence.ID]++
				l = append(l, slot{seq: seq, kind: item.Sequence.TypeID})
			case item.SpecialToken != nil:
				s, ok := f.Special[item.SpecialToken.ID]
				if !ok {
					return nil, fmt.Errorf("%s.SpecialToken.id: %q is not among special_tokens", at, item.SpecialToken.ID)
				}
				for _, id := range s.IDs {
					if id < 0 || id >= maxID {
						return nil, fmt.Errorf("%s: id %d of %q, want 0 to %d", at, id, item.SpecialToken.ID, maxID-1)
					}
				}
				l = append(l, slot{seq: -1, ids: s.IDs, kind: item.SpecialToken.TypeID})
			default:
				return nil, fmt.Errorf("%s: neither Sequence nor SpecialToken", at)
			}
		}
		for _, name := range texts {
			if seen[name] != 1 {
				return nil, fmt.Errorf("%s: text %s stands there %d times, want once", place, name, seen[name])
			}
		}
		return l, nil
	}
	var err error
	if t.single, err = layoutOf(f.Single, place+".single", "A"); err != nil {
		return t, err
	}
	t.pair, err = layoutOf(f.Pair, place+".pair", "A", "B")
	return t, err
}
