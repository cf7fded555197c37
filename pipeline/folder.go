package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"sluice/schemas"
)

// A dataset folder and what may lie beside it:
//
//	support/          the dataset
//	support.lock      held while a run works on it
//	support.new/      being built by --new
//	support.swap      support.new is sealed and takes the place of support: the next command finishes what a crash cut short
//	support.old/      the former dataset, while it is being removed
const (
	lockSuffix = ".lock"
	newSuffix  = ".new"
	swapSuffix = ".swap"
	oldSuffix  = ".old"
)

// lock takes the lock of the dataset in dir, waiting up to wait for another run to end.
func lock(ctx context.Context, dir string, wait time.Duration) (release func(), err error) {
	return Lock(ctx, "dataset", dir, wait)
}

// Lock takes the lock of a folder that holds a dataset or a model, by a file beside it that ends in .lock, waiting up to wait for another program to let go
// of it. The error is a [LockedError] where it does not.
func Lock(ctx context.Context, what, dir string, wait time.Duration) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	l := flock.New(dir + lockSuffix)
	ok, err := l.TryLock()
	if err == nil && !ok && wait > 0 {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		ok, err = l.TryLockContext(ctx, 200*time.Millisecond)
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir+lockSuffix, err)
	}
	if !ok {
		return nil, &LockedError{What: what, Path: dir}
	}
	// The file stays: whoever waits for its lock has it open, and would then hold the lock of a removed file.
	return func() { l.Unlock() }, nil
}

// FinishSwap completes a --new whose last step a crash cut short. It does nothing where there is none.
func FinishSwap(fs schemas.FS, dir string) error {
	if _, err := os.Stat(dir + swapSuffix); err != nil {
		return nil
	}
	if _, err := schemas.ReadManifest(dir + newSuffix); err == nil {
		if _, err := os.Stat(dir); err == nil {
			if err := fs.RemoveAll(dir + oldSuffix); err != nil {
				return err
			}
			if err := fs.Rename(dir, dir+oldSuffix); err != nil {
				return err
			}
		}
		if err := fs.Rename(dir+newSuffix, dir); err != nil {
			return err
		}
		if err := fs.SyncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := fs.Rename(dir+oldSuffix, dir); err != nil {
			return fmt.Errorf("neither %s nor %s is a dataset: %w", dir, dir+newSuffix, err)
		}
	}
	if err := schemas.Carry(fs, dir+oldSuffix, dir, isOwn); err != nil {
		return err
	}
	if err := fs.Remove(dir + swapSuffix); err != nil {
		return err
	}
	return fs.RemoveAll(dir + oldSuffix)
}

// own are the entries of a dataset's folder that make the dataset. All else is carried along when it is replaced: the model trained on it, which serves until
// there is a newer one, and files of the user.
var own = []string{schemas.ManifestFile, schemas.RecipeFile, schemas.CardFile, schemas.DataDir, schemas.RejectsDir, schemas.PhasesDir, schemas.RunsDir}

func isOwn(name string) bool { return slices.Contains(own, name) }

// swap puts dir.new in the place of dir. The journal file makes it one step: once it is there, the swap will happen.
func swap(fs schemas.FS, dir string) error {
	if err := schemas.WriteFile(fs, dir+swapSuffix, []byte("sluice: "+filepath.Base(dir)+newSuffix+" replaces "+filepath.Base(dir)+"\n")); err != nil {
		return err
	}
	return FinishSwap(fs, dir)
}

// sweep removes what a crash left behind: temporary files, and shards that no manifest lists. keep holds
// paths relative to root, with slashes.
func sweep(fs schemas.FS, root string, keep map[string]bool) error {
	return filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == schemas.RunsDir {
				return filepath.SkipDir
			}
			return nil
		}
		ours := isShardName(d.Name()) && (filepath.Base(filepath.Dir(name)) == schemas.DataDir || filepath.Base(filepath.Dir(name)) == schemas.RejectsDir)
		tmp := strings.HasSuffix(rel, ".tmp") && (ours || strings.HasPrefix(d.Name(), schemas.ManifestFile))
		if tmp || ours && !keep[rel] {
			return fs.Remove(name)
		}
		return nil
	})
}
