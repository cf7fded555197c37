package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"

	"sluice/schemas"
)

// A Row is a record for models that read texts themselves.
type Row struct {
	Source string // its name
	Place  string // the file and the number of the row, from 1
	Record *schemas.Record
	Text   string
	Labels []string
	Known  bool // the row says what its labels are, though it may be that it has none
	Family string
	Seed   bool // real, not made
}

// ReadRows reads the records of sources as they are: of datasets those of a role, of plain files all when the role is schemas.RoleTrain. Shards are verified
// like those of [Open], and all is in the order of the data.
func ReadRows(sources []Source, role string, f Form) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, src := range sources {
			shards, err := src.list(role)
			if err != nil {
				yield(Row{}, err)
				return
			}
			for _, s := range shards {
				if err := s.verify(); err != nil {
					yield(Row{}, fmt.Errorf("data %s: %w", src.Name, err))
					return
				}
				n := 0
				for r, err := range s.records(f) {
					if err != nil {
						yield(Row{}, fmt.Errorf("data %s: %w", src.Name, err))
						return
					}
					n++
					if !yield(s.row(src.Name, n, r, f), nil) {
						return
					}
				}
			}
		}
	}
}

func (s shard) row(source string, n int, r *schemas.Record, f Form) Row {
	x := Row{Source: source, Place: fmt.Sprintf("%s, row %d", s.path, n), Record: r, Text: r.Content(), Labels: r.Labels, Family: familyOf(r).String(), Seed: r.Origin.Depth == 0}
	column, has := r.Columns[f.Label]
	if len(x.Labels) == 0 {
		x.Labels = labelsIn(column)
	}
	x.Labels = slices.DeleteFunc(slices.Clone(x.Labels), func(l string) bool { return l == "" }) // an empty cell of a table
	x.Known = len(x.Labels) > 0 || has && column != nil && column != "" || s.schema != nil && s.schema.Kind == schemas.Multi
	return x
}

// familyOf is the seed that a record descends from, or itself.
func familyOf(r *schemas.Record) schemas.ID {
	if len(r.Origin.Parents) > 0 {
		return r.Origin.Parents[0]
	}
	return r.ID
}

// Number finds a number that the row carries: a score, a column, or a label that is one.
func (r *Row) Number(name string) (float64, bool) { return number(r.Record, name) }

// Identity names the data that sources hold now, role by role: equal bytes of all files are an equal identity, wherever they lie.
func Identity(sources []Source) (string, error) {
	var b []byte
	for _, src := range sources {
		b = append(b, "source\n"...)
		for _, role := range []string{schemas.RoleTrain, schemas.RoleTest} {
			shards, err := src.list(role)
			if err != nil {
				return "", err
			}
			for _, s := range shards {
				b = fmt.Appendf(b, "%s %s %s\n", role, s.name, s.sha)
			}
		}
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:]), nil
}
