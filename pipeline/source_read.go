package pipeline

import (
	"context"
	"fmt"
	"iter"

	"sluice/schemas"
)

// OpenSource returns the rows of r's source as records of schema s (nil: the recipe's own, read anew from the first rows).
// A dataset that exists passes the schema of its manifest, which is fixed.
func (r *Recipe) OpenSource(s *schemas.Schema) (Source, error) {
	if s == nil {
		s = r.Schema
	}
	if s == nil {
		return nil, fmt.Errorf("recipe %s has no source", r.Path)
	}
	return &fileSource{recipe: r, schema: s}, nil
}

// fileSource reads files one after the other.
type fileSource struct {
	recipe *Recipe
	schema *schemas.Schema
}

const newHint = "rows that are in the dataset must stay as they are; use --new to build it again from the source as it is now"

// Read implements [Source].
func (s *fileSource) Read(ctx context.Context, done []schemas.SourceExtent) iter.Seq2[SourceRow, error] {
	return func(yield func(SourceRow, error) bool) {
		files, err := s.order(done)
		if err != nil {
			yield(SourceRow{}, err)
			return
		}
		for i, f := range files {
			var from schemas.SourceExtent
			if i < len(done) {
				from = done[i]
			}
			if !s.file(ctx, f, from, yield) {
				return
			}
		}
	}
}

// order puts the files of done first, in its order, and new ones behind.
func (s *fileSource) order(done []schemas.SourceExtent) ([]sourceFile, error) {
	found, err := s.recipe.sourceFiles()
	if err != nil {
		return nil, err
	}
	byName := make(map[string]int, len(found))
	for i, f := range found {
		byName[f.name] = i
	}
	files := make([]sourceFile, 0, len(found))
	known := make([]bool, len(found))
	for _, d := range done {
		i, ok := byName[d.Name]
		if !ok {
			return nil, hinted(newHint, "source file %s is gone, and %d of its rows were read", d.Name, d.Rows)
		}
		files, known[i] = append(files, found[i]), true
	}
	for i, f := range found {
		if !known[i] {
			files = append(files, f)
		}
	}
	return files, nil
}

// file yields the rows of f behind those of from. It returns false when nothing more is to be read.
func (s *fileSource) file(ctx context.Context, f sourceFile, from schemas.SourceExtent, yield func(SourceRow, error) bool) bool {
	fail := func(err error) bool {
		yield(SourceRow{}, err)
		return false
	}
	var want, h uint64
	if from.Rows > 0 {
		var err error
		if want, err = parseHash(from.Hash); err != nil {
			return fail(err)
		}
	}
	m := newMapper(&s.recipe.Source, s.schema, f)
	n := int64(0)
	for row, err := range readRows(f, &s.recipe.Source) {
		if err == nil && n%64 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return fail(fmt.Errorf("read source: %w", err))
		}
		h = roll(h, &row)
		n++
		if n > from.Rows {
			out := m.record(&row, n-1)
			out.Hash = h
			if !yield(out, nil) {
				return false
			}
		} else if n == from.Rows && h != want {
			return fail(hinted(newHint, "source file %s has changed within its first %d rows, which were read before", f.name, n))
		}
	}
	if n < from.Rows {
		return fail(hinted(newHint, "source file %s has %d rows, but %d were read before", f.name, n, from.Rows))
	}
	return true
}
