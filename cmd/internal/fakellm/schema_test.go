package fakellm

import (
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// fits checks a value against a schema with an outside validator.
func fits(t interface{ Fatalf(string, ...any) }, schema, value string) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatalf("schema %s: %v", schema, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("test.json", doc); err != nil {
		t.Fatalf("%v", err)
	}
	compiled, err := c.Compile("test.json")
	if err != nil {
		t.Fatalf("schema %s: %v", schema, err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(value))
	if err != nil {
		t.Fatalf("value %s: %v", value, err)
	}
	if err := compiled.Validate(v); err != nil {
		t.Fatalf("%s does not fit %s: %v", value, schema, err)
	}
}

// TestSchemaTruth: values fit hand-written schemas of every keyword that the package comment names.
func TestSchemaTruth(t *testing.T) {
	for _, schema := range []string{
		personSchema,
		`{"type":"object","properties":{"score":{"type":"number","minimum":0,"maximum":1},"reason":{"type":"string","maxLength":30}},"required":["score","reason"]}`,
		`{"type":"object","properties":{"texts":{"type":"array","minItems":3,"maxItems":3,"items":{"type":"string","minLength":200}}},"required":["texts"]}`,
		`{"type":"array","uniqueItems":true,"minItems":4,"items":{"enum":[1,2,3,"x",null]}}`,
		`{"type":"array","maxItems":0}`,
		`{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5}`,
		`{"type":"integer","minimum":7,"maximum":30,"multipleOf":7}`,
		`{"type":"integer","maximum":-4}`,
		`{"type":"number","multipleOf":0.25,"minimum":0.1,"maximum":0.9}`,
		`{"type":"number","minimum":0.001,"maximum":0.004}`,
		`{"type":["null","string"]}`,
		`{"const":{"a":[1,2.50,true,null,"ü\"\n"]}}`,
		`{"anyOf":[{"type":"boolean"},{"type":"string"}]}`,
		`{"oneOf":[{"type":"null"},{"type":"string"}]}`,
		`{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"boolean"}},"required":["b"]}]}`,
		`{"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"name":{"type":"string"},"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["name","kids"]}}}`,
		`{"$defs":{"list":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/list"},{"type":"null"}]}},"required":["v","next"],"additionalProperties":false}},"$ref":"#/$defs/list"}`,
		`{"type":"object","properties":{"d":{"type":"string","format":"date"},"t":{"type":"string","format":"date-time"},"m":{"type":"string","format":"email"},"u":{"type":"string","format":"uri"},"id":{"type":"string","format":"uuid"},"at":{"type":"string","format":"time"}},"required":["d","t","m","u","id","at"]}`,
		`{"type":"object","required":["free"],"properties":{}}`,
		`{"properties":{"nested":{"properties":{"deep":{"type":"array","items":{"type":"array","minItems":2,"items":{"type":"number"}}}},"required":["deep"]}},"required":["nested"]}`,
	} {
		n, err := parseNode([]byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(50) {
			fits(t, schema, fitting(n, "where is my card", seed))
		}
	}
}

// TestSchemaTruthAtRandom: values fit schemas drawn at random.
func TestSchemaTruthAtRandom(t *testing.T) {
	var schemas func(depth int) *rapid.Generator[string]
	schemas = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			kinds := []string{`{"type":"boolean"}`, `{"type":"null"}`, `{"enum":["a",2,false]}`, `{"type":"string","minLength":3,"maxLength":9}`,
				`{"type":"integer","minimum":-3,"maximum":3}`, `{"type":"number","exclusiveMinimum":0,"maximum":2}`}
			if depth == 0 {
				return rapid.SampledFrom(kinds).Draw(t, "leaf")
			}
			kid := schemas(depth - 1)
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				return `{"type":"array","minItems":1,"maxItems":2,"items":` + kid.Draw(t, "items") + `}`
			case 1:
				return `{"anyOf":[` + kid.Draw(t, "first") + `,{"type":"null"}]}`
			case 2:
				return `{"type":"object","properties":{"b":` + kid.Draw(t, "b") + `,"a":` + kid.Draw(t, "a") + `},"required":["a"],"additionalProperties":false}`
			}
			return rapid.SampledFrom(kinds).Draw(t, "leaf")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		schema := schemas(4).Draw(t, "schema")
		n, err := parseNode([]byte(schema))
		if err != nil {
			t.Fatalf("%v", err)
		}
		fits(t, schema, fitting(n, "a theme", rapid.Uint64().Draw(t, "seed")))
	})
}

// TestStructuredModes: a schema in response_format, in the prompt, or an example in the prompt each shape the answer, and
// keys come in the schema's order.
func TestStructuredModes(t *testing.T) {
	client := &http.Client{Transport: New(Config{}).RoundTripper()}
	for name, body := range map[string]string{
		"json_schema":           chat("rewrite: where is my card", asked),
		"json_object, schema":   chat("Answer by this schema: "+personSchema+"\nrewrite: where is my card", `"response_format":{"type":"json_object"}`),
		"plain text and schema": chat("Answer by this JSON Schema:\n```json\n" + personSchema + "\n```\nrewrite: where is my card"),
	} {
		got := content1(t, post(t, client, "http://x"+chatRoute, body))
		fits(t, personSchema, got)
		if !strings.HasPrefix(got, `{"text":"`) {
			t.Errorf("%s: the order of keys is not the schema's: %s", name, got)
		}
	}
	got := content1(t, post(t, client, "http://x"+chatRoute,
		chat(`Answer as {"question": "…", "marks": [1], "ok": true}. Theme: cards`, `"response_format":{"type":"json_object"}`)))
	fits(t, `{"type":"object","properties":{"question":{"type":"string"},"marks":{"type":"array","items":{"type":"integer"},"minItems":1},"ok":{"type":"boolean"}},"required":["question","marks","ok"],"additionalProperties":false}`, got)
	got = content1(t, post(t, client, "http://x"+chatRoute, chat("say something", `"response_format":{"type":"json_object"}`)))
	fits(t, `{"type":"object"}`, got)
	if got := content1(t, post(t, client, "http://x"+chatRoute, chat("no shape {here} at all"))); strings.HasPrefix(got, "{") {
		t.Errorf("plain text was asked, not %s", got)
	}
}
