package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/pipeline/llm"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// A budget caps all that a dataset costs, so what it has cost must outlive the store, which may be lost, moved or chosen anew. The ledger
// is the book; the dataset's manifest keeps its sums, written with every seal, every few seconds while money is spent, and at
// the end of a run. Where a store knows of less than the manifest, the difference is booked in it again.

// rememberEvery is how long the sums in the manifest may lag behind the ledger while a run is at work.
const rememberEvery = 5 * time.Second

// spent are the sums of the ledger for the dataset, by model and stage.
func (j *job) spent() ([]schemas.Spent, error) {
	booked, err := j.book.SpentBy(j.man.Dataset)
	if err != nil {
		return nil, err
	}
	var all []schemas.Spent
	for _, b := range booked {
		all = append(all, schemas.Spent{Model: b.Model, Stage: b.Stage, Requests: b.Requests, Prompt: b.Prompt, Cached: b.Cached,
			Completion: b.Completion, Reasoning: b.Reasoning, Cost: b.Cost, Estimated: b.Estimated})
	}
	return all, nil
}

// remember writes the sums into the manifest on disk, where they have grown. What else it lists stays as it is: the manifest in memory may
// be ahead of it.
func (j *job) remember() error {
	all, err := j.spent()
	if err != nil || slices.Equal(all, j.man.Spent) {
		return err
	}
	stored, err := schemas.ReadManifest(j.root)
	if err != nil {
		return err
	}
	stored.Spent = all
	if err := stored.Write(j.o.FS, j.root); err != nil {
		return err
	}
	j.man.Spent = all
	return nil
}

// lagging reports whether it is time to remember.
func (j *job) lagging() bool {
	now := time.Now()
	if now.Sub(j.remembered) < rememberEvery {
		return false
	}
	j.remembered = now
	return true
}

// recall books in the store what the manifest knows to be spent and the store does not.
func (j *job) recall() error {
	var lost state.Spend
	for _, s := range j.man.Spent {
		missing, err := j.book.Recover(j.man.Dataset, s.Model, s.Stage, state.Spend{Requests: s.Requests, Prompt: s.Prompt, Cached: s.Cached,
			Completion: s.Completion, Reasoning: s.Reasoning, Cost: s.Cost, Estimated: s.Estimated})
		if err != nil {
			return err
		}
		lost.Add(missing)
	}
	if lost != (state.Spend{}) {
		j.o.Events.notice(fmt.Sprintf("the store in %s does not know of %d requests, %d tokens and %s in money that this dataset has cost: they are booked there again, and count under its cap",
			j.r.State, lost.Requests, lost.Tokens(), llm.Money(lost.Cost)))
	}
	return nil
}

// settle is remember at the end of a run. A disk that has refused the rows refuses the sums too: err says so already.
func (j *job) settle(err error) error {
	if e := j.remember(); e != nil && err == nil && !errors.Is(e, schemas.ErrNoManifest) {
		return e
	}
	return err
}
