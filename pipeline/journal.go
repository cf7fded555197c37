package pipeline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"sluice/schemas"
)

// journal writes runs/<id>/events.jsonl: what happened when, for people and the viewer. It is no part of the
// contract: a run never reads it, and losing its last lines in a crash loses nothing else. It holds no
// prompt, no row and no key.
type journal struct {
	f   *os.File
	err error
}

func openJournal(dataset, run string) (*journal, error) {
	dir := filepath.Join(dataset, schemas.RunsDir, run)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, "events.jsonl"))
	if err != nil {
		return nil, err
	}
	return &journal{f: f}, nil
}

func (j *journal) line(event string, fields map[string]any) {
	if j.err != nil {
		return
	}
	fields["event"] = event
	fields["time"] = time.Now().UTC().Format(time.RFC3339Nano)
	b, err := json.Marshal(fields)
	if err == nil {
		_, err = j.f.Write(append(b, '\n'))
	}
	j.err = err
}

func (j *journal) events() Events {
	return Events{
		RunStarted: func(i RunInfo) {
			j.line("run_started", map[string]any{"run": i.Run, "resumed": i.Resumed, "stages": i.Stages})
		},
		PhaseBegun: func(p PhaseInfo) {
			j.line("phase_begun", map[string]any{"phase": p.I, "of": p.Of, "fits": p.Fits})
		},
		Sealed: func(s SealInfo) {
			j.line("sealed", map[string]any{"phase": s.Phase, "first": s.Segment.First, "last": s.Segment.Last,
				"partial": s.Segment.Partial, "files": s.Segment.Files, "counts": s.Segment.Counts})
		},
		Notice: func(text string) { j.line("notice", map[string]any{"text": text}) },
		RunDone: func(r *Result, err error) {
			fields := map[string]any{"took": r.Took.Seconds(), "complete": r.Manifest != nil && r.Manifest.Complete}
			if err != nil {
				fields["error"] = err.Error()
			}
			j.line("run_done", fields)
		},
	}
}

func (j *journal) close() error {
	if err := j.f.Close(); j.err == nil {
		j.err = err
	}
	return j.err
}
