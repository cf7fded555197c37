package trainer

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockFile is held in a model's folder while a training works in it. It stays when the training ends.
const lockFile = ".lock"

// A BusyError says that another process trains in the folder.
type BusyError struct{ Dir string }

func (e *BusyError) Error() string { return fmt.Sprintf("another training works in %s", e.Dir) }

// hold keeps other trainings out of a folder: two of them would write the same checkpoints. The lock ends with the process, however that ends.
func hold(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, lockFile))
	switch ok, err := l.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	case !ok:
		return nil, &BusyError{dir}
	}
	return func() { l.Unlock() }, nil
}
