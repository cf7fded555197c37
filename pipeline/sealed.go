package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/schemas"
)

// whole checks that the files of m are there with their sizes, before more is added to a dataset that has lost some. What they hold is
// for `sluice verify` to read. A partial segment is made anew in any case.
func (j *job) whole(m *schemas.Manifest) error {
	n, first := 0, ""
	for _, s := range m.Segments {
		if s.Partial {
			continue
		}
		for _, f := range s.Files {
			what := ""
			switch info, err := os.Stat(filepath.Join(j.root, filepath.FromSlash(f.Path))); {
			case errors.Is(err, fs.ErrNotExist):
				what = "is gone"
			case err != nil:
				return fmt.Errorf("look at sealed files: %w", err)
			case info.Size() != f.Bytes:
				what = fmt.Sprintf("has %d bytes, %d were sealed", info.Size(), f.Bytes)
			default:
				continue
			}
			if n++; n == 1 {
				first = f.Path + " " + what
			}
		}
	}
	switch {
	case n == 0:
		return nil
	case n > 1:
		first += fmt.Sprintf(", and %d more files are not as they were sealed", n-1)
	}
	return hinted("restore the files from a copy (sluice verify lists all damage), or build the dataset again with `sluice run --new`: answers are not paid again",
		"the dataset %s is damaged: %s", j.root, first)
}
