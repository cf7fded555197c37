package state

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"sluice/pipeline/text"
)

// A backup is a stream: the magic line, then for each entry the lengths of key and value as uvarints plus one, both,
// and the 64-bit hash of key and value; a zero byte and the number of entries end it, so that a cut copy is told from a whole one.
const backupMagic = "sluice state 1\n"

// Backup writes a copy of s as it stands when the call begins.
func Backup(s Store, w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString(backupMagic)
	var n uint64
	var b []byte
	for e, err := range s.Scan(nil) {
		if err != nil {
			return fmt.Errorf("back up: %w", err)
		}
		v, err := e.Value()
		if err != nil {
			return fmt.Errorf("back up: %w", err)
		}
		b = binary.AppendUvarint(b[:0], uint64(len(e.Key))+1)
		b = binary.AppendUvarint(b, uint64(len(v))+1)
		at := len(b)
		b = append(append(b, e.Key...), v...)
		b = binary.LittleEndian.AppendUint64(b, text.Hash64(b[at:]))
		if _, err := out.Write(b); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
		n++
	}
	b = binary.AppendUvarint([]byte{0}, n)
	if _, err := out.Write(b); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return out.Flush()
}

// Restore writes a backup into s, which must be empty. Entries of a damaged copy are written up to the damage.
func Restore(s Store, r io.Reader) error {
	for _, err := range s.Scan(nil) {
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		return errors.New("restore: the state is not empty: restore into a new folder")
	}
	in := bufio.NewReaderSize(r, 1<<16)
	magic := make([]byte, len(backupMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != backupMagic {
		return errors.New("restore: not a backup of a state folder")
	}
	var ops []Op
	size, n := 0, uint64(0)
	for {
		op, err := readEntry(in)
		if err != nil {
			return fmt.Errorf("restore: after %d entries: %w", n, err)
		}
		if op.Key != nil {
			n++
			ops = append(ops, op)
			size += len(op.Key) + len(op.Value)
		}
		if op.Key == nil || len(ops) == Atomic || size > 16<<20 {
			if err := s.Write(ops); err != nil {
				return fmt.Errorf("restore: %w", err)
			}
			ops, size = ops[:0], 0
		}
		if op.Key == nil {
			break
		}
	}
	if want, err := binary.ReadUvarint(in); err != nil || want != n {
		return fmt.Errorf("restore: the backup lost entries: %d read, %d written", n, want)
	}
	return s.Sync()
}

// readEntry returns an Op without a key at the end mark.
func readEntry(in *bufio.Reader) (op Op, err error) {
	k, err := binary.ReadUvarint(in)
	if err != nil {
		return op, fmt.Errorf("the backup is cut short: %w", err)
	}
	if k == 0 {
		return op, nil
	}
	v, err := binary.ReadUvarint(in)
	if err != nil || v == 0 || k > 1<<16 || v > maxValue+1 {
		return op, errors.New("the backup is damaged")
	}
	b := make([]byte, k-1+v-1+8)
	if _, err := io.ReadFull(in, b); err != nil {
		return op, fmt.Errorf("the backup is cut short: %w", err)
	}
	n := len(b) - 8
	if binary.LittleEndian.Uint64(b[n:]) != text.Hash64(b[:n]) {
		return op, errors.New("the backup is damaged: checksum does not match")
	}
	return Op{Key: b[: k-1 : k-1], Value: b[k-1 : n : n]}, nil
}
