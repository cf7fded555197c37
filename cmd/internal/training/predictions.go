package training

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"

	"sluice/trainer"
)

// A PredictionWriter writes what a classifier says of rows.
//
//	{"id":"7","text":"where is my card","label":"card","predicted":"card","probability":0.94,"probabilities":{"card":0.94,"transfer":0.06}}
//	id,text,label,predicted,probability
//
// Of a model with several labels, label and predicted are lists, in CSV joined by "; ", and probability is that of the least probable label that is predicted.
type PredictionWriter struct {
	Rows int

	json  *json.Encoder
	table *csv.Writer
}

// NewPredictionWriter writes JSON Lines or CSV to w, which stays open.
func NewPredictionWriter(format string, w io.Writer) *PredictionWriter {
	if format == "csv" {
		return &PredictionWriter{table: csv.NewWriter(w)}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &PredictionWriter{json: enc}
}

// predicted is a line.
type predicted struct {
	ID            string             `json:"id"`
	Text          string             `json:"text"`
	Label         any                `json:"label,omitempty"`
	Predicted     any                `json:"predicted"`
	Probability   float64            `json:"probability"`
	Probabilities map[string]float64 `json:"probabilities"`
}

// Write writes one row.
func (x *PredictionWriter) Write(m *trainer.Labels, p *trainer.Prediction) error {
	x.Rows++
	low := 1.0
	for k, label := range m.Names {
		if slices.Contains(p.Said, label) {
			low = min(low, p.Probabilities[k])
		}
	}
	if len(p.Said) == 0 {
		low = 0
	}
	if x.table != nil {
		if x.Rows == 1 {
			if err := x.table.Write([]string{"id", "text", "label", "predicted", "probability"}); err != nil {
				return err
			}
		}
		return x.table.Write([]string{p.ID, p.Text, strings.Join(p.Labels, "; "), strings.Join(p.Said, "; "), strconv.FormatFloat(low, 'g', 6, 64)})
	}
	line := predicted{ID: p.ID, Text: p.Text, Probability: low, Probabilities: map[string]float64{}}
	for k, label := range m.Names {
		line.Probabilities[label] = p.Probabilities[k]
	}
	switch {
	case m.Multi:
		line.Predicted = slices.Concat([]string{}, p.Said)
		if p.Labels != nil {
			line.Label = p.Labels
		}
	default:
		line.Predicted = p.Said[0]
		if len(p.Labels) > 0 {
			line.Label = p.Labels[0]
		}
	}
	return x.json.Encode(line)
}

// Close writes what is left.
func (x *PredictionWriter) Close() error {
	if x.table == nil {
		return nil
	}
	x.table.Flush()
	return x.table.Error()
}
