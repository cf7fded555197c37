package llm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/kaptinlin/jsonrepair"
)

// maxDepth bounds the nesting of an answer.
const maxDepth = 200

// parse reads one JSON value strictly: duplicate keys, invalid UTF-8 and anything after the value are errors. Whole numbers
// that fit are int64, others float64.
func parse(s string) (any, error) {
	d := jsontext.NewDecoder(strings.NewReader(s))
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON value")
	}
	return v, nil
}

func parseValue(d *jsontext.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	case '0':
		return number(t.String())
	case '[':
		list := []any{}
		for d.PeekKind() != ']' {
			v, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.ReadToken()
		return list, err
	}
	object := map[string]any{}
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := key.String() // before the next read: a token is a view of the buffer
		if object[name], err = parseValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = d.ReadToken()
	return object, err
}

func number(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("number %s is out of range", s)
	}
	return f, nil
}

// repair parses s, or what can be made of it: first our own mending, then jsonrepair. Repair alone proves nothing (jsonrepair turns "no json
// here" into a JSON string, leaves .5 as it is, and gives up on strings that end in an escaped quote), so every result is parsed
// again and must have the wanted top type.
func repair(s, top string) (any, error) {
	v, strict := parse(s)
	if strict == nil {
		if err := checkTop(v, top); err != nil {
			return nil, err
		}
		return v, nil
	}
	if errors.Is(strict, jsontext.ErrDuplicateName) || !utf8.ValidString(s) {
		return nil, strict // which of them was meant, or what stood there, nobody knows
	}
	mended, depth := mend(s)
	if depth > maxDepth {
		return nil, strict
	}
	v, err := parse(mended)
	if err != nil && len(s) <= maxRepair {
		if mended, err = jsonrepair.Repair(s); err == nil {
			v, err = parse(mended)
		}
	}
	if _, words := v.(string); err != nil || words && top == "" || checkTop(v, top) != nil {
		return nil, strict // (bare words become a string)
	}
	return v, nil
}

// maxRepair bounds what is given to jsonrepair.
const maxRepair = 1 << 20

// mend drops commas before a closing bracket and closes what was cut, and returns how deep the brackets go.
//
//	{"a": [1, 2,   →   {"a": [1, 2]}
func mend(s string) (mended string, depth int) {
	b := make([]byte, 0, len(s)+16)
	var open []byte
	text := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case text && c == '\\' && i+1 < len(s):
			b = append(b, c)
			i++
			c = s[i]
		case text && c == '\\':
			continue // cut inside an escape
		case c == '"':
			text = !text
		case text:
		case c == '{':
			open = append(open, '}')
		case c == '[':
			open = append(open, ']')
		case c == '}' || c == ']':
			b = dropComma(b)
			if n := len(open); n > 0 {
				open = open[:n-1]
			}
		}
		depth = max(depth, len(open))
		b = append(b, c)
	}
	if text {
		b = append(b, '"')
	}
	b = dropComma(b)
	for i := len(open) - 1; i >= 0; i-- {
		b = append(b, open[i])
	}
	return string(b), depth
}

func dropComma(b []byte) []byte {
	if t := bytes.TrimRight(b, " \t\r\n"); len(t) > 0 && t[len(t)-1] == ',' {
		return t[:len(t)-1]
	}
	return b
}

func checkTop(v any, top string) error {
	_, object := v.(map[string]any)
	_, array := v.([]any)
	if top == "object" && !object || top == "array" && !array {
		return fmt.Errorf("the answer is not a JSON %s", top)
	}
	return nil
}
