package dedup

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sluice/pipeline"
	"sluice/pipeline/text"
	"sluice/schemas"
)

// Exact drops a record whose text an earlier one has already. Texts are compared by the 128-bit XXH3 hash of their normal form:
// Unicode NFC, lower case, white space runs made one space and cut at the ends. So "Hello,  World" repeats "hello, world\n", and
// "hello world" does not. Of chat and preference records all messages count, with their roles and tool calls.
//
// Two different texts of a corpus of 10^9 share a hash with probability 10^-21: sharing one is taken as proof. It
// costs 20 bytes of disk a record, and is best put before all other stages that compare or ask.
type Exact struct {
	// Columns are compared instead of the text: user columns, and text, label or labels for these. Records are the same
	// if all have equal values, as canonical JSON; normalize does not touch them. A missing value equals null.
	Columns []string `yaml:"columns"`

	// Normalize compares normal forms; false compares bytes. Default true.
	Normalize bool `yaml:"normalize"`

	// Scope says where a record counts as seen: dataset (all that the dataset holds, over all runs), run (this run alone), source
	// (each source by itself) or global (every dataset that names the same state). Default dataset.
	Scope string `yaml:"scope"`

	buffers sync.Pool // of *[]byte
}

// Check implements [pipeline.Checker].
func (e *Exact) Check(c pipeline.CheckEnv) error {
	if err := checkScope(e.Scope); err != nil {
		return err
	}
	if c.Schema == nil {
		return nil
	}
	known := []string{"text", "label", "labels"}
	for _, col := range c.Schema.Columns {
		known = append(known, col.Name)
	}
	for i, name := range e.Columns {
		if !slices.Contains(known, name) {
			return fmt.Errorf("columns: no column %q%s", name, didYouMean(name, known))
		}
		if slices.Contains(e.Columns[:i], name) {
			return fmt.Errorf("columns: %q is named twice", name)
		}
	}
	return nil
}

// Scheme implements [pipeline.Keyed].
func (e *Exact) Scheme() (pipeline.Scheme, string) {
	settings := "bytes"
	switch {
	case len(e.Columns) > 0:
		settings = "columns " + strings.Join(e.Columns, ",")
	case e.Normalize:
		settings = text.Normaliser + ", spaces folded"
	}
	return pipeline.Scheme{Name: "exact/1", Settings: settings, Bands: 1, Exact: true, Accept: 1}, e.Scope
}

// Keys implements [pipeline.Deduper]: one key of 128 bits.
func (e *Exact) Keys(_ context.Context, r *schemas.Record) (pipeline.Likeness, error) {
	buf, _ := e.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer e.buffers.Put(buf)
	b, err := e.content((*buf)[:0], r)
	if err != nil {
		return pipeline.Likeness{}, err
	}
	*buf = b
	hi, lo := text.Hash128(b)
	return pipeline.Likeness{Keys: []pipeline.Key{{Hi: hi, Lo: lo}}}, nil
}

// content appends what is compared.
func (e *Exact) content(b []byte, r *schemas.Record) ([]byte, error) {
	if len(e.Columns) > 0 {
		return e.values(b, r)
	}
	if len(r.Messages)+len(r.Prompt)+len(r.Chosen)+len(r.Rejected) == 0 {
		return e.form(b, r.Text), nil
	}
	for _, ms := range [][]schemas.Message{r.Messages, r.Prompt, r.Chosen, r.Rejected} {
		for _, m := range ms {
			b = field(b, m.Role)
			b = field(b, m.Name)
			at := len(b)
			b = length(e.form(b, m.Content), at)
			for _, t := range m.ToolCalls {
				b = field(b, t.Name)
				b = field(b, t.Arguments)
			}
			b = binary.AppendUvarint(b, uint64(len(m.ToolCalls)))
		}
		b = binary.AppendUvarint(b, uint64(len(ms)))
	}
	return b, nil
}

// field and length put the length of a part behind it, so that no two different lists of parts look the same.
func field(b []byte, s string) []byte { return length(append(b, s...), len(b)) }

func length(b []byte, at int) []byte {
	return binary.LittleEndian.AppendUint32(b, uint32(len(b)-at))
}

func (e *Exact) form(b []byte, s string) []byte {
	if e.Normalize {
		return text.AppendFolded(b, s)
	}
	return append(b, s...)
}

// values appends the chosen columns as JSON, each on a line. Keys of structs come in order.
func (e *Exact) values(b []byte, r *schemas.Record) ([]byte, error) {
	for _, name := range e.Columns {
		v, ok := r.Columns[name]
		if !ok {
			switch name {
			case "text":
				v = r.Content()
			case "label":
				v = r.Label()
			case "labels":
				v = r.Labels
			}
		}
		j, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		b = append(append(b, j...), '\n')
	}
	return b, nil
}

var (
	_ pipeline.Checker = (*Exact)(nil)
	_ pipeline.Keyed   = (*Exact)(nil)
)
