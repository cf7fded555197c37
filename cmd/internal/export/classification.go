package export

import (
	"slices"

	"sluice/schemas"
)

// plainText writes the text alone, as language modelling takes it.
//
//	{"text": "Once upon a time"}
func plainText(e *env, r *schemas.Record) error {
	e.row(member{"text", r.Text})
	return nil
}

// classification writes a text and its label or labels: names, or their places in the list of labels with the names beside them.
//
//	{"text": "Charged twice", "label": "billing"}
//	{"text": "Charged twice", "label": 1, "label_text": "billing"}
func classification(e *env, r *schemas.Record) error {
	var ids, names []any
	for _, l := range r.Labels {
		names = append(names, l)
		if e.labels != nil {
			i := slices.Index(e.labels, l)
			if i < 0 {
				return misfit(r, "its label %q has no number", l)
			}
			ids = append(ids, int64(i))
		}
	}
	switch {
	case e.kind == schemas.Labeled && len(names) != 1:
		return misfit(r, "it has %d labels", len(names))
	case e.kind == schemas.Multi && e.labels == nil:
		e.row(member{"text", r.Text}, member{"labels", names})
	case e.kind == schemas.Multi:
		e.row(member{"text", r.Text}, member{"labels", ids}, member{"labels_text", names})
	case e.labels == nil:
		e.row(member{"text", r.Text}, member{"label", names[0]})
	default:
		e.row(member{"text", r.Text}, member{"label", ids[0]}, member{"label_text", names[0]})
	}
	return nil
}
