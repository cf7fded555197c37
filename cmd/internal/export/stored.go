package export

import (
	"io"

	"sluice/cmd/internal/rows"
	"sluice/schemas"
)

// stored writes rows as shards have them, a few at a time.
type stored struct {
	w  schemas.RowWriter
	rs []*schemas.Record
}

// together is how many rows are handed on at once.
const together = 256

func newStored(w io.Writer, o *Options) (Writer, error) {
	x, err := schemas.NewWriter(o.Format, w, o.Schema, schemas.WriteOptions{})
	if err != nil {
		return nil, err
	}
	return &stored{w: x}, nil
}

func (s *stored) Write(r *schemas.Record) error {
	s.rs = append(s.rs, r)
	if len(s.rs) < together {
		return nil
	}
	return s.flush()
}

func (s *stored) flush() error {
	err := s.w.Write(s.rs)
	clear(s.rs)
	s.rs = s.rs[:0]
	return err
}

func (s *stored) Close() error {
	if err := s.flush(); err != nil {
		return err
	}
	return s.w.Close()
}

// members writes some columns of each row as a JSON object.
type members struct {
	w       io.Writer
	columns []rows.Column
	object  rows.Object
}

func newMembers(w io.Writer, o *Options) (Writer, error) {
	cs, err := selected(o)
	return &members{w: w, columns: cs}, err
}

func (m *members) Write(r *schemas.Record) error {
	m.object.Open()
	for _, c := range m.columns {
		m.object.Value(c.Name, c.Get(rows.Row{Record: r}))
	}
	_, err := m.w.Write(m.object.Close())
	return err
}

func (m *members) Close() error { return nil }

// selected finds the columns that are asked for.
func selected(o *Options) ([]rows.Column, error) {
	cs, err := rows.Select(rows.Columns(o.Schema, false), o.Columns)
	if e, ok := err.(*rows.UnknownColumn); ok {
		return nil, unknownColumn("--columns", e)
	}
	return cs, err
}
