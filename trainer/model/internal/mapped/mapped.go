// Package mapped shows a file as a slice of bytes: mapped into memory where the system can, read whole where it cannot.
package mapped

// A File is the content of a file, read-only. The file must not shrink while it is open.
type File struct {
	Data  []byte
	unmap func([]byte) error
}

// Close gives the mapping back; Data must not be used any more.
func (f *File) Close() error {
	if f.unmap == nil {
		return nil
	}
	unmap, data := f.unmap, f.Data
	f.unmap, f.Data = nil, nil
	return unmap(data)
}
