package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// A Tensor is one to write. Values gives its elements, all of them at once, when their turn comes: a model need not be in memory twice.
type Tensor struct {
	Name   string
	Format Format
	Shape  []int
	Values func() []float32
}

// Write writes keys and tensors in the order given.
func Write(w io.Writer, keys []KV, tensors []Tensor) error {
	b := []byte(magic)
	b = binary.LittleEndian.AppendUint32(b, 3)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(tensors)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(keys)))
	var err error
	for _, k := range keys {
		if b, err = k.append(b); err != nil {
			return err
		}
	}
	at := 0
	for _, t := range tensors {
		per, bytes, ok := t.Format.layout()
		if !ok || t.Format == BF16 || t.Format == Q4_1 {
			return fmt.Errorf("tensor %q: cannot write %s", t.Name, t.Format)
		}
		if len(t.Shape) == 0 || len(t.Shape) > maxDimensions || t.Shape[len(t.Shape)-1]%per != 0 {
			return fmt.Errorf("tensor %q: shape %v is no whole blocks of %d for %s", t.Name, t.Shape, per, t.Format)
		}
		b = appendString(b, t.Name)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Shape)))
		n := 1
		for _, d := range slices.Backward(t.Shape) {
			b = binary.LittleEndian.AppendUint64(b, uint64(d))
			n *= d
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Format))
		b = binary.LittleEndian.AppendUint64(b, uint64(at))
		at += aligned(n / per * bytes)
	}
	if _, err := w.Write(pad(b)); err != nil {
		return err
	}
	for _, t := range tensors {
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

func aligned(n int) int { return (n + defaultAlignment - 1) / defaultAlignment * defaultAlignment }

func pad(b []byte) []byte { return append(b, make([]byte, aligned(len(b))-len(b))...) }

func (t Tensor) write(w io.Writer) error {
	x, n := t.Values(), 1
	for _, d := range t.Shape {
		n *= d
	}
	if len(x) != n {
		return fmt.Errorf("tensor %q: shape %v does not hold %d values", t.Name, t.Shape, len(x))
	}
	var buf []byte
	for part := range slices.Chunk(x, 1<<16) { // whole blocks, whose bytes are whole alignments except at the end
		buf = t.Format.encode(buf[:0], part)
		if len(part) < 1<<16 {
			buf = pad(buf)
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes a file that is there whole or not at all: under a temporary name first, synced, renamed.
func WriteFile(path string, keys []KV, tensors []Tensor) (err error) {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := Write(w, keys, tensors); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
