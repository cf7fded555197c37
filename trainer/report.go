package trainer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sluice/schemas"
	"sluice/trainer/linear"
	"sluice/trainer/usage"
)

// The files of a report.
const (
	reportFile = "report.json"
	reportText = "report.md"
	reportPage = "report.html"
)

// A Report says what a training did and what its model is worth.
type Report struct {
	Task       string           `json:"task"`
	Model      string           `json:"model"` // family and shape, in words
	Labels     []string         `json:"labels,omitempty"`
	Data       []DataReport     `json:"data"`
	Left       map[string]int64 `json:"left,omitempty"` // records that gave no example, or only a part of one, by reason
	Step       int              `json:"step"`           // steps made
	Best       int              `json:"best,omitzero"`  // the step that early stopping went back to
	Tokens     int64            `json:"tokens"`
	Loss       float64          `json:"loss"`       // of the last step
	Validation *Result          `json:"validation"` // of the finished model
	Test       *Result          `json:"test"`       // on rows that nothing was decided by: source.holdout

	Decision    *Decision      `json:"decision,omitempty"` // about the mixer, before the first step
	Calibration *Calibration   `json:"calibration,omitempty"`
	Linear      *linear.Report `json:"linear,omitempty"` // of the linear student; its validation is out of fold
	Ensemble    *Ensemble      `json:"ensemble,omitempty"`
	Forecast    *Forecast      `json:"forecast,omitempty"`
	PeakMemory  int64          `json:"peak_memory"` // bytes, of the whole process
	Seconds     float64        `json:"seconds"`
	CPUSeconds  float64        `json:"cpu_seconds"`
	Bill        Bill           `json:"bill"`
	LR          float64        `json:"lr"`
	Kernels     string         `json:"kernels"`
	Threads     int            `json:"threads"`
	Config      Config         `json:"config"` // with every default that was chosen
	Notes       []string       `json:"notes,omitempty"`
}

// A DataReport is one domain.
type DataReport struct {
	Name       string  `json:"name"`
	Rows       int     `json:"rows"`
	Tokens     int64   `json:"tokens"`
	Validation int     `json:"validation"` // rows
	Epochs     float64 `json:"epochs"`     // times it was gone through
	Share      float64 `json:"share"`      // of all examples
	Weight     float64 `json:"weight"`     // the mixer's at the end
}

// report gathers what is known before the model is judged.
func (r *run) report(best int) *Report {
	c := r.model.Config
	rep := &Report{Task: r.c.Task, Labels: r.labels, Left: r.corpus.Left(), Decision: r.decision, Step: r.step, Best: best, Tokens: r.tokens, Forecast: r.plan, PeakMemory: usage.Peak(),
		Seconds: r.elapsed.Seconds(), LR: r.rate(), Kernels: r.kernels(), Threads: r.c.Threads, Config: r.c, Notes: r.notes,
		Model: fmt.Sprintf("%s, %s, hidden size %d, %s, vocabulary %d, %d parameters", c.Family, counted(c.Layers, "layer"), c.Hidden, counted(c.Heads, "head"), c.Vocab, r.model.Size())}
	if n := len(r.history.points); n > 0 {
		rep.Loss = r.history.points[n-1].Loss
	}
	epochs, weights, all := r.feed.Epochs(), r.mixer.Weights(), 0.
	for k, d := range r.env.Domains {
		all += epochs[k] * float64(d.Examples)
	}
	for k, s := range r.train {
		if r.c.Follow {
			s = r.corpus.Train(k, -1) // with what was sealed meanwhile
		}
		d := DataReport{Name: s.Name, Rows: s.Len(), Tokens: s.Tokens, Epochs: epochs[k], Share: epochs[k] * float64(r.env.Domains[k].Examples) / max(all, 1), Weight: weights[k]}
		for _, v := range r.valid {
			if v.Name == s.Name {
				d.Validation = v.Len()
			}
		}
		rep.Data = append(rep.Data, d)
	}
	return rep
}

// write leaves the report as JSON, Markdown and one HTML page.
func (rep *Report) write(fs schemas.FS, dir string, points []point) error {
	b, err := json.MarshalIndent(rep, "", " ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	page := rep.sections(points)
	for name, text := range map[string]string{reportText: markdown(page), reportPage: htmlPage(page)} {
		if err := schemas.WriteFile(fs, filepath.Join(dir, name), []byte(text)); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return schemas.WriteFile(fs, filepath.Join(dir, reportFile), append(b, '\n')) // last: its being there means that the run is finished
}

func readReport(dir string) (*Report, error) {
	b, err := os.ReadFile(filepath.Join(dir, reportFile))
	if err != nil {
		return nil, err
	}
	var rep Report
	if err := json.Unmarshal(b, &rep); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, reportFile), err)
	}
	return &rep, nil
}

// String is the report in one line.
func (rep *Report) String() string {
	var b strings.Builder
	if rep.Linear != nil {
		fmt.Fprintf(&b, "%s: %s, %d iterations, %.1f s", rep.Task, rep.Model, rep.Step, rep.Seconds)
	} else {
		fmt.Fprintf(&b, "%s: %d steps, %d tokens, %.1f s, loss %.4f", rep.Task, rep.Step, rep.Tokens, rep.Seconds, rep.Loss)
	}
	for _, part := range rep.parts() {
		fmt.Fprintf(&b, "; %s loss %.4f", part.name, part.r.Loss)
		if part.r.Accuracy > 0 {
			fmt.Fprintf(&b, ", accuracy %.4f", part.r.Accuracy)
		}
	}
	return b.String()
}

// A part is a result with the name of the rows that it is of.
type part struct {
	name string
	r    *Result
}

// parts are the results that there are.
func (rep *Report) parts() (out []part) {
	if rep.Validation != nil {
		out = append(out, part{rep.Watched(), rep.Validation})
	}
	if rep.Test != nil {
		out = append(out, part{"test", rep.Test})
	}
	return out
}

// Results are the results of the finished model, of an ensemble those of its mean; nil where there are no such rows.
func (rep *Report) Results() (validation, test *Result) {
	if e := rep.Ensemble; e != nil {
		return e.Validation, e.Test
	}
	return rep.Validation, rep.Test
}

// Rows is the number of training rows of all domains.
func (rep *Report) Rows() (n int) {
	for _, d := range rep.Data {
		n += d.Rows
	}
	return n
}

// Watched names the rows of Validation.
func (rep *Report) Watched() string {
	if rep.Linear != nil {
		return "out of fold"
	}
	return "validation"
}
