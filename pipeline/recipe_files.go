package pipeline

import (
	"errors"
	"io/fs"

	"go.yaml.in/yaml/v4"

	"sluice/schemas"
)

// contents returns the line of the fingerprint that stands for what a file holds, by 16 digits of its SHA-256: owner names whose file it is, label how the
// recipe names it. An edited file is then an edited recipe:
//
//	filters/schema: contents of "call.json": #9f86d081884c7d65
//
// A file that is not there has no line: whoever reads it reports that.
func (l *loader) contents(owner, label, path string, at *yaml.Node) []string {
	sum, _, err := schemas.HashFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		l.bad(at, "", "%s: %v", owner, err)
		return nil
	}
	return []string{owner + ": contents of " + quoted(label) + ": #" + sum[:16]}
}
