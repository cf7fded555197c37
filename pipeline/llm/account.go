package llm

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// account holds what was spent and what requests in flight may still cost. A request leaves only if
//
//	spent + reserved + its own worst case ≤ cap
//
// so the cap holds whatever order answers come in. Where only reservations stand in the way a request waits for them
// to settle, in the order in which requests came; where even spent + worst exceeds the cap, it is [ErrBudget].
type account struct {
	cap       Money // -1: none
	tokenCap  int64 // 0: none
	currency  string
	mu        sync.Mutex
	spent     amount
	reserved  amount
	claimants []*claimant
	excess    string // what made spend go beyond reservations
}

type amount struct {
	money  Money
	tokens int64
}

type claimant struct {
	worst   amount
	decided chan struct{}
	err     error
}

func newAccount(b *Budget, currency string, before amount) *account {
	a := &account{cap: -1, spent: before, currency: currency}
	if m, ok := b.Money(); ok {
		a.cap = m
	}
	if b != nil {
		a.tokenCap = b.Tokens
	}
	return a
}

// fits reports whether worst fits beside other.
func (a *account) fits(other, worst amount) bool {
	return (a.cap < 0 || a.spent.money+other.money+worst.money <= a.cap) &&
		(a.tokenCap == 0 || a.spent.tokens+other.tokens+worst.tokens <= a.tokenCap)
}

// reserve sets worst aside, or says that it never fits.
func (a *account) reserve(ctx context.Context, h *halt, worst amount) error {
	a.mu.Lock()
	if len(a.claimants) == 0 && a.fits(a.reserved, worst) {
		a.add(worst)
		a.mu.Unlock()
		return nil
	}
	c := &claimant{worst: worst, decided: make(chan struct{})}
	a.claimants = append(a.claimants, c)
	a.decide()
	a.mu.Unlock()
	if err := h.wait(ctx, c.decided); err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		select {
		case <-c.decided:
			if c.err == nil { // granted in the same moment
				a.release(worst)
			}
		default:
			a.claimants = slices.DeleteFunc(a.claimants, func(o *claimant) bool { return o == c })
		}
		a.decide()
		return err
	}
	return c.err
}

// decide answers the claimants at the head of the line. a.mu is held.
func (a *account) decide() {
	for len(a.claimants) > 0 {
		c := a.claimants[0]
		switch {
		case a.fits(a.reserved, c.worst):
			a.add(c.worst)
		case !a.fits(amount{}, c.worst):
			c.err = a.refusal(c.worst)
		default:
			return // something in flight will settle
		}
		close(c.decided)
		a.claimants = a.claimants[1:]
	}
	a.claimants = nil
}

func (a *account) refusal(worst amount) error {
	why := ""
	if a.excess != "" {
		why = " (" + a.excess + ")"
	}
	if a.cap >= 0 && a.spent.money+worst.money > a.cap {
		return fmt.Errorf("%w: %s of %s %s are spent, and the next request may cost %s%s: raise the budget to go on",
			ErrBudget, a.spent.money, a.cap, a.currency, worst.money, why)
	}
	return fmt.Errorf("%w: %d of %d tokens are spent, and the next request may take %d%s: raise the budget to go on",
		ErrBudget, a.spent.tokens, a.tokenCap, worst.tokens, why)
}

// note remembers for [account.refusal] that an answer took more than was reserved.
func (a *account) note(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.excess = what
}

func (a *account) add(w amount) {
	a.reserved.money += w.money
	a.reserved.tokens += w.tokens
}

func (a *account) release(w amount) {
	a.reserved.money -= w.money
	a.reserved.tokens -= w.tokens
}

// settle replaces a reservation by what was spent.
func (a *account) settle(worst, spent amount) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.release(worst)
	a.spent.money += spent.money
	a.spent.tokens += spent.tokens
	a.decide()
}

// totals returns what was spent and what is reserved.
func (a *account) totals() (spent, reserved amount) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.spent, a.reserved
}
