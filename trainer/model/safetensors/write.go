package safetensors

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// A Tensor is one to write: its values are rounded to DType.
type Tensor struct {
	Name   string
	DType  DType
	Shape  []int
	Values []float32
}

func (t Tensor) bytes() int { return len(t.Values) * sizes[t.DType] }

// Write writes tensors, sorted by name. Equal tensors and metadata give equal bytes.
func Write(w io.Writer, tensors []Tensor, meta map[string]string) error {
	tensors = sorted(tensors)
	head := []byte{'{'}
	if len(meta) > 0 {
		m, err := json.Marshal(meta) // sorts its keys
		if err != nil {
			return err
		}
		head = append(append(head, `"`+metadataKey+`":`...), m...)
	}
	at := 0
	for i, t := range tensors {
		switch {
		case !t.DType.Float():
			return fmt.Errorf("tensor %q: cannot write dtype %q", t.Name, t.DType)
		case product(t.Shape) != len(t.Values):
			return fmt.Errorf("tensor %q: shape %v does not hold %d values", t.Name, t.Shape, len(t.Values))
		case t.Name == metadataKey || i > 0 && tensors[i-1].Name == t.Name:
			return fmt.Errorf("tensor %q: the name is taken", t.Name)
		}
		if len(head) > 1 {
			head = append(head, ',')
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return err
		}
		shape, err := json.Marshal(append([]int{}, t.Shape...))
		if err != nil {
			return err
		}
		head = fmt.Appendf(head, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, t.DType, shape, at, at+t.bytes())
		at += t.bytes()
	}
	head = append(head, '}')
	for len(head)%8 != 0 {
		head = append(head, ' ')
	}
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)); err != nil {
		return err
	}
	var buf []byte
	for _, t := range tensors {
		for part := range slices.Chunk(t.Values, 1<<16) {
			buf = t.DType.encode(buf[:0], part)
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
	}
	return nil
}

func sorted(tensors []Tensor) []Tensor {
	return slices.SortedStableFunc(slices.Values(tensors), func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
}

// WriteFile writes a file that is there whole or not at all: under a temporary name first, synced, renamed.
func WriteFile(path string, tensors []Tensor, meta map[string]string) error {
	err := atomically(path, func(w io.Writer) error { return Write(w, tensors, meta) })
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func atomically(path string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
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

// WriteFolder writes a model's weights: one file, or, when they are more than limit bytes (0: no limit), files of at most limit bytes (or one tensor)
// with an index. Weights of an earlier model in the folder are removed once the new ones are there.
func WriteFolder(dir string, tensors []Tensor, meta map[string]string, limit int64) error {
	tensors = sorted(tensors)
	var parts [][]Tensor
	total, room := int64(0), int64(0)
	for _, t := range tensors {
		n := int64(t.bytes())
		if len(parts) == 0 || limit > 0 && n > room {
			parts, room = append(parts, nil), limit
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], t)
		room -= n
		total += n
	}
	keep := map[string]bool{}
	if len(parts) <= 1 {
		keep[SingleName] = true
		if err := WriteFile(filepath.Join(dir, SingleName), tensors, meta); err != nil {
			return err
		}
		return removeOthers(dir, keep)
	}
	x := index{Metadata: map[string]any{"total_size": total}, WeightMap: map[string]string{}}
	for i, part := range parts {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(parts))
		keep[name] = true
		if err := WriteFile(filepath.Join(dir, name), part, meta); err != nil {
			return err
		}
		for _, t := range part {
			x.WeightMap[t.Name] = name
		}
	}
	b, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	keep[IndexName] = true
	file := filepath.Join(dir, IndexName)
	if err := atomically(file, func(w io.Writer) error { _, err := w.Write(append(b, '\n')); return err }); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return removeOthers(dir, keep)
}

// removeOthers removes weights that the folder held before.
func removeOthers(dir string, keep map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		shard, err := path.Match("model-*-of-*.safetensors", e.Name())
		if err != nil {
			return err
		}
		if (shard || e.Name() == SingleName || e.Name() == IndexName) && !keep[e.Name()] {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
