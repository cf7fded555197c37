package reference

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
	"sluice/trainer"
	"sluice/trainer/mask"
	"sluice/trainer/mix"
)

// object is a JSON Schema, or a part of one.
type object = map[string]any

// reference to the part that allows ${NAME} where another type is wanted: values from the environment are put in
// after an editor has looked.
const fromEnv = "#/$defs/env"

// enums are the values of keys that allow only some, by struct and Go name.
var enums = map[string][]any{
	"pipeline.RecipeKeys.Sluice":     {pipeline.RecipeVersion},
	"pipeline.StageKeys.On":          {pipeline.OnAll, pipeline.OnMade},
	"pipeline.SinkSpec.Seeds":        {"keep", "drop"},
	"pipeline.LedgerSpec.Fsync":      {pipeline.FsyncEach, pipeline.FsyncBatch},
	"pipeline.FileSpec.Extra":        {"error", "drop"},
	"pipeline.FileSpec.Per":          {"file", "line", "paragraph"},
	"llm.Spec.Provider":              {llm.OpenAI, llm.Echo, llm.Replay},
	"llm.Spec.Structured":            {"auto", "json_schema", "json_object", "prompt"},
	"llm.Spec.Reasoning":             {"split", "raw"},
	"llm.Spec.Usage":                 {"check", "trust"},
	"llm.Budget.Per":                 {"dataset", "run"},
	"pipeline.ShardSpec.Compression": {"none", "fastest", "default", "better", "best", "lz4", "zstd"},
	"trainer.Config.Task":            {trainer.Causal, trainer.Masked, trainer.Chat, trainer.Classify, trainer.Regress},
	"trainer.Config.TrainOn":         {"assistant", "all"},
	"trainer.Config.Long":            {"cut", "skip", "error"},
	"trainer.Config.Recompute":       {"auto", "none", "attention", "layers"},
	"trainer.ModelConfig.Arch":       {"llama", "gpt2", "bert", "roberta", trainer.ArchLinear},
	"trainer.TokenizerConfig.Train":  {"bpe", "wordpiece", "unigram", "chars"},
	"trainer.Optimizer.Name":         {"adamw", "muon", "schedulefree"},
	"trainer.Schedule.Kind":          {"wsd", "cosine", "linear", "constant"},
	"trainer.Stop.Metric":            {"loss", "accuracy"},
}

// Schema returns the JSON Schema of a recipe: strict, with the words of this manual. Names of models and columns, templates and
// everything that crosses keys are beyond it: `sluice check` looks at those.
func Schema(c pipeline.Catalogs) ([]byte, error) {
	s := structSchema(reflect.ValueOf(pipeline.RecipeKeys{}))
	props := s["properties"].(object)
	props["stages"].(object)["items"] = stageSchema(c)
	props["train"] = trainSchema(props["train"].(object)["description"])
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "sluice recipe"
	s["description"] = "A whole job: source, stages, sink, and what is trained and proved with the result."
	s["required"] = []string{"sluice"}
	s["$defs"] = object{"env": object{"type": "string", "pattern": `\$\{[^}]+\}`, "description": "a value from the environment: ${NAME} or ${NAME:-default}"}}
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// stageSchema is one item of stages: a component's name, alone or as the only key of a mapping.
func stageSchema(c pipeline.Catalogs) object {
	names := []string{}
	props := object{}
	add := func(name string, component any) {
		names = append(names, name)
		doc := Of(name, component)
		s := object{"type": "object", "properties": object{}, "additionalProperties": false}
		if v := reflect.ValueOf(component); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
			s = structSchema(v.Elem())
		}
		for k, v := range structSchema(reflect.ValueOf(pipeline.StageKeys{}))["properties"].(object) {
			if _, own := s["properties"].(object)[k]; !own {
				s["properties"].(object)[k] = v
			}
		}
		s["type"] = []string{"object", "null"} // `- dedup/exact:` is a mapping without keys
		s["description"] = doc.Doc
		props[name] = s
	}
	Each(c, add)
	return object{"oneOf": []any{
		object{"type": "string", "enum": names},
		object{"type": "object", "properties": props, "additionalProperties": false, "minProperties": 1, "maxProperties": 1},
	}}
}

