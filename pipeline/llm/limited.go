package llm

import (
	"context"
	"errors"
)

// limited waits for the gate before a request leaves and tells it how the request fared.
type limited struct {
	next asker
	gate *gate
}

func (l *limited) ask(ctx context.Context, c *call) (*reply, error) {
	t, err := l.gate.enter(ctx, float64(c.prompt.likely+c.choices()*int64(c.max)))
	if err != nil {
		return nil, err
	}
	r, err := l.next.ask(ctx, c)
	o := outcome{result: abandoned, used: -1}
	var e *Error
	switch {
	case err == nil:
		o.result, o.used, o.hold = answered, float64(r.Usage.Prompt+r.Usage.Completion), r.quota.hold()
	case ctx.Err() != nil || !errors.As(err, &e):
	case e.Kind == Throttled:
		o.result, o.err = rejected, e
	case e.retryable():
		o.result, o.err = failed, e
	default:
		o.result, o.err = alive, e
	}
	l.gate.leave(t, o)
	return r, err
}
