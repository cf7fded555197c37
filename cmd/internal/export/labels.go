package export

import (
	"maps"
	"slices"

	"sluice/schemas"
)

// Labels returns the labels of a dataset in the order of their numbers: as the recipe declares them, else all that its rows have, held-out
// ones too, by name. So both splits are numbered alike.
func Labels(d *schemas.Dataset) ([]string, error) {
	if declared := d.Manifest.Schema.Labels; len(declared) > 0 {
		return declared, nil
	}
	found := map[string]bool{}
	for _, s := range d.Manifest.Segments {
		for l := range s.Labels {
			found[l] = true
		}
	}
	for r, err := range d.Records(schemas.RoleTest) { // the manifest counts those of accepted rows alone
		if err != nil {
			return nil, err
		}
		for _, l := range r.Labels {
			found[l] = true
		}
	}
	delete(found, "")                                                  // how rows without a label are counted
	return append([]string{}, slices.Sorted(maps.Keys(found))...), nil // not nil where there are none: numbers are wanted
}
