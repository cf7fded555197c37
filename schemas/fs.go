package schemas

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// FS is the durable part of the file system that a dataset is written through: every call is one
// operation after which a crash may come, so tests fail each in turn. Reading goes through package os.
type FS interface {
	Create(name string) (File, error) // for writing, truncated
	Rename(from, to string) error     // atomic, replaces to
	Remove(name string) error         // a missing file is no error
	RemoveAll(dir string) error
	MkdirAll(dir string) error
	SyncDir(dir string) error // makes the renames and removals in dir durable
}

// File is a file being written.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// Disk is the real file system.
var Disk FS = disk{}

type disk struct{}

func (disk) Create(name string) (File, error) { return os.Create(name) }
func (disk) Rename(from, to string) error     { return os.Rename(from, to) }
func (disk) RemoveAll(dir string) error       { return os.RemoveAll(dir) }
func (disk) MkdirAll(dir string) error        { return os.MkdirAll(dir, 0o755) }

func (disk) Remove(name string) error {
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func (disk) SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be opened for syncing there; NTFS journals its entries
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// WriteFile writes data to name so that a crash leaves either the old file or the new one, whole:
// a temporary file beside it is written, synced and renamed, then the folder is synced.
func WriteFile(fs FS, name string, data []byte) error {
	tmp := name + ".tmp"
	f, err := fs.Create(tmp)
	if err != nil {
		return err
	}
	if n, err := f.Write(data); err != nil || n != len(data) {
		f.Close()
		if err == nil {
			err = io.ErrShortWrite
		}
		return fmt.Errorf("write %s: %w", tmp, err)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return fmt.Errorf("sync %s: %w", tmp, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close %s: %w", tmp, err)
	}
	if err := fs.Rename(tmp, name); err != nil {
		return err
	}
	return fs.SyncDir(filepath.Dir(name))
}