// Each calls f with every component of c, with its defaults: roles in the order in which rows usually meet them, names sorted.
func Each(c pipeline.Catalogs, f func(name string, component any)) {
	for _, n := range c.Generators.Names() {
		f(string(pipeline.Generators)+"/"+n, c.Generators[n]())
	}
	for _, n := range c.Filters.Names() {
		f(string(pipeline.Filters)+"/"+n, c.Filters[n]())
	}
	for _, n := range c.Dedup.Names() {
		f(string(pipeline.Dedups)+"/"+n, c.Dedup[n]())
	}
}

// structSchema describes a struct whose fields hold the defaults.
func structSchema(v reflect.Value) object {
	props := object{}
	addProperties(v, props)
	return object{"type": "object", "properties": props, "additionalProperties": false}
}

func addProperties(v reflect.Value, props object) {
	t := v.Type()
	for _, f := range fieldsOf(t) {
		if f.inline {
			addProperties(v.FieldByIndex(f.index), props)
			continue
		}
		s := typeSchema(f.typ)
		if f.typ.Kind() == reflect.Struct && s["properties"] != nil {
			s = structSchema(v.FieldByIndex(f.index)) // with its defaults
		}
		if values, ok := enums[t.String()+"."+t.FieldByIndex(f.index).Name]; ok {
			s = object{"enum": values}
			if slices.ContainsFunc(values, func(v any) bool { _, text := v.(string); return text }) {
				s = object{"anyOf": []any{s, object{"$ref": fromEnv}}}
			}
		}
		if f.doc != "" {
			s["description"] = strings.Join(strings.Fields(f.doc), " ")
		}
		if d := jsonDefault(v.FieldByIndex(f.index)); d != nil {
			s["default"] = d
		}
		props[f.key] = s
	}
}

// typeSchema describes a type as recipes write it. A key of a pointer, map or list type may also stand there empty.
func typeSchema(t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		s := typeSchema(t.Elem())
		if s["type"] == "object" {
			s["type"] = []string{"object", "null"}
		}
		return s
	}
	env := object{"$ref": fromEnv}
	text := object{"type": "string"}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$|\$\{[^}]+\}`}
	case reflect.TypeFor[llm.Money](), reflect.TypeFor[llm.Rate]():
		return object{"anyOf": []any{object{"type": "number", "minimum": 0}, object{"type": "string", "pattern": `^[0-9_]*\.?[0-9_]+$`}, env}}
	case reflect.TypeFor[pipeline.Paths]():
		return object{"anyOf": []any{text, object{"type": "array", "items": text, "minItems": 1}}}
	case reflect.TypeFor[pipeline.PerLabel]():
		return object{"anyOf": []any{
			object{"enum": []string{pipeline.PerLabelBalanced, pipeline.PerLabelLevel}}, env,
			object{"type": "object", "additionalProperties": object{"type": "integer", "minimum": 0}},
		}}
	case reflect.TypeFor[trainer.Masking]():
		return choiceSchema(mask.Catalog.Names(), func(name string) any { return mask.Catalog[name]() })
	case reflect.TypeFor[trainer.Mixing]():
		return choiceSchema(mix.Catalog.Names(), func(name string) any { return mix.Catalog[name]() })
	case reflect.TypeFor[trainer.ModelConfig]():
		return object{"anyOf": []any{object{"enum": []string{trainer.ArchLinear}}, structSchema(reflect.New(t).Elem())}}
	case reflect.TypeFor[trainer.Guarding]():
		return object{"anyOf": []any{object{"type": []string{"number", "boolean"}}, env, structSchema(reflect.ValueOf(mix.DefaultGuard()))}}
	case reflect.TypeFor[trainer.Linear]():
		return structSchema(reflect.ValueOf(trainer.DefaultLinear()))
	case reflect.TypeFor[schemas.Kind]():
		return object{"anyOf": []any{object{"enum": schemas.Kinds()}, env}}
	}
	switch t.Kind() {
	case reflect.String:
		return text
	case reflect.Bool:
		return object{"anyOf": []any{object{"type": "boolean"}, env}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{"anyOf": []any{object{"type": "integer"}, env}}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"anyOf": []any{object{"type": "integer", "minimum": 0}, env}}
	case reflect.Float32, reflect.Float64:
		return object{"anyOf": []any{object{"type": "number"}, env}}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": typeSchema(t.Elem())}
	case reflect.Map:
		s := object{"type": "object"}
		if t.Elem().Kind() != reflect.Interface {
			s["additionalProperties"] = typeSchema(t.Elem())
		}
		return s
	case reflect.Struct:
		return structSchema(reflect.New(t).Elem())
	}
	return object{}
}
