//go:build unix

package state

import (
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// hasRoom returns [ErrFull] if the disk of dir has less than need bytes for this user.
func hasRoom(dir string, need uint64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return nil // some file systems cannot tell: the write itself will
	}
	if free := uint64(s.Bavail) * uint64(s.Bsize); free < need {
		return fmt.Errorf("%s: %w: %d MB free, %d MB needed", dir, ErrFull, free>>20, need>>20)
	}
	return nil
}

// blocks is the room a file takes on the disk: files are made ahead with holes.
func blocks(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(s.Blocks) * 512
	}
	return info.Size()
}
