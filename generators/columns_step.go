package generators

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// open finds the model of a prompt column.
func (s *step) open(env *pipeline.Env, model string) (err error) {
	c := s.col
	if c.Prompt == "" {
		return nil
	}
	a := &Asking{Model: c.modelOr(model), Temperature: c.Temperature, TopP: c.TopP, MaxTokens: c.MaxTokens}
	s.ask, err = newAsker(env, a, c.System, c.Prompt)
	return err
}

// value makes the column: null where its condition is not true. What a model was paid for it is booked on r.
func (s *step) value(ctx context.Context, seed, r *schemas.Record, vars map[string]any, env *pipeline.Env, sample int) (any, error) {
	if s.when != nil {
		v, err := s.when.Eval(vars)
		if err != nil {
			return nil, &schemas.Failure{Reason: "expression", Err: err}
		}
		if v != true {
			return nil, nil
		}
	}
	switch {
	case s.expr != nil:
		v, err := s.expr.Eval(vars)
		if err != nil {
			return nil, &schemas.Failure{Reason: "expression", Err: err}
		}
		return convert(s.typ, v), nil
	case s.ask != nil:
		return s.answer(ctx, seed, r, vars, sample)
	}
	return s.col.sample(s.typ, draw(env.Seed, env.Stage+"\x00"+s.col.Name, seed, sample))
}

// answer asks the model for the column's value.
func (s *step) answer(ctx context.Context, seed, r *schemas.Record, vars map[string]any, sample int) (any, error) {
	schema, err := s.schema()
	if err != nil {
		return nil, err
	}
	before := r.Origin
	a, err := s.ask.ask(ctx, vars, schema, roundAttempt(seed, sample))
	if f, ok := errors.AsType[*schemas.Failure](err); err == nil || ok && f != nil {
		s.ask.book(r, a, 0, 1)
		if before.Answer != "" { // several prompts stand behind the record: the first names it
			r.Origin.Answer, r.Origin.Model, r.Origin.Template = before.Answer, before.Model, before.Template
		}
	}
	if err != nil {
		return nil, err
	}
	if schema == nil {
		text := strings.TrimSpace(a.Text)
		if text == "" {
			return nil, schemas.Fail("empty", "the answer is empty")
		}
		return text, nil
	}
	m, err := object(a)
	if err != nil {
		return nil, err
	}
	if s.wrapped() {
		v, ok := m["value"]
		if !ok {
			return nil, schemas.Fail("schema", "value is missing in the answer")
		}
		return convert(s.typ, v), nil
	}
	return convert(s.typ, m), nil
}

// wrapped: providers want an object at the top, so a column that is none is asked for as {"value": …}.
func (s *step) wrapped() bool { return s.typ.Kind != schemas.Struct }

// schema is what the answer must fit: the column's own, or one made of a declared type that is no text. nil: free text.
func (s *step) schema() (*llm.Schema, error) {
	own := s.col.Schema
	if own == nil && s.typ.Kind != schemas.String {
		own = jsonSchema(s.typ)
	}
	if own == nil {
		return nil, nil
	}
	if s.wrapped() {
		own = map[string]any{"type": "object", "properties": map[string]any{"value": own}, "required": []any{"value"}, "additionalProperties": false}
	}
	b, err := json.Marshal(own)
	return &llm.Schema{Name: s.col.Name, JSON: b}, err
}

// jsonSchema is the JSON Schema of a column type.
func jsonSchema(t schemas.Type) map[string]any {
	switch t.Kind {
	case schemas.Int:
		return map[string]any{"type": "integer"}
	case schemas.Float:
		return map[string]any{"type": "number"}
	case schemas.Bool:
		return map[string]any{"type": "boolean"}
	case schemas.List:
		return map[string]any{"type": "array", "items": jsonSchema(*t.Elem)}
	case schemas.Struct:
		props, required := map[string]any{}, []any{}
		for _, f := range t.Fields {
			props[f.Name] = jsonSchema(f.Type)
			required = append(required, f.Name)
		}
		return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
	}
	return map[string]any{"type": "string"}
}
