package kernel

import (
	"sync"
	"sync/atomic"
)

// A Team is a set on a number of threads, with packing buffers of its own. Its methods share those buffers: one call at a time.
type Team struct {
	set     Set
	workers []*Worker
	wordsA  []uint32 // GemmBF16: op(A) and op(B) as bfloat16
	wordsB  []uint32
	tilesB  []float32 // the same on a matrix unit
	partial []float32 // SumRows
}

// A Worker is one thread's share of a team: a set and a packing buffer. Functions given to [Team.Each] get theirs.
type Worker struct {
	Set
	index int
	b     []float32 // packed panels of op(B)
	a     []float32 // copied strips of op(A)
	tiles []float32 // op(A) for a matrix unit
	edge  [4 * tileWords]float32
}

// NewTeam makes a team; threads below 1 count as 1.
func NewTeam(s Set, threads int) *Team {
	t := &Team{set: s}
	for range max(1, threads) {
		g := s.geometry()
		t.workers = append(t.workers, &Worker{Set: s, index: len(t.workers),
			b: Floats(g.kc * (g.nc + g.nr)),
			a: Floats(max(group*(g.kc*g.mr+16), g.mr*(g.kc+16)))})
	}
	return t
}

// Index is the worker's number in its team, for scratch of its own.
func (w *Worker) Index() int { return w.index }

// Set gives the instruction set.
func (t *Team) Set() Set { return t.set }

// Threads gives the number of threads.
func (t *Team) Threads() int { return len(t.workers) }

// Bytes is the memory of the packing buffers.
func (t *Team) Bytes() int {
	n := cap(t.wordsA) + cap(t.wordsB) + cap(t.tilesB) + cap(t.partial)
	for _, w := range t.workers {
		n += len(w.a) + len(w.b) + cap(w.tiles)
	}
	return 4 * n
}

// Each calls f for every i in [0, n), each on one thread. Which thread runs which i is not fixed: f's results must depend on i alone.
func (t *Team) Each(n int, f func(w *Worker, i int)) {
	if n <= 1 || len(t.workers) == 1 {
		for i := range n {
			f(t.workers[0], i)
		}
		return
	}
	var next atomic.Int64
	run := func(w *Worker) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(w, i)
		}
	}
	var wg sync.WaitGroup
	for _, w := range t.workers[1:min(n, len(t.workers))] {
		wg.Go(func() { run(w) })
	}
	run(t.workers[0])
	wg.Wait()
}

// Rows calls f for ranges [lo, hi) that cover [0, n), at most grain long and cut at multiples of grain.
func (t *Team) Rows(n, grain int, f func(lo, hi int)) {
	grain = max(1, grain)
	t.Each((n+grain-1)/grain, func(_ *Worker, i int) { f(i*grain, min(n, (i+1)*grain)) })
}
