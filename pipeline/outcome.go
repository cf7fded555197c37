package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice/pipeline/llm"
	"sluice/schemas"
)

// ErrInterrupted ends a run that a signal asked to stop. What was whole is sealed; the same command goes on.
var ErrInterrupted = errors.New("interrupted")

// LockedError says that another process works on the same dataset or store.
type LockedError struct {
	What string // dataset, store or model
	Path string
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("another run holds the lock of the %s %s", e.What, e.Path)
}

// ChangedError refuses to continue a dataset with a recipe that would have made other rows.
type ChangedError struct {
	Dataset string
	Diff    []string // lines with - for the dataset's recipe and + for the one given
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("the recipe differs from the one that made %s:\n  %s", e.Dataset, strings.Join(e.Diff, "\n  "))
}

// UnmetError ends a run with a target that was not met: Rule is the stop rule that ended it.
type UnmetError struct {
	Accepted, Wanted int64
	Rule             string
}

func (e *UnmetError) Error() string {
	return fmt.Sprintf("target unmet: %d of %d rows accepted; %s", e.Accepted, e.Wanted, e.Rule)
}

// Result is what a run leaves behind.
type Result struct {
	Run      string // id of the run
	Dataset  string // folder
	Manifest *schemas.Manifest
	Models   llm.Status
	New      int64 // batches this run added
	Took     time.Duration
}

// resumable reports whether what was whole should be sealed after err: everything but a failing disk.
func resumable(err error) bool {
	_, disk := errors.AsType[*writeError](err)
	return !disk
}

// writeError marks an error of the sink itself: the open segment cannot be trusted.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }
