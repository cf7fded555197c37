package pipeline

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"

	"sluice/schemas"
)

// spool is what a phase has sealed, read as the source of the next.
type spool struct {
	root  string
	phase int
	man   *schemas.Manifest
}

// Read yields the rows after those of done.
func (s *spool) Read(ctx context.Context, done []schemas.SourceExtent) iter.Seq2[SourceRow, error] {
	name := fmt.Sprintf("%s/%d", schemas.PhasesDir, s.phase)
	var skip int64
	for _, d := range done {
		skip += d.Rows
	}
	return func(yield func(SourceRow, error) bool) {
		var row int64
		for _, f := range s.man.Shards(schemas.RoleSpool) {
			if row+f.Rows <= skip {
				row += f.Rows
				continue
			}
			for r, err := range schemas.ReadShard(filepath.Join(s.root, filepath.FromSlash(f.Path))) {
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					yield(SourceRow{}, err)
					return
				}
				if row++; row <= skip {
					continue
				}
				if !yield(SourceRow{Record: r, File: name, Row: row - 1}, nil) {
					return
				}
			}
		}
	}
}

// records yields all rows, for a [Fitter].
func (s *spool) records() iter.Seq2[*schemas.Record, error] {
	return func(yield func(*schemas.Record, error) bool) {
		for row, err := range s.Read(context.Background(), nil) {
			if !yield(row.Record, err) || err != nil {
				return
			}
		}
	}
}
