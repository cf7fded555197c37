package llm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Schema is a JSON Schema that an answer must fit.
type Schema struct {
	Name string          // for the provider; letters, digits, _ and -
	JSON json.RawMessage // the schema itself
}

// Check returns what is wrong with the schema, without asking anyone.
func (s *Schema) Check() error {
	_, err := compile(s)
	return err
}

// compiled is a schema made ready once.
type compiled struct {
	schema       *jsonschema.Schema
	raw          any             // the schema as decoded: echo makes values of it
	top          string          // object or array where only that is allowed, else ""
	hash         string          // names the schema in pinned modes
	format       json.RawMessage // response_format
	instructions string          // for modes that put the schema into the prompt
}

var legalName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

const schemaURL = "sluice:answer"

// closed refuses to load what a schema refers to outside itself.
type closed struct{}

func (closed) Load(url string) (any, error) {
	return nil, fmt.Errorf("$ref to %s: schemas may refer to their own parts only", url)
}

func compile(s *Schema) (*compiled, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.JSON))
	if err != nil {
		return nil, fmt.Errorf("schema: not JSON: %w", err)
	}
	jc := jsonschema.NewCompiler()
	jc.UseLoader(closed{})
	if err := jc.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	js, err := jc.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	name := s.Name
	if name == "" {
		name = "answer"
	}
	if !legalName.MatchString(name) {
		return nil, fmt.Errorf("schema: name %q: at most 64 letters, digits, _ and -", name)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, s.JSON); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	sum := sha256.Sum256(compact.Bytes())
	c := &compiled{schema: js, raw: doc, hash: hex.EncodeToString(sum[:8])}
	if m, ok := doc.(map[string]any); ok {
		if t, _ := m["type"].(string); t == "object" || t == "array" {
			c.top = t
		}
	}
	c.format, err = json.Marshal(map[string]any{
		"type":        modeSchema,
		"json_schema": map[string]any{"name": name, "schema": json.RawMessage(compact.Bytes()), "strict": strict(doc)},
	})
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	c.instructions = "Answer with one JSON value that fits this JSON Schema, and with nothing else:\n" + compact.String()
	return c, nil
}

// strict reports whether a schema may be sent as strict: OpenAI's strict mode wants every object closed and every property required.
func strict(v any) bool {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			if !strict(e) {
				return false
			}
		}
	case map[string]any:
		if props, ok := x["properties"].(map[string]any); ok {
			required, _ := x["required"].([]any)
			if open, given := x["additionalProperties"].(bool); !given || open || len(required) < len(props) {
				return false
			}
		} else if x["type"] == "object" {
			return false
		}
		for _, e := range x {
			if !strict(e) {
				return false
			}
		}
	}
	return true
}

// validate returns where and how a value does not fit: "/score: maximum: got 11, want 10".
func (c *compiled) validate(v any) error {
	err := c.schema.Validate(v)
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return err
	}
	var lines []string
	p := message.NewPrinter(language.English)
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(lines) >= 3 {
			return
		}
		if len(e.Causes) == 0 {
			place := "/" + strings.Join(e.InstanceLocation, "/")
			lines = append(lines, place+": "+e.ErrorKind.LocalizedString(p))
			return
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(ve)
	return errors.New(strings.Join(lines, "; "))
}

// compiledSchemas compiles each schema once: a run has few.
type compiledSchemas struct {
	mu    sync.Mutex
	known map[string]*compiled
}

func (s *compiledSchemas) compile(schema *Schema) (*compiled, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.known[string(schema.JSON)]; ok {
		return c, nil
	}
	c, err := compile(schema)
	if err != nil {
		return nil, err
	}
	if s.known == nil {
		s.known = make(map[string]*compiled)
	}
	s.known[string(schema.JSON)] = c
	return c, nil
}
