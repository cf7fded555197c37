package pipeline

import (
	"iter"

	"sluice/schemas"
)

// readRows reads the rows of one file in its format. Of a shard that sluice wrote it leaves out what is not the seeds'.
func readRows(f sourceFile, s *SourceSpec) iter.Seq2[schemas.Row, error] {
	if f.format == FormatText {
		return textRows(f.path, s.Per, s.MaxLine)
	}
	o := schemas.ReadOptions{MaxLine: s.MaxLine, NoHeader: s.NoHeader, Names: s.Names}
	if f.format == FormatTSV {
		o.Delimiter = '\t'
	}
	for _, r := range s.Delimiter {
		o.Delimiter = r
	}
	if f.sealed != nil {
		o.Columns = contentNames(f.sealed.Kind)
		for _, c := range f.sealed.Columns {
			o.Columns = append(o.Columns, c.Name)
		}
	}
	return schemas.ReadRows(f.path, o)
}
