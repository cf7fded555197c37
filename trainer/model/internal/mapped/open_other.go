//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package mapped

import "os"

// Open reads a file.
func Open(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &File{Data: data}, nil
}
