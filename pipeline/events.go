package pipeline

import "sluice/schemas"

// Events is how progress, logs, metrics and the viewer watch a run: optional funcs, called one after another from the
// goroutine of the sink, in stream order.
type Events struct {
	RunStarted func(RunInfo)
	PhaseBegun func(PhaseInfo)
	BatchDone  func(BatchInfo)
	Sealed     func(SealInfo)
	Notice     func(string) // something a user should be told: settled intents, rebuilt claims
	RunDone    func(*Result, error)
}

// RunInfo tells what a run is about to do.
type RunInfo struct {
	Run, Dataset, State string
	Resumed             bool // the dataset held sealed rows already
	Stages              []string
	Target              *TargetSpec
	Before              []Tally // counts of what was sealed before
}

// PhaseInfo tells that a phase begins: Of is 1 for a recipe without barriers.
type PhaseInfo struct {
	I, Of  int
	Fits   string // stage that looks at every record first, "" in phase 1
	Stages []string
}

// BatchInfo tells what became of a batch.
type BatchInfo struct {
	Phase    int
	Batch    *Batch
	Accepted int
}

// SealInfo tells that a segment is on disk for good.
type SealInfo struct {
	Phase   int
	Segment *schemas.Segment
}

func (e *Events) batch(s *shards, b *Batch) {
	if e.BatchDone != nil {
		e.BatchDone(BatchInfo{Phase: s.phase, Batch: b, Accepted: len(b.Records)})
	}
}

func (e *Events) sealed(s *shards, g *schemas.Segment) {
	if e.Sealed != nil {
		e.Sealed(SealInfo{Phase: s.phase, Segment: g})
	}
}

func (e *Events) notice(text string) {
	if e.Notice != nil {
		e.Notice(text)
	}
}

// Join returns Events that call a, then b.
func Join(a, b Events) Events {
	return Events{
		RunStarted: both(a.RunStarted, b.RunStarted),
		PhaseBegun: both(a.PhaseBegun, b.PhaseBegun),
		BatchDone:  both(a.BatchDone, b.BatchDone),
		Sealed:     both(a.Sealed, b.Sealed),
		Notice:     both(a.Notice, b.Notice),
		RunDone: func(r *Result, err error) {
			for _, f := range []func(*Result, error){a.RunDone, b.RunDone} {
				if f != nil {
					f(r, err)
				}
			}
		},
	}
}

func both[T any](f, g func(T)) func(T) {
	switch {
	case f == nil:
		return g
	case g == nil:
		return f
	}
	return func(x T) { f(x); g(x) }
}
