package training

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"sluice/schemas"
)

// VectorFormats are the formats of NewVectorWriter.
var VectorFormats = []string{"jsonl", "arrow", "parquet"}

// A VectorWriter writes texts with their vectors: columns id, text and embedding.
type VectorWriter interface {
	Write(t Text, vector []float32) error
	Close() error
}

// NewVectorWriter writes to w, which stays open. In JSON a number is the shortest that reads back to the same float32.
func NewVectorWriter(format string, w io.Writer) (VectorWriter, error) {
	if format == "jsonl" {
		return &vectorLines{w: bufio.NewWriterSize(w, 1<<16)}, nil
	}
	s := &schemas.Schema{Kind: schemas.Text, Columns: []schemas.Column{{Name: "embedding",
		Type: schemas.Type{Kind: schemas.List, Elem: &schemas.Type{Kind: schemas.Float}}}}}
	rows, err := schemas.NewWriter(format, w, s, schemas.WriteOptions{})
	if err != nil {
		return nil, err
	}
	return &vectorRows{rows}, nil
}

type vectorLines struct {
	w *bufio.Writer
	b []byte
}

func (x *vectorLines) Write(t Text, vector []float32) error {
	text, err := json.Marshal(t.Value)
	if err != nil {
		return err
	}
	x.b = fmt.Appendf(x.b[:0], `{"id":"%s","text":%s,"embedding":[`, t.ID, text)
	for i, v := range vector {
		if i > 0 {
			x.b = append(x.b, ',')
		}
		x.b = strconv.AppendFloat(x.b, float64(v), 'g', -1, 32)
	}
	x.b = append(x.b, "]}\n"...)
	_, err = x.w.Write(x.b)
	return err
}

func (x *vectorLines) Close() error { return x.w.Flush() }

type vectorRows struct{ rows schemas.RowWriter }

func (x *vectorRows) Write(t Text, vector []float32) error {
	list := make([]any, len(vector))
	for i, v := range vector {
		list[i] = float64(v)
	}
	return x.rows.Write([]*schemas.Record{{ID: t.ID, Text: t.Value, Columns: map[string]any{"embedding": list}}})
}

func (x *vectorRows) Close() error { return x.rows.Close() }
