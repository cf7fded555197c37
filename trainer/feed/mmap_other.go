//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package feed

import "os"

// mapFile reads a file: there is no mapping here.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	data, err = os.ReadFile(path)
	return data, func() error { return nil }, err
}
