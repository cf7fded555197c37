package schemas

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Carry moves along what lies in a folder that is replaced and is not ours to remove: files of the user, and whatever else ours does not
// claim by its name. What to holds already under the same name stays as it is there. A folder that is gone has nothing to move.
func Carry(disk FS, from, to string, ours func(name string) bool) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ours(strings.TrimSuffix(e.Name(), ".tmp")) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(to, e.Name())); err == nil {
			continue
		}
		if err := disk.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
