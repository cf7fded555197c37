package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v4"
)

// contents returns the line of the fingerprint that stands for what a file holds: owner names whose file it is, label how the
// recipe names it. An edited file is then an edited recipe:
//
//	filters/schema: contents of "call.json": #9f86d081884c7d65
//
// A file that is not there has no line: whoever reads it reports that.
func (l *loader) contents(owner, label, path string, at *yaml.Node) []string {
	sum, err := hashFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		l.bad(at, "", "%s: %v", owner, err)
		return nil
	}
	return []string{owner + ": contents of " + quoted(label) + ": #" + sum}
}

// hashFile returns the first 16 hexadecimal digits of a file's SHA-256.
func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
