package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// maxHeader is the reference implementation's limit.
const maxHeader = 100 << 20

const metadataKey = "__metadata__"

// An Info describes one tensor of a file.
type Info struct {
	Name       string
	DType      DType
	Shape      []int
	start, end int // bytes of the data section
}

// Len is the number of elements.
func (t Info) Len() int { return product(t.Shape) }

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// parseHeader reads the header at the beginning of a file and gives its tensors by name, its metadata, and where the data begins.
func parseHeader(b []byte) (infos []Info, meta map[string]string, data []byte, err error) {
	if len(b) < 8 {
		return nil, nil, nil, fmt.Errorf("%d bytes are too few for a safetensors file", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxHeader || n > uint64(len(b)-8) {
		return nil, nil, nil, fmt.Errorf("the header's length %d does not fit a file of %d bytes; is it a safetensors file, and whole?", n, len(b))
	}
	d := json.NewDecoder(bytes.NewReader(b[8 : 8+n]))
	data = b[8+n:]
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, nil, fmt.Errorf("the header is no JSON object: %v", errorOr(err, t))
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("header: %w", err)
		}
		name := t.(string) // a key: the decoder saw to it
		if seen[name] {
			return nil, nil, nil, fmt.Errorf("header: tensor %q is there twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			if err := d.Decode(&meta); err != nil {
				return nil, nil, nil, fmt.Errorf("header: %s: %w", metadataKey, err)
			}
			continue
		}
		info, err := parseInfo(d, name)
		if err != nil {
			return nil, nil, nil, err
		}
		infos = append(infos, info)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, nil, fmt.Errorf("header: %w", err)
	}
	if rest := bytes.TrimRight(b[8+d.InputOffset():8+n], " \t\r\n\x00"); len(rest) > 0 {
		return nil, nil, nil, fmt.Errorf("header: %d bytes behind the JSON object", len(rest))
	}
	if err := checkLayout(infos, len(data)); err != nil {
		return nil, nil, nil, err
	}
	slices.SortFunc(infos, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return infos, meta, data, nil
}

func errorOr(err error, t json.Token) any {
	if err != nil {
		return err
	}
	return fmt.Sprintf("it begins with %v", t)
}

func parseInfo(d *json.Decoder, name string) (Info, error) {
	var h struct {
		DType   DType  `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	if err := d.Decode(&h); err != nil {
		return Info{}, fmt.Errorf("header: tensor %q: %w", name, err)
	}
	size, ok := sizes[h.DType]
	if !ok {
		return Info{}, fmt.Errorf("header: tensor %q: unknown dtype %q", name, h.DType)
	}
	for _, n := range h.Shape {
		if n < 0 || n > 0 && size > math.MaxInt/n {
			return Info{}, fmt.Errorf("header: tensor %q: impossible shape %v", name, h.Shape)
		}
		size *= n
	}
	t := Info{Name: name, DType: h.DType, Shape: h.Shape, start: h.Offsets[0], end: h.Offsets[1]}
	if t.start < 0 || t.end < t.start || t.end-t.start != size {
		return Info{}, fmt.Errorf("header: tensor %q: shape %v of %s needs %d bytes, data_offsets are %v", name, h.Shape, h.DType, size, h.Offsets)
	}
	return t, nil
}

// checkLayout sees to it that the tensors fill the data section without overlap, hole or rest.
func checkLayout(infos []Info, size int) error {
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), cmp.Compare(a.Name, b.Name))
	})
	at := 0
	for _, t := range infos {
		if t.start != at {
			return fmt.Errorf("header: tensor %q %v begins at byte %d of the data, want %d: tensors overlap or leave a hole", t.Name, t.Shape, t.start, at)
		}
		if t.end > size {
			return fmt.Errorf("tensor %q %v ends at byte %d of the data, the file has %d: it is cut short", t.Name, t.Shape, t.end, size)
		}
		at = t.end
	}
	if at != size {
		return fmt.Errorf("%d bytes behind the last tensor", size-at)
	}
	return nil
}
