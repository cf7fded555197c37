package pipeline

import "runtime"

// seat is the place of a component in a run: everything a lift needs besides the component.
type seat struct {
	id       string // identity of the stage
	workers  int
	waits    bool // it waits for models: records are spread over workers one by one, else batch by batch
	made     bool // acts on made records only
	maxDepth int  // generators act on records of a smaller depth only
	halt     *Halt
	places   *places // of a stage that waits; nil: as many as calls
}

// waitingWorkers is how many requests a stage that asks models keeps under way where the recipe is silent.
const waitingWorkers = 32

func (s *StageSpec) seat(halt *Halt) seat {
	at := seat{id: s.ID, workers: s.Workers, made: s.On == OnMade, maxDepth: s.MaxDepth, halt: halt}
	if m, ok := s.Component.(Modeler); ok && len(m.Models()) > 0 {
		at.waits = true
	}
	if at.workers == 0 {
		at.workers = runtime.GOMAXPROCS(0)
		if at.waits {
			at.workers = waitingWorkers
		}
	}
	return at
}

// newPlaces are the places of a stage that waits: a few more than it has workers, so that the next prompt is ready when an answer
// comes. The model's gate lets only as many requests leave as there are workers.
func (s seat) newPlaces() *places {
	if !s.waits || s.workers <= 1 {
		return nil
	}
	return newPlaces(s.workers + (s.workers+7)/8)
}

// calls is how many records are worked on at once at the most. A stage that asks models may have more under way than workers: those that
// wait out a Retry-After hold no place; see [places].
func (s seat) calls() int {
	if s.waits && s.workers > 1 {
		return 4 * s.workers
	}
	return s.workers
}

// window is how many results may wait for a slow one; see [ordered]. Computing takes about
// equally long for every batch, so a short queue keeps memory small.
func (s seat) window() int {
	if s.waits {
		return 64 * s.workers
	}
	return 4 * s.workers
}
