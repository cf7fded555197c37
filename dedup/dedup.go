// Package dedup holds the components that say what makes two records the same, one file for each method. A component
// only names keys, as a pure function of a record; who came first is decided in stream order by the run, which remembers keys across
// runs in the store (package dedup/index).
//
// What it is not: it drops nothing itself, and it compares no two records.
//
//	exact     the same text, or the same values of chosen columns
//	minhash   nearly the same text: most runs of five words in common
package dedup

import (
	"fmt"
	"slices"
	"strings"

	"sluice/pipeline"
	"sluice/pipeline/catalog"
)

// Catalog lists the dedupers by name.
var Catalog = catalog.Catalog[pipeline.Deduper]{
	"exact":   func() pipeline.Deduper { return &Exact{Normalize: true, Scope: "dataset"} },
	"minhash": func() pipeline.Deduper { return &MinHash{Preset: "fineweb", Scope: "dataset"} },
}

// scopes in which keys count.
var scopes = []string{"dataset", "run", "source", "global"}

func checkScope(scope string) error {
	if slices.Contains(scopes, scope) {
		return nil
	}
	return fmt.Errorf("scope: unknown %q%s: want %s", scope, didYouMean(scope, scopes), strings.Join(scopes, ", "))
}

func didYouMean(name string, known []string) string {
	if n := catalog.Nearest(name, known); n != "" {
		return fmt.Sprintf(" (did you mean %s?)", n)
	}
	return ""
}
