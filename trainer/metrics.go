package trainer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sluice/schemas"
)

// metricsFile has one JSON object for every step.
const metricsFile = "metrics.jsonl"

// A point is one line of the metrics.
type point struct {
	Step    int                `json:"step"`
	Loss    float64            `json:"loss"`
	Norm    float64            `json:"norm"`
	LR      float64            `json:"lr"`
	Tokens  int64              `json:"tokens"`
	Speed   float64            `json:"tokens_per_second"`
	Domains map[string]float64 `json:"domains,omitempty"`
	Weights []float64          `json:"weights,omitempty"`
	Eval    *Result            `json:"eval,omitempty"`
}

// history is the metrics of a run, in memory and on disk.
type history struct {
	points []point
	f      schemas.File
	w      *bufio.Writer
}

// openHistory goes on with the metrics of the steps up to step; those of later ones were of work that is lost.
func openHistory(fs schemas.FS, dir string, step int) (*history, error) {
	path := filepath.Join(dir, metricsFile)
	h := &history{}
	var keep bytes.Buffer
	if b, err := os.ReadFile(path); err == nil && step > 0 {
		for line := range bytes.Lines(b) {
			var p point
			if json.Unmarshal(line, &p) != nil || p.Step > step {
				break
			}
			h.points = append(h.points, p)
			keep.Write(line)
		}
	}
	if err := fs.MkdirAll(dir); err != nil {
		return nil, err
	}
	f, err := fs.Create(path)
	if err != nil {
		return nil, err
	}
	h.f, h.w = f, bufio.NewWriter(f)
	if _, err := h.w.Write(keep.Bytes()); err != nil {
		return nil, err
	}
	return h, h.w.Flush()
}

// add notes a step. Lines reach the disk with every evaluation: metrics are not what a run resumes from.
func (h *history) add(at Step) error {
	p := point{at.Step, at.Loss, at.Norm, at.LR, at.Tokens, at.TokensPerSecond, at.Domains, at.Weights, at.Eval}
	if at.Eval != nil {
		brief := *at.Eval
		brief.Labels, brief.Confused = nil, nil // a table for every look would be most of the file
		p.Eval = &brief
	}
	h.points = append(h.points, p)
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("metrics of step %d: %w", at.Step, err)
	}
	if _, err := h.w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if at.Saved || at.Eval != nil {
		return h.w.Flush()
	}
	return nil
}

func (h *history) close() error {
	if h.f == nil {
		return nil
	}
	f := h.f
	h.f = nil
	if err := h.w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
