package trainer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/trainer/feed"
)

// emptyError says why a domain gives nothing to train on: most often the text or the label is in a column of another name.
func (r *run) emptyError(k int, s *feed.Set) error {
	if v := r.corpus.Validation(k).Len(); v > 0 {
		return fmt.Errorf("data %s has %d records that can be trained on, and all are kept back for validation by validation.share: set it to 0, name other data in validation.path, or give more records (a text file is one)", s.Name, v)
	}
	left := r.corpus.Left()
	if len(left) == 0 {
		return fmt.Errorf("data %s is empty: it has no record to train on", s.Name)
	}
	var keys []string
	switch {
	case r.c.Task == Chat && r.c.Prompt == "":
		keys = []string{"conversations stand in the column messages, or `prompt` and `completion` name columns of texts"}
	default:
		keys = []string{fmt.Sprintf("`text: %s` names the column of texts", r.c.Text)}
		if r.c.Task == Classify {
			keys = append(keys, fmt.Sprintf("`label: %s` that of labels", r.c.Label))
		}
		if r.c.Task == Regress {
			keys = append(keys, fmt.Sprintf("`target: %s` the score or the column of numbers", r.c.Target))
		}
	}
	has := ""
	for rec, err := range r.corpus.Records(k) {
		if err == nil && len(rec.Columns) > 0 {
			has = "; the columns are " + strings.Join(slices.Sorted(maps.Keys(rec.Columns)), ", ")
		}
		break
	}
	return fmt.Errorf("data %s is empty: none of its records can be trained on (%s); %s%s", s.Name, reasons(left), strings.Join(keys, ", "), has)
}

// reasons lists why records were left out or cut: cut 3, empty 1.
func reasons(left map[string]int64) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(left)) {
		out = append(out, fmt.Sprintf("%s %d", k, left[k]))
	}
	return strings.Join(out, ", ")
}
