package llm

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

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

// repair parses s, or what jsonrepair makes of it. Repair alone proves nothing (it turns "no json here" into a JSON string and leaves
// .5 as it is), so its result is parsed again and must have the wanted top type.
func repair(s, top string) (any, error) {
	v, strict := parse(s)
	if strict == nil {
		if err := checkTop(v, top); err != nil {
			return nil, err
		}
		return v, nil
	}
	if errors.Is(strict, jsontext.ErrDuplicateName) {
		return nil, strict // which of them was meant nobody knows
	}
	fixed, err := jsonrepair.Repair(s)
	if err != nil {
		return nil, strict
	}
	if v, err = parse(fixed); err != nil {
		return nil, strict
	}
	if top == "" {
		if _, ok := v.(string); ok {
			return nil, strict // bare words become a string
		}
	}
	if checkTop(v, top) != nil {
		return nil, strict
	}
	return v, nil
}

func checkTop(v any, top string) error {
	_, object := v.(map[string]any)
	_, array := v.([]any)
	if top == "object" && !object || top == "array" && !array {
		return fmt.Errorf("the answer is not a JSON %s", top)
	}
	return nil
}
