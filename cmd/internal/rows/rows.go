// Package rows looks at the rows of a dataset for people and for export: which rows (pick.go), which of their columns (columns.go),
// as JSON (json.go), as text for a terminal (card.go), and what a dataset holds altogether (head.go).
//
// It reads sealed shards through the manifest and knows nothing of runs, stores or locks. Rows are hostile: nothing of them
// reaches a terminal but through package terminal.
package rows

import (
	"fmt"

	"sluice/schemas"
)

// A Row is an accepted or held-out record, or a reject.
type Row struct {
	Record *schemas.Record
	Reject *schemas.Reject // nil for a record that was not rejected; its Record is Row.Record
}

// Fate says why a reject left, on one line that is not yet escaped: filters/length: too_short: 3 of at least 12 characters.
func (r Row) Fate() string {
	x := r.Reject
	s := x.Stage + ": " + x.Reason
	if x.Failed {
		s = x.Stage + " failed: " + x.Reason
	}
	if !x.Owner.IsZero() {
		s += fmt.Sprintf(" of %s (likeness %.2f)", Short(x.Owner), x.Score)
	}
	if len(x.Reasons) > 1 {
		s += fmt.Sprintf(" %q", x.Reasons)
	}
	if x.Detail != "" && x.Detail != x.Reason {
		s += ": " + x.Detail
	}
	return s
}

// Birth says where a record comes from: requests.jsonl row 11, or generators/eda of requests.jsonl row 11. It is not escaped.
func Birth(o *schemas.Origin) string {
	s := fmt.Sprintf("%s row %d", o.Source, o.Row)
	if o.Depth > 0 {
		s = o.Stage + " of " + s
	}
	return s
}

// Short is the beginning of an id: enough to be the only one of its kind, and what `sluice why` takes.
func Short(id schemas.ID) string { return id.String()[:12] }
