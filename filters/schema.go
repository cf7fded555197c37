package filters

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sluice/pipeline"
	"sluice/schemas"
)

// Schema keeps records in which a value fits a JSON Schema (json-schema.org, draft 2020-12 unless $schema says otherwise). A column that holds a
// text, and the text of the record, must be JSON themselves; lists, structs, numbers and booleans are judged as they are. A null column
// is not judged. Reasons: not_json, schema. References to other files or addresses are refused.
//
//   - filters/schema: {column: call, schema: {type: object, required: [name], properties: {name: {enum: [search, book]}}}}
type Schema struct {
	Column string         `yaml:"column"` // user column; empty: the text
	Schema map[string]any `yaml:"schema"` // the schema itself
	File   string         `yaml:"file"`   // or a file that holds it, relative to the recipe

	compiled *jsonschema.Schema
}

// Check compiles the schema.
func (s *Schema) Check(c pipeline.CheckEnv) error {
	if (s.Schema == nil) == (s.File == "") {
		return wrong("schema", "give either schema or file")
	}
	if err := knownColumn(c, "column", s.Column); err != nil {
		return err
	}
	key := "schema"
	if s.File != "" {
		key = "file"
	}
	if _, err := s.compile(c.Dir); err != nil {
		return &pipeline.KeyError{Key: key, Err: err}
	}
	return nil
}

// Files returns the file of the schema.
func (s *Schema) Files(string) []string {
	if s.File == "" {
		return nil
	}
	return []string{s.File}
}

// Open compiles the schema.
func (s *Schema) Open(_ context.Context, env *pipeline.Env) (err error) {
	s.compiled, err = s.compile(env.Dir)
	return err
}

// closed refuses to load what a schema refers to.
type closed struct{}

func (closed) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s: put everything into one schema, under $defs", url)
}

func (s *Schema) compile(dir string) (*jsonschema.Schema, error) {
	var doc any
	var err error
	if s.File != "" {
		b, err := os.ReadFile(inDir(s.File, dir))
		if err != nil {
			return nil, err
		}
		if doc, err = jsonschema.UnmarshalJSON(bytes.NewReader(b)); err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
	} else {
		b, err := json.Marshal(s.Schema) // what YAML decoded becomes what the validator expects
		if err != nil {
			return nil, err
		}
		if doc, err = jsonschema.UnmarshalJSON(bytes.NewReader(b)); err != nil {
			return nil, err
		}
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(closed{})
	const url = "mem:///schema.json"
	if err = c.AddResource(url, doc); err != nil {
		return nil, err
	}
	return c.Compile(url)
}

// Judge validates the value.
func (s *Schema) Judge(_ context.Context, r *schemas.Record) (pipeline.Verdict, error) {
	v := value(r, s.Column)
	if v == nil {
		return pipeline.Keep, nil
	}
	if text, ok := v.(string); ok {
		var err error
		if v, err = jsonschema.UnmarshalJSON(strings.NewReader(text)); err != nil {
			d := pipeline.Drop("not_json")
			d.Detail = err.Error()
			return d, nil
		}
	}
	err := s.compiled.Validate(v)
	if err == nil {
		return pipeline.Keep, nil
	}
	d := pipeline.Drop("schema")
	d.Detail = firstCause(err)
	return d, nil
}

// firstCause is the innermost first complaint of the validator, with its place: at '/name': missing property.
func firstCause(err error) string {
	e, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err.Error()
	}
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	return e.Error()
}
