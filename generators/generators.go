// Package generators makes new records out of seeds. Each method is one file, named as recipes name it; its
// struct is its configuration and its reference, with the source of the method. A generator never changes its seed,
// which passes on by itself, and holds no state that one record could leave to the next.
//
// It is not the place for judging: what a generator made goes through filters and dedup like everything else.
//
//	eda.go aeda.go             word and punctuation edits, no model
//	infill.go infill_*.go      words guessed by a masked language model that is trained here
//	paraphrase.go label.go     rewrites of a seed; new texts of its label
//	selfinstruct.go            new tasks after the example of seeds
//	columns.go …               records of several columns: plan, samplers, prompts
//	asking.go                  what all that ask a model share: configuration, templates, booking
//	draw.go demos.go           randomness as a function of the record; seeds drawn from the pool
//	edit.go synonyms.go rouge.go   words and separators; the synonym table; ROUGE-L
//	prompts/*.tmpl             the built-in prompts, which a recipe may override
package generators

import (
	"sluice/pipeline"
	"sluice/pipeline/catalog"
)

// Catalog lists every generator with its defaults.
var Catalog = catalog.Catalog[pipeline.Generator]{
	"aeda":    func() pipeline.Generator { return &AEDA{Copies: 4, Share: 1.0 / 3} },
	"columns": func() pipeline.Generator { return &Columns{Samples: 1} },
	"eda":     func() pipeline.Generator { return &EDA{Copies: 4, Alpha: 0.1} },
	"infill": func() pipeline.Generator {
		return &Infill{Copies: 4, Share: 0.15, TopK: 20, Temperature: 1, MinCount: 2, Layers: 2, Vocab: 8192}
	},
	"label":        func() pipeline.Generator { return &Label{Samples: 1, N: 3, Demos: 5, Contrast: 2, Attributes: true} },
	"paraphrase":   func() pipeline.Generator { return &Paraphrase{Samples: 5} },
	"selfinstruct": func() pipeline.Generator { return &SelfInstruct{Samples: 1, N: 4, Demos: 8, MaxRouge: 0.7} },
}
