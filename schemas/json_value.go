package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// parseObject decodes a JSON object into values of [Column]: whole numbers without point or exponent that fit 64 bits become
// int64, all others float64. Duplicate keys, invalid UTF-8 and anything after the object are errors.
//
// A quick parser takes what it is sure of (json_fast.go), which is nearly every line; the strict decoder
// takes whatever looks odd, and finds the words for what is wrong.
func parseObject(line []byte) (map[string]any, error) {
	if m, ok := fastObject(line); ok {
		return m, nil
	}
	return strictObject(line)
}

// strictObject goes by token.
func strictObject(line []byte) (map[string]any, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(line))
	if k := d.PeekKind(); k != '{' {
		if _, err := d.ReadValue(); err != nil {
			return nil, plainJSONError(err)
		}
		return nil, fmt.Errorf("want a JSON object, got %s", kindName(k))
	}
	v, err := decodeValue(d)
	if err != nil {
		return nil, plainJSONError(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the JSON object")
	}
	return v.(map[string]any), nil
}

// ParseJSON decodes one JSON value of any type as [parseObject] does.
func ParseJSON(b []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(b))
	v, err := decodeValue(d)
	if err != nil {
		return nil, plainJSONError(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the JSON value")
	}
	return v, nil
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "a list"
	}
	return "no JSON"
}

// plainJSONError drops the library's name and says what an early end means.
func plainJSONError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the JSON ends early")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "jsontext: "))
}

func decodeValue(d *jsontext.Decoder) (any, error) {
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
		return parseNumber(t.String())
	case '[':
		vs := []any{}
		for d.PeekKind() != ']' {
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			vs = append(vs, v)
		}
		_, err := d.ReadToken()
		return vs, err
	}
	m := make(map[string]any)
	for d.PeekKind() != '}' {
		k, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := k.String()
		if m[name], err = decodeValue(d); err != nil {
			return nil, err
		}
	}
	_, err = d.ReadToken()
	return m, err
}

// parseNumber reads a JSON number: 12 is an int64, 12.0 and 1e3 are floats, as is what exceeds 64 bits.
func parseNumber(s string) (any, error) {
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
