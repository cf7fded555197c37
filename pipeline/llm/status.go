package llm

import (
	"maps"
	"slices"
	"sync"
	"time"

	"sluice/pipeline/state"
)

// Status is a picture of a run's models, for progress and the summary.
type Status struct {
	InFlight int // requests sent and not answered
	Waiting  int // calls that wait for a limit, a retry or the budget

	Sum    state.Spend            // of this run
	Stages map[string]state.Spend // of this run, by stage

	Currency string
	Spent    Money // under the cap: with a budget per dataset, of all its runs
	Reserved Money // worst case of what is in flight
	Cap      Money // -1: none

	CachedAnswers int64 // from the ledger in this run
	Saved         Money // what they cost when they were paid

	Paused []Pause // endpoints that do not answer now
}

// Status returns the picture now.
func (m *Models) Status() Status {
	s := Status{Currency: m.account.currency, Cap: m.account.cap}
	m.books.mu.Lock()
	s.Stages = maps.Clone(m.books.stages)
	s.CachedAnswers, s.Saved = m.books.cached, m.books.savedCost
	m.books.mu.Unlock()
	for _, spent := range s.Stages {
		s.Sum.Add(spent)
	}
	spent, reserved := m.account.totals()
	s.Spent, s.Reserved = spent.money, reserved.money
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(m.lines)) {
		g := m.lines[name].gate
		g.mu.Lock()
		s.InFlight += g.inflight
		s.Waiting += max(g.asking-g.inflight, 0)
		if g.breaker.open {
			s.Paused = append(s.Paused, g.pause(now))
		}
		g.mu.Unlock()
	}
	return s
}

// books sums up the run.
type books struct {
	mu        sync.Mutex
	stages    map[string]state.Spend
	cached    int64
	savedCost Money
}

func newBooks() *books { return &books{stages: make(map[string]state.Spend)} }

func (b *books) spent(stage string, u Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stages[stage]
	s.Add(spend(u))
	b.stages[stage] = s
}

func (b *books) saved(u Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cached++
	b.savedCost += Money(u.Cost)
}
