package generators

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"sluice/pipeline"
	"sluice/schemas"
)

func TestCheckFindsMistakes(t *testing.T) {
	labeled := &schemas.Schema{Kind: schemas.Labeled, Columns: []schemas.Column{{Name: "stars", Type: schemas.Type{Kind: schemas.Int}}}}
	for _, c := range []struct{ method, config, want string }{
		{"eda", "{alpha: 0}", "alpha: must be above 0"},
		{"eda", "{operations: [synonyms]}", `unknown operation "synonyms"`},
		{"infill", "{share: 0}", "share: must be above 0"},
		{"infill", "{temperature: 0}", "temperature: must be above 0"},
		{"infill", "{dim: 100}", "dim: must be a multiple of 32"},
		{"infill", "{top_k: 0}", "top_k: must be at least 1"},
		{"aeda", "{copies: 0}", "copies: must be from 1"},
		{"paraphrase", "{model: writer, prompt: 'Say {{ txt }}'}", `prompt: unknown variable "txt"`},
		{"paraphrase", "{model: writer, samples: 0}", "samples: must be from 1"},
		{"paraphrase", "{model: writer, temperature: 3}", "temperature: must be from 0 to 2"},
		{"paraphrase", "{model: writer, prompt: '{{ scores.x }}{{ origin.rwo }}'}", `origin has no "rwo"`},
		{"label", "{model: writer, n: 51}", "n: must be at most 50"},
		{"selfinstruct", "{model: writer, system: '{% if %}'}", "system:"},
		{"columns", "{columns: []}", "no columns are given"},
		{"columns", "{columns: [{name: a, expr: 'b + 1', type: int}, {name: b, expr: 'c + 1', type: int}, {name: c, expr: 'a + 1', type: int}]}",
			"columns depend on one another: a → b → c → a"},
		{"columns", "{columns: [{name: a, expr: 'a', type: int}]}", "a → a"},
		{"columns", "{columns: [{name: text, int: {min: 1, max: 2}}]}", "has the name of a field"},
		{"columns", "{columns: [{name: a, int: {min: 1, max: 2}, fake: '{city}'}]}", "made in 2 ways: int, fake"},
		{"columns", "{columns: [{name: a}]}", "say how it is made"},
		{"columns", "{columns: [{name: a, expr: '1'}]}", "an expression needs a type"},
		{"columns", "{columns: [{name: a, fake: '{citty}'}]}", "unknown pattern {citty}"},
		{"columns", "{columns: [{name: a, category: [1, x]}]}", "values have different types"},
		{"columns", "{columns: [{name: a, prompt: '{{ b }}'}]}", `unknown variable "b"`},
		{"columns", "{columns: [{name: a, int: {min: 3, max: 1}}]}", "min 3 is above max 1"},
		{"columns", "{columns: [{name: a, datetime: {from: 2024-01-02, to: 2024-01-01}}]}", "is not before"},
		{"columns", "{columns: [{name: a, int: {min: 0, max: 1}, when: 'starz > 1'}]}", `column a: when: unknown name "starz"`},
		{"columns", "{columns: [{name: a, int: {min: 0, max: 1}}], text: '{{ aa }}'}", `text: unknown variable "aa"`},
		{"columns", "{columns: [{name: a, int: {min: 0, max: 1}}], drop: [b]}", `drop: there is no column "b"`},
	} {
		g := Catalog[c.method]()
		if err := yaml.Load([]byte(c.config), g, yaml.WithKnownFields()); err != nil {
			t.Errorf("%s %s: %v", c.method, c.config, err)
			continue
		}
		err := g.(pipeline.Checker).Check(pipeline.CheckEnv{Dir: ".", Schema: labeled, Models: []string{"writer"}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s:\n got %v\nwant %s", c.method, c.config, err, c.want)
		}
	}
}
