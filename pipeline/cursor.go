package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"sluice/schemas"
)

// Cursor is where the source stands after a batch. It is stored with every seal, so that a run resumed
// there plans, holds out and numbers exactly as the undisturbed run would have.
type Cursor struct {
	Next  int64                  `json:"next"`            // number of the next batch
	Round int                    `json:"round"`           // how many times the source was gone through before
	Pass  []schemas.SourceExtent `json:"pass"`            // how far this round has read each file
	Known []schemas.SourceExtent `json:"known,omitempty"` // how far any earlier round has read: rows within are visited again
	Held  map[string]int64       `json:"held,omitempty"`  // rows this round has seen per label, for the stratified holdout
	Pool  []schemas.SourceExtent `json:"pool,omitempty"`  // the prefix that [Env.Pool] was read from

	Plan    *plan     `json:"plan,omitempty"`    // with a target
	Visited bool      `json:"visited,omitempty"` // this round has put a seed to work
	Ended   bool      `json:"ended,omitempty"`   // this round has read the source to its end
	Recent  []settled `json:"recent,omitempty"`  // outcomes that the plan has not seen yet
}

// parseCursor reads what a manifest keeps; nothing is the beginning.
func parseCursor(b json.RawMessage) (Cursor, error) {
	var c Cursor
	if len(b) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("cursor in the manifest is damaged: %w", err)
	}
	return c, nil
}

func (c Cursor) encode() (json.RawMessage, error) { return json.Marshal(c) }

// extents tracks how far each file has been read. Batches share the list of finished files, which is only ever
// appended to or replaced as a whole, so that a cursor costs the same whether the source has one file or a million.
type extents struct {
	files   []schemas.SourceExtent
	index   map[string]int
	current schemas.SourceExtent
}

func newExtents(from []schemas.SourceExtent) *extents {
	x := &extents{files: slices.Clip(slices.Clone(from)), index: make(map[string]int, len(from))}
	for i, f := range from {
		x.index[f.Name] = i
	}
	return x
}

// read notes one more row.
func (x *extents) read(row *SourceRow) {
	if row.File != x.current.Name && x.current.Name != "" {
		x.files = x.list()
		if _, known := x.index[x.current.Name]; !known {
			x.index[x.current.Name] = len(x.files) - 1
		}
	}
	x.current = row.Extent()
}

// list returns all extents. What it returned before stays as it was.
func (x *extents) list() []schemas.SourceExtent {
	if x.current.Name == "" {
		return x.files
	}
	if i, ok := x.index[x.current.Name]; ok {
		files := slices.Clone(x.files)
		files[i] = x.current
		return files
	}
	return append(x.files, x.current)
}

// rows returns how many rows of a file an extent list covers.
func rowsOf(list []schemas.SourceExtent) map[string]int64 {
	m := make(map[string]int64, len(list))
	for _, f := range list {
		m[f.Name] = f.Rows
	}
	return m
}

func (c *Cursor) clone() Cursor {
	d := *c
	d.Held = maps.Clone(c.Held)
	d.Plan = c.Plan.clone()
	return d
}
