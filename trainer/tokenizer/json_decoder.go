package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
)

// parseDecoder reads a decoder; nil for none.
func parseDecoder(raw json.RawMessage, place string) (decoder, error) {
	if absent(raw) {
		return nil, nil
	}
	kind, err := typeOf(raw, place)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "Sequence":
		var d decoders
		err := sequence(raw, place, "decoders", func(raw json.RawMessage, place string) error {
			x, err := parseDecoder(raw, place)
			if x != nil {
				d = append(d, x)
			}
			return err
		})
		return d, err
	case "ByteLevel":
		return byteLevelDecoder{}, nil
	case "ByteFallback":
		return byteFallbackDecoder{}, nil
	case "Fuse":
		return fuse{}, nil
	case "Metaspace":
		var f preFields
		if err := decodeAt(raw, place, &f); err != nil {
			return nil, err
		}
		m, err := f.metaspace(place)
		return metaspaceDecoder(m.mark, m.prepend != prependNever), err
	case "Replace":
		return parseReplaceDecoder(raw, place)
	}
	f := struct {
		Prefix  string  `json:"prefix"`
		Cleanup bool    `json:"cleanup"`
		Suffix  *string `json:"suffix"`
		Content string  `json:"content"`
		Start   int     `json:"start"`
		Stop    int     `json:"stop"`
		Pad     string  `json:"pad_token"`
		Space   string  `json:"word_delimiter_token"`
	}{Prefix: "##", Cleanup: true, Pad: "<pad>", Space: "|"}
	if err := decodeAt(raw, place, &f); err != nil {
		return nil, err
	}
	switch kind {
	case "WordPiece":
		return wordPieceDecoder(f.Prefix, f.Cleanup), nil
	case "Strip":
		if f.Content == "" {
			return nil, fmt.Errorf("%s.content: empty", place)
		}
		return stripDecoder(f.Content, f.Start, f.Stop), nil
	case "BPEDecoder":
		suffix := "</w>"
		if f.Suffix != nil {
			suffix = *f.Suffix
		}
		return eachToken(func(i, n int, t string) string {
			if i == n-1 {
				return strings.ReplaceAll(t, suffix, "")
			}
			return strings.ReplaceAll(t, suffix, " ")
		}), nil
	case "CTC":
		return ctc{f.Pad, f.Space, f.Cleanup}, nil
	}
	return nil, fmt.Errorf("%s.type: unknown decoder %q", place, kind)
}

func parseReplaceDecoder(raw json.RawMessage, place string) (decoder, error) {
	var f struct {
		Pattern patternFile `json:"pattern"`
		Content string      `json:"content"`
	}
	if err := decodeAt(raw, place, &f); err != nil {
		return nil, err
	}
	p, err := f.Pattern.compile(place)
	if err != nil {
		return nil, err
	}
	return eachToken(func(_, _ int, t string) string {
		var b strings.Builder
		at := 0
		p.matches(t, func(lo, hi int) {
			b.WriteString(t[at:lo])
			b.WriteString(f.Content)
			at = hi
		})
		b.WriteString(t[at:])
		return b.String()
	}), nil
}
