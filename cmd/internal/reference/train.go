package reference

import (
	"reflect"

	"sluice/trainer"
	"sluice/trainer/mask"
	"sluice/trainer/mix"
)

// Train describes the section train of a recipe.
func Train() Component {
	c := trainer.Default()
	out := Of("train", &c)
	out.Line = "what is trained on the dataset that a recipe makes"
	out.Doc = "What is trained on the dataset that the recipe makes, or on other data. `sluice run` ends with it, `sluice train` does it alone.\n\n" +
		"\ttrain: {model: linear}    a classifier on n-grams, in seconds\n\n" +
		"sluice list mask and sluice list mix list what mask: and mix: may name."
	return out
}

// EachOfTrainer calls f with every masker and mixer, with its defaults: those that mask: and mix: of the section train name.
func EachOfTrainer(f func(name string, component any)) {
	for _, n := range mask.Catalog.Names() {
		f("mask/"+n, mask.Catalog[n]())
	}
	for _, n := range mix.Catalog.Names() {
		f("mix/"+n, mix.Catalog[n]())
	}
}

func trainSchema(description any) object {
	s := structSchema(reflect.ValueOf(trainer.Default()))
	s["description"] = description
	s["type"] = []string{"object", "null"}
	return s
}

// choiceSchema is a component's name, alone or as the only key over its settings.
func choiceSchema(names []string, component func(string) any) object {
	props := object{}
	for _, n := range names {
		v := reflect.ValueOf(component(n))
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		s := object{"type": "object", "properties": object{}, "additionalProperties": false}
		if v.Kind() == reflect.Struct {
			s = structSchema(v)
		}
		props[n] = s
	}
	return object{"anyOf": []any{
		object{"enum": names},
		object{"type": "object", "properties": props, "additionalProperties": false, "minProperties": 1, "maxProperties": 1},
	}}
}
