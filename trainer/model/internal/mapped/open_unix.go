//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package mapped

import (
	"fmt"
	"math"
	"os"
	"syscall"
)

// Open maps a file. A file that cannot be mapped, for instance on a file system without mappings, is read.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	size := info.Size()
	if size == 0 {
		return &File{}, nil
	}
	if size > math.MaxInt {
		return nil, fmt.Errorf("%s: %d bytes are too many for this system", path, size)
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		data, err := os.ReadFile(path)
		return &File{Data: data}, err
	}
	return &File{Data: data, unmap: syscall.Munmap}, nil
}
