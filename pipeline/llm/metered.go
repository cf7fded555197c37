package llm

import (
	"context"
	"errors"
	"fmt"

	"sluice/pipeline/state"
)

// metered reserves the worst case before a request leaves, notes the intent in the ledger, and books what came of it:
//
//	answered                    what the provider counted, or our own count where that cannot be true; the answer is durable before it is used
//	certainly unpaid            nothing: it was refused (4xx, 429, 500, 503, an HTML page) or never reached the provider
//	unknown (no answer in time, the worst case with the prompt estimated (× 1.1); the request is then asked again like any other failure
//	  cut body, 502, 504)
//	hard stop                   the worst case, for this run; the intent stays in the ledger like that of a killed run
//
// So spend is never below the truth, and a provider that only returns errors does not eat the budget.
type metered struct {
	next   asker
	line   *line
	ledger *state.Ledger // nil: nothing is stored (echo, replay)
}

func (m *metered) ask(ctx context.Context, c *call) (*reply, error) {
	l := m.line
	bound := l.bound(c)
	if err := l.account.reserve(ctx, l.halt, bound); err != nil {
		return nil, err
	}
	worst, guess := l.expected(c, bound)
	var id uint64
	if m.ledger != nil {
		in := state.Intent{
			Dataset: l.dataset, Key: c.key, Model: l.name, Stage: c.stage, Run: l.run,
			Worst: int64(worst.money), WorstTokens: worst.tokens,
		}
		var err error
		if id, err = m.ledger.Begin(in); err != nil {
			l.account.settle(bound, amount{})
			return nil, fmt.Errorf("note the request before it leaves: %w", err)
		}
	}
	l.events.sent(l.name, c.stage)
	r, err := m.next.ask(ctx, c)
	if err == nil {
		return m.book(c, id, bound, r)
	}
	var e *Error
	switch known := errors.As(err, &e); {
	case known && e.Unpaid, !known && ctx.Err() == nil:
		l.account.settle(bound, amount{})
		if m.ledger != nil {
			if lost := m.ledger.Cancel(id); lost != nil {
				return nil, lost
			}
		}
		return nil, err
	case ctx.Err() != nil:
		l.account.settle(bound, worst)
		return nil, err
	}
	l.account.settle(bound, worst)
	l.books.spent(c.stage, guess)
	if m.ledger != nil {
		if lost := m.ledger.Finish(id, nil, spend(guess)); lost != nil {
			return nil, lost
		}
	}
	return nil, err
}

// book settles an answer: usage, money, ledger, in this order.
func (m *metered) book(c *call, id uint64, bound amount, r *reply) (*reply, error) {
	l := m.line
	r.Max, r.Request = c.max, c.canonical
	r.Usage = audit(r.said, r.Entry, c.prompt, c.choices()*int64(c.max), l.spec.Usage == "trust")
	r.Usage.Cost = int64(l.spec.Price.Cost(r.Usage, r.written))
	if what, first := l.modes.exceeded(c, r.Usage); what != "" {
		l.account.note("model " + l.name + ": " + what)
		if first {
			l.events.exceeded(l.name, what)
		}
	}
	l.account.settle(bound, amount{Money(r.Usage.Cost), r.Usage.Prompt + r.Usage.Completion})
	l.books.spent(c.stage, r.Usage)
	l.events.answered(l.name, c.stage, r.Usage)
	if m.ledger == nil {
		return r, nil
	}
	b, err := l.coders.encode(r.Entry)
	if err != nil {
		return nil, err
	}
	if err := m.ledger.Finish(id, b, spend(r.Usage)); err != nil {
		return nil, fmt.Errorf("store the answer before it is used: %w", err)
	}
	return r, nil
}

func spend(u Usage) state.Spend {
	s := state.Spend{Requests: 1, Prompt: u.Prompt, Cached: u.Cached, Completion: u.Completion, Reasoning: u.Reasoning, Cost: u.Cost}
	if u.Estimated {
		s.Estimated = 1
	}
	return s
}
