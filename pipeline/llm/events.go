package llm

import "time"

// Events are told what happens, for progress and logs. Every field is optional; calls come from many goroutines and must be quick. No prompt, answer or
// key is in them.
type Events struct {
	Sent     func(model, stage string)                                   // a request leaves
	Answered func(model, stage string, u Usage)                          // it was answered and paid
	Retried  func(model, stage string, cause *Error, wait time.Duration) // it will be asked again after wait
	Exceeded func(model, what string)                                    // an answer took more than was reserved for it: told once for each model
	Paused   func(p Pause)                                               // the endpoint does not answer: only probes leave
	Resumed  func(p Pause)                                               // it answers again
}

func (e *Events) sent(model, stage string) {
	if e.Sent != nil {
		e.Sent(model, stage)
	}
}

func (e *Events) answered(model, stage string, u Usage) {
	if e.Answered != nil {
		e.Answered(model, stage, u)
	}
}

func (e *Events) retried(model, stage string, cause *Error, wait time.Duration) {
	if e.Retried != nil {
		e.Retried(model, stage, cause, wait)
	}
}

func (e *Events) exceeded(model, what string) {
	if e.Exceeded != nil {
		e.Exceeded(model, what)
	}
}

func (e *Events) paused(p Pause, on bool) {
	switch {
	case on && e.Paused != nil:
		e.Paused(p)
	case !on && e.Resumed != nil:
		e.Resumed(p)
	}
}
