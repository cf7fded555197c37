package export

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/schemas"
)

// A File is written beside its name and takes it when it is whole: a crash leaves what was there before. A device or a pipe is
// written as it is.
type File struct {
	*bufio.Writer
	f         *os.File
	tmp, name string
	force     bool
}

// Create begins to write name. A file that is there is refused with fs.ErrExist unless force is set.
func Create(name string, force bool) (*File, error) {
	st, err := os.Stat(name)
	switch {
	case err == nil && st.IsDir():
		return nil, usage("name the file to write", "%s is a folder", name)
	case err == nil && !st.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{Writer: bufio.NewWriterSize(f, 1<<16), f: f, name: name}, nil
	case err == nil && !force:
		return nil, &fs.PathError{Op: "export", Path: name, Err: fs.ErrExist}
	case err == nil:
		if name, err = filepath.EvalSymlinks(name); err != nil { // a link goes on to lead where it leads
			return nil, err
		}
	}
	if dir := filepath.Dir(name); !isFolder(dir) {
		return nil, usage("make it first", "%s: there is no folder %s", name, dir)
	}
	tmp := fmt.Sprintf("%s.%d.tmp", name, os.Getpid())
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	return &File{bufio.NewWriterSize(f, 1<<16), f, tmp, name, force}, nil
}

func isFolder(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

// Commit makes what was written durable and gives it its name.
func (x *File) Commit() error {
	err := x.Flush()
	if x.tmp == "" {
		return errors.Join(err, x.f.Close())
	}
	if err == nil {
		err = x.f.Sync()
	}
	if e := x.f.Close(); err == nil {
		err = e
	}
	if err == nil && !x.force {
		if _, e := os.Lstat(x.name); e == nil { // it came meanwhile
			err = &fs.PathError{Op: "export", Path: x.name, Err: fs.ErrExist}
		}
	}
	if err == nil {
		err = os.Rename(x.tmp, x.name)
	}
	if err != nil {
		os.Remove(x.tmp)
		return err
	}
	return schemas.Disk.SyncDir(filepath.Dir(x.name))
}

// Abort throws away what was written.
func (x *File) Abort() {
	x.f.Close()
	if x.tmp != "" {
		os.Remove(x.tmp)
	}
}
