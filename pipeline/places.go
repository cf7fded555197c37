package pipeline

import "sync"

// places bound the calls that a stage has begun: a call takes one, and gives it back at its end. A call that waits out a delay
// (Retry-After, or the pause after a fault) lends its place meanwhile, so that another can begin. Otherwise a stage would
// have to begin several times as many calls as it has workers, each with a stack, a prompt and a turn in the model's queue, in
// case some of them must wait.
//
// With 4 places and 2 calls resting, 6 calls are under way. When the two go on there are 6 at work, two more than places: the next
// begins when three have ended.
type places struct {
	mu    sync.Mutex
	freed sync.Cond
	free  int // below zero: so many are to be given back before one is free
}

func newPlaces(n int) *places {
	p := &places{free: n}
	p.freed.L = &p.mu
	return p
}

// take waits for a place.
func (p *places) take() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.free <= 0 {
		p.freed.Wait()
	}
	p.free--
}

// give gives a place back, or lends it.
func (p *places) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	p.freed.Signal()
}

// reclaim takes a lent place back without waiting for it.
func (p *places) reclaim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free--
}
