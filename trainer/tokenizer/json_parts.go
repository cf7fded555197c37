package tokenizer

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// parseNormalizer reads a normalizer; nil for none.
func parseNormalizer(raw json.RawMessage, place string) (normalizer, error) {
	if absent(raw) {
		return nil, nil
	}
	kind, err := typeOf(raw, place)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "Sequence":
		var c chain
		err := sequence(raw, place, "normalizers", func(raw json.RawMessage, place string) error {
			n, err := parseNormalizer(raw, place)
			if n != nil {
				c = append(c, n)
			}
			return err
		})
		if len(c) == 1 {
			return c[0], err
		}
		return c, err
	case "NFC":
		return unicodeForm{compose: true}, nil
	case "NFD":
		return unicodeForm{}, nil
	case "NFKC":
		return unicodeForm{compat: true, compose: true}, nil
	case "NFKD":
		return unicodeForm{compat: true}, nil
	case "Lowercase":
		return lowercase{}, nil
	case "StripAccents":
		return stripAccents{}, nil
	case "Nmt":
		return nmt{}, nil
	case "ByteLevel":
		return byteMapper{}, nil
	}
	f := struct {
		Clean   bool   `json:"clean_text"`
		CJK     bool   `json:"handle_chinese_chars"`
		Accents *bool  `json:"strip_accents"`
		Lower   bool   `json:"lowercase"`
		Left    bool   `json:"strip_left"`
		Right   bool   `json:"strip_right"`
		Prepend string `json:"prepend"`
		Content string `json:"content"`
		Charmap []byte `json:"precompiled_charsmap"`

		Pattern patternFile `json:"pattern"`
	}{Clean: true, CJK: true, Lower: true, Left: true, Right: true}
	if err := decodeAt(raw, place, &f); err != nil {
		return nil, err
	}
	switch kind {
	case "BertNormalizer":
		accents := f.Lower // null: as the original BERT, together with lower case
		if f.Accents != nil {
			accents = *f.Accents
		}
		return bertNormalizer{f.Clean, f.CJK, accents, f.Lower}, nil
	case "Strip":
		return strip{f.Left, f.Right}, nil
	case "Prepend":
		return prefix(f.Prepend), nil
	case "Replace":
		p, err := f.Pattern.compile(place)
		return replace{p, f.Content}, err
	case "Precompiled":
		p, err := newPrecompiled(f.Charmap)
		if err != nil {
			return nil, fmt.Errorf("%s.%w", place, err)
		}
		return p, nil
	}
	return nil, fmt.Errorf("%s.type: unknown normalizer %q", place, kind)
}

// preFields are the settings of all pre-tokenizers.
type preFields struct {
	AddPrefixSpace *bool       `json:"add_prefix_space"`
	UseRegex       *bool       `json:"use_regex"`
	Pattern        patternFile `json:"pattern"`
	Behavior       string      `json:"behavior"`
	Invert         bool        `json:"invert"`
	Replacement    string      `json:"replacement"`
	PrependScheme  *string     `json:"prepend_scheme"`
	Split          *bool       `json:"split"`
	Individual     bool        `json:"individual_digits"`
	Delimiter      string      `json:"delimiter"`
}

// parsePretokenizer reads a pre-tokenizer as a list of steps. Bytes reports that the last of them is ByteLevel, whose
// change of alphabet is left to the caller.
func parsePretokenizer(raw json.RawMessage, place string) (steps []step, bytes bool, err error) {
	if absent(raw) {
		return nil, false, nil
	}
	kind, err := typeOf(raw, place)
	if err != nil {
		return nil, false, err
	}
	if kind == "Sequence" {
		err := sequence(raw, place, "pretokenizers", func(raw json.RawMessage, place string) error {
			if bytes { // ByteLevel before others: those see the alphabet
				steps, bytes = append(steps, byteMapped{}), false
			}
			more, b, err := parsePretokenizer(raw, place)
			steps, bytes = append(steps, more...), b
			return err
		})
		return steps, bytes, err
	}
	var f preFields
	if err := decodeAt(raw, place, &f); err != nil {
		return nil, false, err
	}
	c := sharedClasses()
	cut := func(p pattern, b behavior, invert bool) []step { return []step{splitter{p, b, invert}} }
	switch kind {
	case "ByteLevel":
		if f.AddPrefixSpace == nil || *f.AddPrefixSpace {
			steps = append(steps, prefixSpace{})
		}
		if f.UseRegex == nil || *f.UseRegex {
			steps = append(steps, scanTiler{c, scanGPT2})
		}
		return steps, true, nil
	case "Split":
		steps, err = f.split(place)
		return steps, false, err
	case "Metaspace":
		m, err := f.metaspace(place)
		return []step{m}, false, err
	case "BertPreTokenizer":
		return []step{charSplitter{classes: c, gone: space, alone: punct}}, false, nil
	case "Whitespace":
		return cut(wordRuns{c}, removed, true), false, nil
	case "WhitespaceSplit":
		return []step{charSplitter{classes: c, gone: space}}, false, nil
	case "Digits":
		return []step{digitTiler{numerals{c}, f.Individual}}, false, nil
	case "Punctuation":
		b := isolated
		if f.Behavior != "" {
			if b, err = parseBehavior(f.Behavior); err != nil {
				return nil, false, fmt.Errorf("%s.behavior: %w", place, err)
			}
		}
		return cut(charsOf{c, punct}, b, false), false, nil
	case "CharDelimiterSplit":
		if f.Delimiter == "" {
			return nil, false, fmt.Errorf("%s.delimiter: empty", place)
		}
		return cut(literal(f.Delimiter), removed, false), false, nil
	}
	return nil, false, fmt.Errorf("%s.type: unknown pre-tokenizer %q", place, kind)
}

func (f *preFields) split(place string) ([]step, error) {
	b, err := parseBehavior(f.Behavior)
	if err != nil {
		return nil, fmt.Errorf("%s.behavior: %w", place, err)
	}
	p, err := f.Pattern.compile(place)
	if err != nil {
		return nil, err
	}
	if t, ok := p.(tiles); ok && (b == isolated || b == removed && f.Invert) {
		return []step{scanTiler(t)}, nil
	}
	return []step{splitter{p, b, f.Invert}}, nil
}

func (f *preFields) metaspace(place string) (metaspace, error) {
	m := metaspace{mark: f.Replacement, split: f.Split == nil || *f.Split}
	if m.mark == "" {
		m.mark = "▁"
	}
	if utf8.RuneCountInString(m.mark) != 1 {
		return m, fmt.Errorf("%s.replacement: %q, want one character", place, m.mark)
	}
	switch {
	case f.PrependScheme != nil:
		var ok bool
		if m.prepend, ok = prependSchemes[*f.PrependScheme]; !ok {
			return m, fmt.Errorf("%s.prepend_scheme: %q, want always, first or never", place, *f.PrependScheme)
		}
	case f.AddPrefixSpace != nil && !*f.AddPrefixSpace: // files older than prepend_scheme
		m.prepend = prependNever
	}
	return m, nil
}
