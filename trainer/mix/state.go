package mix

import (
	"encoding/binary"
	"fmt"
)

// save writes numbers and slices of numbers one after another, little-endian: the state of a mixer.
func save(fields ...any) ([]byte, error) {
	var b []byte
	var err error
	for _, f := range fields {
		if b, err = binary.Append(b, binary.LittleEndian, f); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// load reads what save wrote. Slices have their lengths already, from Open; the rest are pointers.
func load(b []byte, fields ...any) error {
	want := 0
	for _, f := range fields {
		want += binary.Size(f)
	}
	if len(b) != want {
		return fmt.Errorf("mixer state has %d bytes, want %d: it belongs to other domains or settings", len(b), want)
	}
	for _, f := range fields {
		n, err := binary.Decode(b, binary.LittleEndian, f)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
